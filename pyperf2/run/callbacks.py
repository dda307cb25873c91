"""Ordered, isolated delivery to user callbacks; knows nothing of what they are told.

Each instance has a strand: its callbacks run one after the other, in order, never two at a time.
All strands share the threads of `pyperf2.run.workers`: one, unless a callback holds it up.

Measured (`tests/run/test_callbacks.py`, 2 noisy cores): from `Strand.post` to the first line of
the callback 0.02 ms in the median, 0.05 ms in 99 of 100 cases, beside a blocked strand too but
for the first 10 ms, until there is another thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final, TypeAlias

from pyperf2.run import workers

if TYPE_CHECKING:
    from collections.abc import Callable

    Thunk: TypeAlias = Callable[[], object]

_log = logging.getLogger(__name__)

_SLICE_S: Final = 0.005  # a strand with more to do than this goes to the end of the line


class Strand:
    """A queue of callbacks that run in order and one at a time, apart from all other strands.

    Attributes:
        errors: how many callbacks raised.
        scheduled: whether it is in the line of the workers, or being run.
    """

    def __init__(self, name: str = "") -> None:
        """Make an empty strand; it costs no thread."""
        self.name = name
        self.errors = 0
        self._queue: deque[Thunk] = deque()
        self.scheduled = False
        self._runner: int | None = None  # the thread that runs it now
        self._owner = os.getpid()

    @property
    def inside(self) -> bool:
        """Whether the current thread is running a callback of this very strand."""
        return self._runner == threading.get_ident() and self._owner == os.getpid()

    @property
    def pending(self) -> int:
        """How many callbacks wait; grows without end if one of them blocks and posts go on."""
        return len(self._queue)

    def post(self, thunk: Thunk) -> None:
        """Have ``thunk`` called after everything posted before it; never blocks."""
        if self._owner != os.getpid():  # forked: what was queued is the parent's to deliver
            self._owner = os.getpid()
            self._queue.clear()
            self.scheduled = False
            self._runner = None
        workers.pool.post(self, thunk)

    @property
    def reader(self) -> workers.Workers:
        """What reads descriptors in the threads that call back."""
        return workers.pool

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until everything posted so far has run.

        Returns:
            False if that took longer than ``timeout`` seconds, or is impossible because the
            caller is such a callback itself.
        """
        if self.inside:
            return False
        if not self.scheduled:
            return True
        done = threading.Event()
        self.post(done.set)
        return done.wait(timeout)

    async def drained(self, timeout: float | None = None) -> bool:
        """Do what `drain` does, from a coroutine."""
        if not self.scheduled:
            return True
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # nobody waits any more: the loop is closed
                loop.call_soon_threadsafe(done.set)

        self.post(tell)
        try:
            await asyncio.wait_for(done.wait(), timeout)
        except (TimeoutError, asyncio.TimeoutError):
            return False
        return True

    # --- for the workers ----------------------------------------------------------------------

    def put(self, thunk: Thunk) -> None:
        """Queue one more."""
        self._queue.append(thunk)

    def run(self, worker: workers.Worker) -> None:
        """Run the callbacks until there are none, or they have had their share of time."""
        queue = self._queue
        self._runner = threading.get_ident()
        now = time.monotonic()
        share_ends = now + _SLICE_S
        while now < share_ends and not workers.pool.closed:
            try:
                thunk = queue.popleft()
            except IndexError:
                break
            worker.busy_since = now
            try:
                thunk()
            except BaseException:  # noqa: BLE001 - a callback's sys.exit() is an error like any other
                self.errors += 1
                _log.exception("a callback of %s raised; it goes on", self.name or "an instance")
            now = time.monotonic()

    def rest(self) -> bool:
        """End the run; give whether more is queued."""
        self._runner = None
        return bool(self._queue)
