"""Send UDP from one network namespace to another, over a veth pair. Needs root.

Usage: python examples/namespaces.py [SECONDS]
"""

from __future__ import annotations

import sys
from typing import Any

from netlab import bring_up, cable, namespaces

from pyperf2 import Client, Server


def show(message: dict[str, Any], namespace: str) -> None:
    """Print one interval; what was registered beside the callback comes back as a keyword."""
    print(
        f"{namespace}: {message['interval_begin']:4.1f} - {message['interval_end']:4.1f} s"
        f"  {message['packets_received']} received, {message['packets_lost']} lost"
    )


def main(seconds: float = 5) -> None:
    """Make two namespaces, run the test between them, remove them."""
    with namespaces("sender", "receiver") as (sender, receiver):
        cable(sender, receiver)
        bring_up(sender, "10.77.0.1")
        bring_up(receiver, "10.77.0.2")

        server = Server(name="rx", protocol="udp", use_linux_namespace=receiver)
        client = Client(
            "10.77.0.2",
            name="tx",
            protocol="udp",
            bandwidth="1000pps",
            test_duration=seconds,
            use_linux_namespace=sender,
        )
        server.register_on_data_callback(show, namespace=receiver)
        with server, client:
            client.wait(timeout=seconds + 5)

        for stream in server.result().streams.values():
            print(
                f"in all: {stream.packets_received} received, {stream.packets_lost} lost"
                f" in {stream.duration_s:.1f} s"
            )


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
