"""One sender, three receivers of a multicast group, each in its own namespace. Needs root.

Usage: python examples/multicast.py [SECONDS]
"""

from __future__ import annotations

import sys

from netlab import bring_up, namespaces, switch

from pyperf2 import Client, Server, start_all, stop_all

GROUP = "239.7.7.7"


def main(seconds: float = 5) -> None:
    """Wire four namespaces to a bridge, send to the group, print what each receiver got."""
    with namespaces("switch", "tx", "rx1", "rx2", "rx3") as (centre, *hosts):
        switch(centre, hosts)
        for number, host in enumerate(hosts, start=1):
            bring_up(host, f"10.78.0.{number}")
        sender, *receivers = hosts

        servers = [
            # A server joins the group that it is bound to.
            Server(name=host, protocol="udp", bind_ip=GROUP, use_linux_namespace=host)
            for host in receivers
        ]
        client = Client(
            GROUP,
            protocol="udp",
            bandwidth="1000pps",
            test_duration=seconds,
            ttl=4,
            use_linux_namespace=sender,
        )
        start_all([*servers, client])  # the servers first; the client once all are ready
        try:
            client.wait(timeout=seconds + 5)
        finally:
            stop_all([client, *servers])

        for server in servers:
            for stream in server.result().streams.values():
                print(
                    f"{server.name}: {stream.packets_received} received, {stream.packets_lost} lost"
                )


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
