"""Send 1000 datagrams a second over loopback for 10 seconds and watch them arrive.

Usage: python examples/quickstart.py [SECONDS]
"""

from __future__ import annotations

import sys
from typing import Any

from pyperf2 import Client, Server


def show(message: dict[str, Any]) -> None:
    """Print one interval as the receiver saw it; called while the test runs."""
    print(
        f"{message['interval_begin']:5.1f} - {message['interval_end']:4.1f} s"
        f"  {message['packets_received']:5} received  {message['packets_lost']} lost"
        f"  jitter {message['jitter_ms']:.3f} ms"
    )


def main(seconds: float = 10) -> None:
    """Run the test, then print what the server received."""
    server = Server(protocol="udp")
    client = Client("127.0.0.1", protocol="udp", bandwidth="1000pps", test_duration=seconds)
    server.register_on_data_callback(show)

    with server, client:  # starts both; leaving the block stops both
        client.wait(timeout=seconds + 5)

    for stream in server.result().streams.values():
        print(
            f"in all: {stream.packets_received} received, {stream.packets_lost} lost"
            f" in {stream.duration_s:.1f} s"
        )


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
