"""The asyncio face: the same runs on the caller's loop; cancellation ends the child."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from pyperf2 import AsyncClient, OptionError, PortUnavailable, StateError
from tests.conftest import iperf_children
from tests.faces.pairs import LIGHT, async_udp_pair
from tests.live.support import LOOPBACK, free_port

pytestmark = pytest.mark.slow


def test_the_states_of_a_run() -> None:
    """As on the synchronous face, with ``await``."""

    async def main() -> None:
        server, client = async_udp_pair()
        assert not await client.wait(timeout=0.01)
        async with server as entered, client:
            assert entered is server
            assert ("running", None) == (client.status, client.returncode)
            assert await client.start()
            client.report_interval = 0.2
            with pytest.raises(StateError, match="stop"):
                await client.start()
            assert not await client.wait(timeout=0.05)
            assert await client.wait(timeout=5)
            assert ("stopped", 0, None) == (client.status, client.returncode, client.error)
        assert ("stopped", 0, None) == (server.status, server.returncode, server.error)
        assert await server.stop()
        assert await server.wait()

    asyncio.run(main())


def test_intervals_as_they_arrive_and_for_who_comes_late() -> None:
    """``async for``; two readers at once, a third one when all is over: each sees them all."""

    async def main() -> None:
        server, client = async_udp_pair()
        with pytest.raises(StateError, match="start"):
            client.intervals()
        seen: list[tuple[str, float]] = []

        async def read(who: str) -> list[float]:
            found = []
            async for interval in client.intervals():
                seen.append((who, interval.start))
                found.append(interval.start)
            return found

        async with server, client:
            first, second = await asyncio.gather(read("a"), read("b"))
            assert await client.wait(timeout=5)
        assert [0.0, 0.1, 0.2, 0.3, 0.4] == [round(start, 1) for start in first[:5]]
        assert first == second == await read("late")
        assert {"a", "b"} == {who for who, _ in seen[:2]}

    asyncio.run(main())


def test_leaving_the_reading_early() -> None:
    """``break`` out of ``async for`` disturbs neither the run nor the loop's end."""

    async def main() -> None:
        server, client = async_udp_pair()
        async with server, client:
            async for interval in client.intervals():
                assert 0 == interval.start
                break
            assert await client.wait(timeout=5)
        (stream,) = client.result().streams.values()
        assert len(stream.intervals) >= 5

    asyncio.run(main())


def test_callbacks_run_on_the_loop() -> None:
    """In order, between two reads; one that raises is counted; one may stop its own instance."""

    async def main() -> None:
        server, client = async_udp_pair(test_duration=20)
        loop = asyncio.get_running_loop()
        told: list[dict[str, Any]] = []
        stops: list[asyncio.Task[bool]] = []

        def note(message: dict[str, Any]) -> None:
            assert asyncio.get_running_loop() is loop
            told.append(message)
            if len(told) == 3:
                stops.append(loop.create_task(client.stop()))
            raise ZeroDivisionError

        client.register_on_data_callback(note)
        async with server, client:
            assert await client.wait(timeout=5)
            assert await stops[0]
        assert client.callback_errors == len(told) >= 3

    asyncio.run(main())


@pytest.mark.parametrize("moment", ["starting", "waiting", "reading", "in the block"])
def test_cancellation_ends_the_child(moment: str) -> None:
    """Whatever is being awaited, a cancelled task leaves no iperf."""

    async def main() -> None:
        server, client = async_udp_pair(test_duration=20)
        begun = asyncio.Event()

        async def work() -> None:
            if moment == "starting":
                # TEST-NET-3 does not answer: connecting goes on until it is cancelled
                begun.set()
                stuck = AsyncClient("203.0.113.1", bind_ip=LOOPBACK, **LIGHT)
                await stuck.start(timeout=20)
                await asyncio.sleep(20)
            async with server, client:
                begun.set()
                if moment == "waiting":
                    await client.wait()
                elif moment == "reading":
                    async for _ in client.intervals():
                        pass
                await asyncio.sleep(20)

        task = asyncio.create_task(work())
        await begun.wait()
        await asyncio.sleep(0.15)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    started = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - started < 5
    assert {} == iperf_children()


def test_a_timeout_around_the_start() -> None:
    """``wait_for`` around ``start()`` cancels it, and the child is gone with it."""

    async def main() -> None:
        server, client = async_udp_pair(test_duration=20)
        async with server:
            for _ in range(10):  # a loop that was held up may find it started in time
                try:
                    await asyncio.wait_for(client.start(), 0.001)
                except asyncio.TimeoutError:
                    break
                await client.stop()
            else:
                pytest.fail("ten starts in a row took no millisecond each")
            assert "running" != client.status
            assert [server.pid] == list(iperf_children())

    asyncio.run(main())


def test_many_at_once() -> None:
    """Ten pairs on one loop, all of them gathered."""

    async def main() -> None:
        pairs = [async_udp_pair(bandwidth="50pps") for _ in range(10)]
        everyone = [one for pair in pairs for one in pair]
        assert all(await asyncio.gather(*(server.start() for server, _ in pairs)))
        assert all(await asyncio.gather(*(client.start() for _, client in pairs)))
        assert all(await asyncio.gather(*(client.wait(10) for _, client in pairs)))
        assert all(await asyncio.gather(*(one.stop() for one in everyone)))
        for one in everyone:
            assert one.error is None
            (stream,) = one.result().streams.values()
            assert stream.summary is not None

    asyncio.run(main())


def test_refusals_are_raised_before_anything_is_started() -> None:
    """The same exceptions as on the synchronous face."""

    async def main() -> None:
        with pytest.raises(OptionError, match="server_ip"):
            await AsyncClient().start()
        server, _ = async_udp_pair()
        twin, _ = async_udp_pair()
        twin.port = server.port
        async with server:
            with pytest.raises(PortUnavailable):
                await twin.start()
            assert "configured" == twin.status
            assert [server.pid] == list(iperf_children())
        refused = AsyncClient(LOOPBACK, port=free_port("tcp"), **LIGHT)
        assert await refused.start() is False
        with pytest.raises(ConnectionError, match="refused"):
            async with refused:
                pytest.fail("it was refused")

    asyncio.run(main())


def test_restarting_on_another_loop() -> None:
    """An object is not tied to the loop that it first ran on."""
    server, client = async_udp_pair()

    async def main() -> int:
        async with server, client:
            assert await client.wait(timeout=5)
        (stream,) = client.result().streams.values()
        return len(stream.intervals)

    assert asyncio.run(main()) == asyncio.run(main()) == 5
