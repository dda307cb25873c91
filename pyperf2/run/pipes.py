"""What a child prints: its pipes, and who reads them, an event loop or a thread that calls back."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from pyperf2.core.records import Instant

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

_log = logging.getLogger(__name__)

Source: TypeAlias = Literal["stdout", "stderr"]
Thunk: TypeAlias = "Callable[[], object]"
OnOutput: TypeAlias = "Callable[[Source, bytes, Instant], Thunk | None]"

SOURCES: Final[tuple[Source, ...]] = ("stdout", "stderr")
# As ``Instant(…)``, in fewer steps: there is one for each line.
_stamp: Final = partial(tuple.__new__, Instant)
_CHUNK: Final = 65536  # a pipe's default capacity, pipe(7): one read empties it


class Reader(Protocol):
    """What watches pipes, in whichever thread, and calls what their output gives to do."""

    @property
    def reading(self) -> AbstractContextManager[Any]:
        """What is held while a pipe is read; who holds it is alone with the pipes."""

    def post(self, thunk: Thunk) -> None:
        """Call this behind all that was given before."""

    def add_reader(self, fd: int, read: Callable[..., Thunk | None], *args: object) -> None:
        """Call ``read(*args)``, holding ``reading``, whenever ``fd`` is readable; post its result.

        Raises:
            OSError: it cannot.
        """

    def remove_reader(self, fd: int) -> None:
        """Read ``fd`` no more; once this returns it is not being read."""


class LoopReader:
    """The event loop itself: all that it does is alone with the pipes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read on ``loop``; all but the making is done in its thread."""
        self.reading: AbstractContextManager[Any] = contextlib.nullcontext()
        self._loop = loop

    def post(self, thunk: Thunk) -> None:
        """Call it."""
        thunk()

    def add_reader(self, fd: int, read: Callable[..., Thunk | None], *args: object) -> None:
        """Call ``read(*args)`` whenever ``fd`` is readable, and what it gives."""
        self._loop.add_reader(fd, self._call, read, *args)

    def _call(self, read: Callable[..., Thunk | None], *args: object) -> None:
        thunk = read(*args)
        if thunk is not None:
            self.post(thunk)

    def remove_reader(self, fd: int) -> None:
        """Read ``fd`` no more."""
        if self._loop.is_running():
            self._loop.remove_reader(fd)


class Pipes:
    """The ends that we read, until they are closed; true as long as one is open.

    While a reader of another thread has them, only `move`, `pause`, `resume`, `read_now` and
    `close` are for the thread of the loop, which is their ``home``.

    Attributes:
        apart: whether somebody else than the loop reads.
    """

    __slots__ = ("_home", "_on_end", "_on_output", "_open", "_paused", "_reader", "apart")

    def __init__(
        self,
        ends: Mapping[Source, int],
        *,
        home: Reader,
        reader: Reader | None,
        on_output: OnOutput,
        on_end: Callable[[], None],
    ) -> None:
        """Take over the descriptors.

        Args:
            ends: what to read.
            home: the loop that everything else of the child belongs to.
            reader: who reads; None: ``home``.
            on_output: called with ``(source, data, now)`` for each chunk, by who reads; what it
                gives is left to do, and posted there.
            on_end: called when one has ended and is closed, by who reads.
        """
        self._open = dict(ends)
        self._home = home
        self._reader = reader or home
        self.apart = self._reader is not home
        self._on_output = on_output
        self._on_end = on_end
        self._paused = False

    def __bool__(self) -> bool:
        """Whether one is open."""
        return bool(self._open)

    def watch(self) -> None:
        """Read from now on.

        Raises:
            OSError: the reader cannot.
        """
        with self._reader.reading:
            for end in self._open.values():
                os.set_blocking(end, False)
            self._watch()

    def pause(self) -> None:
        """Leave further output in the pipe: a full pipe holds the child back."""
        with self._reader.reading:
            if not self._paused:
                self._paused = True
                self._unwatch(self._reader)

    def resume(self) -> None:
        """Read on after `pause`."""
        with self._reader.reading:
            if self._paused:
                self._paused = False
                self._watch()

    def move(self, reader: Reader | None = None) -> None:
        """Have another read, or ``home``.

        Raises:
            OSError: it cannot; nothing has changed.
        """
        after = reader or self._home
        with self._reader.reading, after.reading:
            before = self._reader
            self._put(after)
            if self._paused or before is after:
                return
            try:
                self._watch()
            except OSError:
                self._unwatch(after)
                self._put(before)
                raise
            self._unwatch(before)

    def read_now(self) -> None:
        """Read what there is, whether or not the reader has come to it."""
        reader = self._reader
        with reader.reading:
            for source, end in () if self._paused else tuple(self._open.items()):
                if self._reader is not reader:  # what was read had it moved: there it is read
                    break
                thunk = self._read(source, end)
                if thunk is not None:
                    reader.post(thunk)

    def close(self) -> None:
        """Read no more."""
        with self._reader.reading:
            self._unwatch(self._reader)
            self.drop()

    def drop(self) -> None:
        """Close the descriptors and tell no reader: in a forked child, it is the parent's."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _put(self, reader: Reader) -> None:
        self._reader = reader
        self.apart = reader is not self._home

    def _watch(self) -> None:
        for source, end in self._open.items():
            self._reader.add_reader(end, self._read, source, end)

    def _unwatch(self, reader: Reader) -> None:
        for end in self._open.values():
            reader.remove_reader(end)

    def _read(self, source: Source, end: int) -> Thunk | None:
        """Read one chunk and give what is to be done with it; the reader comes again."""
        try:
            data = os.read(end, _CHUNK)
        except (BlockingIOError, InterruptedError):
            return None
        if not data:
            del self._open[source]
            self._reader.remove_reader(end)
            os.close(end)
            self._on_end()
            return None
        try:
            return self._on_output(source, data, instant_now())
        except Exception:  # noqa: BLE001 - whatever it is, the child goes on
            _log.exception("what takes a child's output raised; the output goes on")
            return None


def instant_now() -> Instant:
    """Read both clocks: the one place where output and ends are stamped."""
    return _stamp((time.monotonic_ns(), time.time_ns()))
