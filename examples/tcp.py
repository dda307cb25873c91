"""Measure TCP throughput over loopback, two streams in parallel, both ends watched.

Usage: python examples/tcp.py [SECONDS]
"""

from __future__ import annotations

import sys

from pyperf2 import Client, Server


def main(seconds: float = 5) -> None:
    """Print each interval of the sender, then both ends' totals."""
    server = Server(protocol="tcp")
    client = Client("127.0.0.1", protocol="tcp", parallel=2, test_duration=seconds)

    with server, client:
        for interval in client.intervals():  # ends with the run
            print(
                f"stream {interval.stream_id:>3}  {interval.start:4.1f} - {interval.end:4.1f} s"
                f"  {(interval.bits_per_second or 0) / 1e9:6.2f} Gbit/s"
            )

    for role, instance in (("sent", client), ("received", server)):
        for stream in instance.result().streams.values():
            if stream.summary is not None and stream.bytes is not None:
                rate = stream.summary.bits_per_second or 0
                print(
                    f"{role} {stream.stream_id:>3}: {stream.bytes} bytes, {rate / 1e9:.2f} Gbit/s"
                )
    if client.error:
        raise client.error


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
