"""The same on the caller's event loop, by the same courses."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from pyperf2 import AsyncServer, TrafficError
from pyperf2.run import reservations
from pyperf2.traffic import (
    AsyncSingleHostStream,
    AsyncTrafficManager,
    Traffic,
    check_port,
    max_loss,
    min_bitrate,
)
from tests.conftest import iperf_children
from tests.live.support import wait_for
from tests.traffic.pairs import PORT, QUICK, async_stream, refused, watch_runs

pytestmark = pytest.mark.slow


@pytest.mark.alone
def test_a_stream_runs_and_leaves_the_results_of_both_ends() -> None:
    """It returns after the duration plus little; everything has been stopped."""

    async def main() -> None:
        one = async_stream("voice")
        assert isinstance(one, Traffic)
        began = time.monotonic()
        results = await one.run(1)
        assert 1 <= time.monotonic() - began < 2.5
        assert 900 <= (results.server.streams["1"].packets_received or 0) <= 1100
        assert one.validate(server_validation_criteria=[max_loss("1%")])
        assert not one.started

    asyncio.run(main())
    assert check_port(PORT)


def test_instances_run_for_a_duration() -> None:
    """A client has ended when its ``run`` returns, a server runs until it is stopped."""

    async def main() -> None:
        server, client = async_stream(port=None).instances
        for each in (server, client):
            each.set_options(port=PORT)
        assert await server.run(1)
        assert await client.run(0.5)
        assert [True, False] == [server.running, client.running]
        await server.stop()
        assert client.validate([min_bitrate("1M")])

    asyncio.run(main())


@pytest.mark.alone
def test_the_order_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is ready before any client starts; all clients have ended before it stops."""
    seen = watch_runs(monkeypatch)

    async def main() -> None:
        async with async_stream(clients=2):
            assert not check_port(PORT)

    asyncio.run(main())
    assert [("start", "rx"), ("start done", "rx")] == seen[:2]
    assert {("start", "tx1"), ("start", "tx2")} == set(seen[2:4])
    assert [("stop", "rx"), ("stop done", "rx")] == seen[-2:]
    assert check_port(PORT)


def test_what_fails_takes_all_with_it() -> None:
    """One error names each, and nothing is left."""

    async def main() -> None:
        manager = AsyncTrafficManager()
        for n in range(2):
            manager.add_stream(async_stream(f"s{n}", clients=2))
            refused(manager[f"s{n}"].clients[n])
        with pytest.raises(TrafficError) as raised:
            await manager.start_all()
        assert ["stream 's0', tx1", "stream 's1', tx2"] == list(raised.value.failures)
        assert {} == iperf_children()

    asyncio.run(main())
    assert check_port(PORT)


def test_a_run_that_is_cancelled_stops_everything() -> None:
    """In whichever step: before anything runs, or when all does."""

    async def main(moment: Any) -> None:
        one = async_stream(clients=2)
        task = asyncio.ensure_future(one.run(50))
        end = time.monotonic() + 10
        while not moment(one):
            assert time.monotonic() < end
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (False, False, None) == (one.started, one.running, one.reserved_port)
        assert {} == iperf_children()

    for moment in (
        lambda one: one.started,
        lambda one: one.server.started,
        lambda one: one.clients[1].result().streams,
    ):
        asyncio.run(main(moment))
        assert check_port(PORT)


def test_a_port_that_is_reserved_meanwhile_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled while another thread reserves it: what that gets is released."""

    def slow(*given: Any, **how: Any) -> reservations.PortReservation:
        time.sleep(0.3)
        return reserve(*given, **how)

    reserve = reservations.reserve_port
    monkeypatch.setattr("pyperf2.traffic.stream.reserve_port", slow)

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(async_stream().start(), 0.05)

    asyncio.run(main())
    assert check_port(PORT)


def test_a_manager_runs_all_of_its_streams() -> None:
    """By name and all at once, those without clients among them; conditions end them early."""

    async def main() -> None:
        async with AsyncTrafficManager() as manager:
            manager.add_stream(async_stream("voice"))
            manager.add_stream(
                AsyncSingleHostStream(AsyncServer(name="alone", **QUICK), "alone", PORT)
            )
            results = await manager.run_all(1)
            assert ["voice", "alone"] == list(results)
            assert manager.validate("voice")
            assert (await manager.run("voice", 0.5)).clients
            await manager.start("alone", delay=0.01)
            await manager.stop("alone", delay=0.01)
            seen: list[str] = []
            manager.on_interval(lambda _, stream, role: seen.append(f"{stream} {role}"))
            manager.stop_when(lambda message: message["interval_end"] > 0.3)
            began = time.monotonic()
            await manager.run_all(50)
            assert time.monotonic() - began < 10
            assert {"voice server", "voice client"} == set(seen)
            assert "<lambda> is true" in str(manager["voice"].aborted)
            await manager.start_all()
            assert all(one.running for one in manager.streams)
        wait_for(lambda: not iperf_children(), "the end of all")

    asyncio.run(main())
