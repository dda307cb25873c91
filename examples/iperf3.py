"""Three tests of one iperf3 server, live: TCP, TCP the other way round, UDP.

Usage: python examples/iperf3.py [SECONDS]
"""

from __future__ import annotations

import sys

from pyperf2 import Client, Server


def main(seconds: float = 2) -> None:
    """Print each interval as it comes, then what the server says of each of its tests."""
    server = Server(tool="iperf3")
    tests = (
        Client("127.0.0.1", tool="iperf3", test_duration=seconds),
        Client("127.0.0.1", tool="iperf3", test_duration=seconds, reverse=True),
        Client(
            "127.0.0.1", tool="iperf3", protocol="udp", bandwidth="1000pps", test_duration=seconds
        ),
    )
    with server:
        served = server.runs()  # a result for each test, as it ends
        for client in tests:
            with client:
                for interval in client.intervals():
                    print(
                        f"{interval.protocol} {interval.direction:>8}"
                        f"  {interval.start:4.1f} - {interval.end:4.1f} s"
                        f"  {(interval.bits_per_second or 0) / 1e6:9.1f} Mbit/s"
                    )
            if client.error:
                raise client.error
            test = next(served)
            for stream in test.streams.values():
                lost = "" if stream.packets_lost is None else f", {stream.packets_lost} lost"
                print(f"server, test {test.run_number}: {stream.bytes} bytes{lost}")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
