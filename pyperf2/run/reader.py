"""Who reads the pipes of a child: an event loop, or a thread that calls back."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Protocol

from pyperf2.core.records import Instant

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextlib import AbstractContextManager


class Reader(Protocol):
    """What watches pipes, in whichever thread."""

    @property
    def reading(self) -> AbstractContextManager[Any]:
        """What is held while a pipe is read; who holds it is alone with the pipes."""

    def add_reader(self, fd: int, callback: Callable[..., object], *args: object) -> None:
        """Call ``callback(*args)``, holding ``reading``, whenever ``fd`` is readable."""

    def remove_reader(self, fd: int) -> None:
        """Read ``fd`` no more; once this returns it is not being read."""


class LoopReader:
    """The event loop itself: all that it does is alone with the pipes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read on ``loop``; all but the making is done in its thread."""
        self.reading: AbstractContextManager[Any] = contextlib.nullcontext()
        self._loop = loop
        self.add_reader = loop.add_reader

    def remove_reader(self, fd: int) -> None:
        """Read ``fd`` no more."""
        if self._loop.is_running():
            self._loop.remove_reader(fd)


def instant_now() -> Instant:
    """Read both clocks: the one place where output and ends are stamped."""
    return Instant(time.monotonic_ns(), time.time_ns())
