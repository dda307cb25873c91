"""Twenty pairs of server and client on one event loop, no thread of their own.

Usage: python examples/asyncio_many.py [SECONDS]
"""

from __future__ import annotations

import asyncio
import sys

from pyperf2 import AsyncClient, AsyncServer

FIRST_PORT = 5101
PAIRS = 20


async def pair(port: int, seconds: float) -> int:
    """Run one stream; give the number of datagrams that its server received."""
    server = AsyncServer(protocol="udp", port=port, report_interval=0.5)
    client = AsyncClient(
        "127.0.0.1", protocol="udp", port=port, bandwidth="200pps", test_duration=seconds
    )
    async with server, client:
        # This coroutine waits for intervals; the nineteen others run meanwhile.
        async for interval in client.intervals():
            print(f"port {port}: sent until {interval.end:.1f} s")
        await client.wait(timeout=seconds + 5)
    return sum(stream.packets_received or 0 for stream in server.result().streams.values())


async def main(seconds: float = 3) -> None:
    """Run all pairs at once and print what arrived."""
    ports = range(FIRST_PORT, FIRST_PORT + PAIRS)
    received = await asyncio.gather(*(pair(port, seconds) for port in ports))
    print(f"{PAIRS} pairs: {sum(received)} datagrams received, {min(received)} by the slowest")


if __name__ == "__main__":
    asyncio.run(main(*map(float, sys.argv[1:2])))
