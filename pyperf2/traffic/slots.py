"""One slot of a stress test: a stream, and when it is over the next one; knows no other slot."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from pyperf2.aio import AsyncClient, AsyncInstance, AsyncServer
from pyperf2.run.reservations import reserve_port
from pyperf2.run.runner import Run
from pyperf2.traffic.aio import AsyncStream
from pyperf2.traffic.course import running
from pyperf2.traffic.ledger import Played
from pyperf2.traffic.steps import perform_async

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyperf2.run.reservations import PortReservation
    from pyperf2.traffic.draws import Draw
    from pyperf2.traffic.journal import Journal
    from pyperf2.traffic.ledger import Ledger, Outcome
    from pyperf2.traffic.recipe import Recipe

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S: Final = 0.1  # after a failure; doubled after each that follows
_LONGEST_PAUSE_S: Final = 30.0


class Slot:
    """A place for one stream at a time, with a port of its own, as long as that one can be had."""

    def __init__(
        self,
        number: int,
        draws: Iterator[Draw],
        recipe: Recipe,
        *,
        ledger: Ledger,
        journal: Journal | None,
        starts: asyncio.Semaphore,
    ) -> None:
        """Begin without a stream; ``starts`` is how many may start at once, of all slots."""
        self.name = f"slot {number}"
        self.settled = asyncio.Event()  # the first stream since the slot works runs, or has failed
        self.failure: Exception | None = None  # of the first stream since then
        self._draws = draws
        self._recipe = recipe
        self._ledger = ledger
        self._journal = journal
        self._starts = starts
        self._port: PortReservation | None = None

    async def work(self) -> None:
        """Run stream after stream until cancelled, or until all are drawn; then none is live."""
        self.settled.clear()
        self.failure = None
        pause_s = _FIRST_PAUSE_S
        while True:
            await self._starts.acquire()  # before the draw: one that is drawn is played
            draw = next(self._draws, None)
            if draw is None:
                self._starts.release()
                self.settled.set()
                return
            try:
                error = await self._play(draw)
            except Exception as unforeseen:  # noqa: BLE001 - a slot never ends unseen
                error = unforeseen
            if error is None:
                pause_s = _FIRST_PAUSE_S
                continue
            _log.warning("%s failed, the next one follows in %g s: %s", draw, pause_s, error)
            self.release()  # another port may do
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def release(self) -> None:
        """Give the port back."""
        port, self._port = self._port, None
        if port is not None:
            port.release()

    async def _play(self, draw: Draw) -> Exception | None:
        """Run one stream to its end, enter what became of it, and give why it failed."""
        loop = asyncio.get_running_loop()
        stream: AsyncStream | None = None
        failure: Exception | None = None
        began: float | None = None

        def up() -> None:
            nonlocal began
            began = loop.time()
            self._starts.release()
            self._ledger.up()
            self.settled.set()

        outcome: Outcome = "completed"
        try:
            if self._journal is not None:
                self._journal.begin(draw)
            stream = self._stream(draw)
            await perform_async(running([stream], draw.seconds, up))
        except asyncio.CancelledError:
            outcome = "broken off"
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the slot goes on
            outcome, failure = "failed", error
            if not self.settled.is_set():
                self.failure = error
        finally:
            ran_s = 0.0 if began is None else loop.time() - began
            if began is None:
                self._starts.release()
            else:
                self._ledger.down()
            self.settled.set()
            results = None if stream is None else stream.results
            played = Played.of(draw, outcome, ran_s, results, str(failure or ""))
            self._ledger.enter(played)
            if self._journal is not None:
                self._journal.end(played)
        return failure

    def _stream(self, draw: Draw) -> AsyncStream:
        """Make the stream, on the slot's port."""
        if self._port is None:
            ports, namespace = self._recipe.ports, self._recipe.server.namespace
            first = None if ports is None else ports.start
            count = 10_000 if ports is None else len(ports)
            self._port = reserve_port(first, count=count, host=namespace)
        port = self._port.port
        server = _OnceServer(**self._recipe.server_options(draw), port=port)
        client = _OnceClient(**self._recipe.client_options(draw), port=port)
        return AsyncStream([client], server, f"{self.name}, stream {draw.number}")


class _Once(AsyncInstance):
    """An end that runs once; its build is known, so it is prepared on the loop, by no thread."""

    async def start(
        self,
        wait: bool = True,  # noqa: FBT001, FBT002 - as of every instance
        timeout: float = 5.0,
    ) -> bool:
        run = self._run = Run(self._prepared(), self._callbacks, None)
        try:
            return await run.start(wait=wait, timeout=timeout)
        finally:
            if run.pid is None:
                self._run = None


class _OnceServer(_Once, AsyncServer):
    """A server of a slot."""


class _OnceClient(_Once, AsyncClient):
    """A client of a slot."""
