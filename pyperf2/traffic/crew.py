"""All slots of a stress test on one event loop: sent out, called in, sent out again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from pyperf2.errors import StateError, TrafficError
from pyperf2.traffic.steps import to_its_end

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperf2.traffic.journal import Journal
    from pyperf2.traffic.slots import Slot

STARTS_AT_ONCE: Final = 16  # streams; two cores start about 15 a second, 8 at a time or 40
_LOOK_S: Final = 0.1


class Crew:
    """Slots that work, rest for a pause, and are sent home at the end; coroutines of one loop."""

    def __init__(
        self, slots: Callable[[asyncio.Semaphore], list[Slot]], journal: Journal | None
    ) -> None:
        """Begin at rest."""
        self._slots = slots(asyncio.Semaphore(STARTS_AT_ONCE))
        self._journal = journal
        self._tasks: list[asyncio.Task[None]] = []
        self._alarm: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._over = False

    async def start(self) -> None:
        """Have all slots work; returns when each has a stream that runs.

        Raises:
            TrafficError: some have none; all were stopped again.
        """
        try:
            async with self._turn:
                await self._send_out()
            self._raise_failures()
        except BaseException:
            await self.stop()
            raise

    async def pause(self, duration: float | None) -> None:
        """Stop all streams; returns when none runs. After ``duration``, resume by itself.

        Cancelled meanwhile, it pauses all the same, without an end.
        """
        async with self._turn:
            self._check()
            self._forget_alarm()
            await to_its_end(self._call_in())
            if duration is not None:
                self._alarm = asyncio.create_task(self._wake(duration))

    async def resume(self) -> None:
        """Have all slots work again; returns when each has tried its next stream."""
        async with self._turn:
            self._check()
            self._forget_alarm()
            await self._send_out()

    async def stop(self) -> None:
        """Stop all streams, and give back all ports; more than once is no harm."""
        self._over = True
        await to_its_end(self._send_home())

    async def wait(self, seconds: float) -> None:
        """Let time pass; less of it if all slots have played all they had."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (left_s := deadline - asyncio.get_running_loop().time()) > 0:
            tasks = self._tasks
            if not tasks:  # a pause
                await asyncio.sleep(min(left_s, _LOOK_S))
                continue
            _, working = await asyncio.wait(tasks, timeout=min(left_s, _LOOK_S))
            if not working and tasks is self._tasks:
                return

    @property
    def paused(self) -> bool:
        """Whether no slot works."""
        return not self._tasks

    def _raise_failures(self) -> None:
        failures = {one.name: one.failure for one in self._slots if one.failure is not None}
        if failures:
            raise TrafficError("start", failures)

    def _check(self) -> None:
        if self._over:
            raise StateError("the stress test is stopped; start_all() begins it anew")

    async def _send_out(self) -> None:
        if self._tasks:
            return
        for slot in self._slots:
            slot.settled.clear()
        self._tasks = [asyncio.create_task(one.work()) for one in self._slots]
        for slot in self._slots:
            await slot.settled.wait()

    async def _call_in(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = []

    async def _send_home(self) -> None:
        async with self._turn:
            self._forget_alarm()
            await self._call_in()
            for slot in self._slots:
                slot.release()
            if self._journal is not None:
                self._journal.close()

    def _forget_alarm(self) -> None:
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm.cancel()

    async def _wake(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        async with self._turn:
            self._alarm = None
            if not self._over:
                await self._send_out()
