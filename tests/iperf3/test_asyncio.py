"""The asyncio face runs iperf3 as the other one does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import AsyncClient, AsyncServer, ConnectionFailed, start_all, stop_all
from tests.conftest import iperf_children
from tests.iperf3.pairs import client_of, only_stream, own_port, server_of
from tests.live.support import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

SHORT: dict[str, Any] = {"num": "64K", "bandwidth": "10M"}


def faces(iperf3: Path, **client: Any) -> tuple[AsyncServer, AsyncClient]:
    """Return a server and its client."""
    common = {"iperf_binary_path": str(iperf3), "port": own_port(), "report_interval": 0.1}
    return AsyncServer(**common), AsyncClient(LOOPBACK, **{**common, "bandwidth": "4M", **client})


@pytest.mark.slow
def test_tests_are_told_while_the_server_serves(iperf3: Path) -> None:
    """``async for`` over ``runs()`` gives each test as it ends, and ends with the server."""

    async def main() -> list[tuple[int, object]]:
        server, client = faces(iperf3, **SHORT)
        told: list[tuple[int, object]] = []
        async with server:
            for _ in range(3):
                async with client:
                    assert await client.wait(timeout=10)
            async for test in server.runs():
                told.append((test.run_number, test.error))
                if test.run_number == 3:
                    await server.stop()
        return told

    assert [(1, None), (2, None), (3, None)] == asyncio.run(main())


@pytest.mark.slow
def test_intervals_come_one_by_one(iperf3: Path) -> None:
    """Each is there when it is over, not at the end of the test."""

    async def main() -> list[float]:
        server, client = faces(iperf3, test_duration=1)
        loop = asyncio.get_running_loop()
        async with server, client:
            began = loop.time()
            return [loop.time() - began - one.end async for one in client.intervals()]

    late = asyncio.run(main())
    assert 9 <= len(late) <= 11
    assert sorted(late)[5] < 0.05


def test_cancelling_ends_both_processes(iperf3: Path) -> None:
    """A task that is cancelled leaves no iperf3 behind."""

    async def main() -> None:
        server, client = faces(iperf3)

        async def measure() -> None:
            async with server, client:
                await client.wait()

        task = asyncio.create_task(measure())
        while client.status != "running" or not client.result().streams:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert {} == iperf_children()


def test_a_refused_connection(iperf3: Path) -> None:
    """``async with`` raises what went wrong."""

    async def main() -> None:
        _, client = faces(iperf3)
        async with client:
            pytest.fail("nobody listens there")

    with pytest.raises(ConnectionFailed):
        asyncio.run(main())


@pytest.mark.slow
def test_many_pairs_at_once(iperf3: Path) -> None:
    """Ten servers and their clients start together, and are paired by their ports."""
    servers = [server_of(iperf3, name=f"rx{n}", protocol="udp") for n in range(10)]
    clients = [
        client_of(one, protocol="udp", bandwidth="100pps", test_duration=1) for one in servers
    ]
    members = [*servers, *clients]
    try:
        start_all(members)
        assert all(client.wait(timeout=10) for client in clients)
        tests = [next(server.runs()) for server in servers]
    finally:
        stop_all(members)
    assert [None] * 20 == [one.error for one in members]
    assert all(test.run_number == 1 for test in tests)
    for server in servers:
        stream = only_stream(server.result())
        assert stream.packets_sent is not None  # its client told
        assert pytest.approx(100, abs=10) == stream.packets_sent
