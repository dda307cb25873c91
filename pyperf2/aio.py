"""The asyncio face: the same runs as coroutines on the caller's own event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pyperf2.errors import StateError
from pyperf2.face import RUNNING, Face

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from typing_extensions import Self

    from pyperf2.core.records import Interval
    from pyperf2.core.results import Result
    from pyperf2.core.spelling import Role


class AsyncInstance(Face):
    """One iperf process at a time, on the running loop; cancellation ends the process.

    Callbacks run on the loop, between two reads.
    """

    async def start(
        self,
        wait: bool = True,  # noqa: FBT001, FBT002 - as on the synchronous face
        timeout: float = 5.0,
    ) -> bool:
        """Start iperf and wait until it is ready; arguments, result, errors as ``Server.start``."""
        import asyncio

        from pyperf2.run.runner import Run

        if self.status == RUNNING:
            if self._stale:
                raise StateError(
                    "it runs, and its options were changed since; stop() first, then start() again"
                )
            return True
        order = await asyncio.to_thread(self._prepared)
        run = Run(order, self._callbacks, None)
        before, self._run = self._run, run
        self._stale = False
        try:
            return await run.start(wait=wait, timeout=timeout)
        finally:
            if run.pid is None:  # it never got a process: what was before it stands
                self._run = before

    async def stop(self) -> bool:
        """End iperf and reap it; True, always."""
        run = self._run
        if run is not None and not run.finished.is_set():
            await run.stop()
            await run.wait()
        return True

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of the run, at most ``timeout`` seconds; True once stopped."""
        import asyncio

        run = self._run
        if run is None:
            return False
        try:
            await asyncio.wait_for(run.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        return True

    async def run(self, duration: float) -> bool:
        """Start; a client has ended when this returns; arguments, result as ``Server.run``."""
        with self._ending_after(duration) as limit_s:
            started = await self.start()
        if self.type == "server" or not started:
            return started
        try:
            await self.wait(limit_s)
        finally:
            await self.stop()
        return self.error is None

    def intervals(self) -> AsyncIterator[Interval]:
        """Give the intervals of the run, from its first one kept, as they arrive; ends with it."""
        if self._run is None:
            raise StateError("intervals() reads a run; await start() first")
        return aiter(self._run.arrivals)

    def runs(self) -> AsyncIterator[Result]:
        """Give a ``Result`` for each test that an iperf3 has served, as it ends.

        A server serves one test after another until it is stopped (or one, with ``one_off``);
        a client has one. An iperf2 tells no ends of tests, so it gives none.
        """
        if self._run is None:
            raise StateError("runs() reads a run; call start() first")
        return aiter(self._run.runs)

    async def __aenter__(self) -> Self:
        """Start; raise what went wrong if it died at once."""
        if not await self.start() and self.error is not None:
            raise self.error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, whatever happened inside."""
        await self.stop()


class AsyncServer(AsyncInstance):
    """An iperf server on the caller's event loop."""

    type: ClassVar[Role] = "server"


class AsyncClient(AsyncInstance):
    """An iperf client on the caller's event loop."""

    type: ClassVar[Role] = "client"

    def __init__(self, server_ip: str | None = None, **options: Any) -> None:
        """Set the target and further options; nothing is started."""
        super().__init__(server_ip=server_ip, **options)
