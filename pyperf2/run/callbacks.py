"""Ordered, isolated delivery to user callbacks; knows nothing of what they are told.

Each instance has a strand: its callbacks run one after the other, in order, never two at a time.
All strands share the threads of `pyperf2.run.workers`: one, unless a callback holds it up.

Measured (`tests/run/test_callbacks.py`, 2 noisy cores): from `Strand.post` to the first line of
the callback 0.02 ms in the median, 0.05 ms in 99 of 100 cases, beside a blocked strand too but
for the first 10 to 35 ms, until there is another thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from pyperf2.run import workers

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pyperf2.run.pipes import Thunk

_log = logging.getLogger(__name__)


class Strand:
    """A queue of callbacks that run in order and one at a time, apart from all other strands.

    Attributes:
        errors: how many callbacks raised.
        waiting: what is still to be called.
        scheduled: whether it is in the line of the workers, or being run.
        runner: the thread that runs it now.
    """

    __slots__ = ("_pool", "errors", "name", "runner", "scheduled", "waiting")

    def __init__(self, name: str = "") -> None:
        """Make an empty strand; it costs no thread."""
        self.name = name
        self.errors = 0
        self.waiting: deque[Thunk] = deque()
        self.scheduled = False
        self.runner: int | None = None
        self._pool = workers.pool

    @property
    def inside(self) -> bool:
        """Whether the current thread is running a callback of this very strand."""
        return self.runner == threading.get_ident() and self._pool is workers.pool

    @property
    def pending(self) -> int:
        """How many callbacks wait; grows without end if one of them blocks and posts go on."""
        return len(self.waiting)

    def post(self, thunk: Thunk) -> None:
        """Have ``thunk`` called after everything posted before it; never blocks."""
        pool = workers.pool
        if self._pool is not pool:  # forked: what was queued is the parent's to deliver
            self._pool = pool
            self.waiting.clear()
            self.scheduled = False
            self.runner = None
        pool.post(self, thunk)

    @property
    def reading(self) -> AbstractContextManager[Any]:
        """What is held while a descriptor is read; who holds it is alone with them."""
        return self._pool.reading

    def add_reader(self, fd: int, read: Callable[..., Thunk | None], *args: object) -> None:
        """Call ``read(*args)``, holding ``reading``, whenever ``fd`` is readable; call its result.

        Raises:
            OSError: no descriptor is left to wait with, or no thread to wait in.
        """
        self._pool.add_reader(fd, self, read, *args)

    def remove_reader(self, fd: int) -> None:
        """Read ``fd`` no more; once this returns it is not being read."""
        self._pool.remove_reader(fd)

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

    def failed(self) -> None:
        """Learn that one raised; called inside the handler."""
        self.errors += 1
        _log.exception("a callback of %s raised; it goes on", self.name or "an instance")
