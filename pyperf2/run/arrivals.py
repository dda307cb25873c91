"""What comes, in the order it comes, for any number of late or early readers.

Nothing is kept here but what a reader has still to take: what came before it is asked for.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator


_T = TypeVar("_T")


class _Reader(Generic[_T]):
    """Who reads: what it has still to take, and how to wake it."""

    def __init__(self, most: int | None, wake: Callable[[], object] | None) -> None:
        self.queue: deque[_T] = deque(maxlen=most if most is None else max(most, 1))
        self.skip = 0  # of what comes; it is among what was kept
        self.wake = wake


class Arrivals(Generic[_T]):
    """Each reader starts at the first item that is kept elsewhere, and ends with the run."""

    __slots__ = ("_changed", "_count", "_ended", "_kept", "_lock", "_most", "_readers")

    def __init__(
        self, kept: Callable[[], tuple[Iterable[_T], int]], *, most: int | None = None
    ) -> None:
        """Begin.

        Args:
            kept: gives the items that are kept, and how many there ever were. One that was just
                entered there may still be on its way to ``add``.
            most: how many a reader may be behind; then the oldest are left out.
        """
        self._kept = kept
        self._most = most
        self._count = 0
        self._ended = False
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._readers: set[_Reader[_T]] = set()

    def add(self, item: _T) -> None:
        """Tell all readers of an item."""
        with self._lock:
            self._count += 1
            if self._readers:
                for reader in self._readers:
                    if reader.skip:
                        reader.skip -= 1
                    else:
                        reader.queue.append(item)
                self._tell()

    def end(self) -> None:
        """Tell all readers that none will follow."""
        with self._lock:
            self._ended = True
            self._tell()

    def _tell(self) -> None:
        self._changed.notify_all()
        for reader in self._readers:
            if reader.wake is not None:
                reader.wake()

    def _join(self, wake: Callable[[], object] | None = None) -> tuple[_Reader[_T], Iterable[_T]]:
        reader = _Reader[_T](self._most, wake)
        with self._lock:
            kept, count = self._kept()
            reader.skip = count - self._count
            self._readers.add(reader)
        return reader, kept

    def _leave(self, reader: _Reader[_T]) -> None:
        with self._lock:
            self._readers.discard(reader)

    def _take(self, reader: _Reader[_T]) -> tuple[list[_T], bool]:
        """Give what there is for a reader, and whether that is all."""
        batch = list(reader.queue)
        reader.queue.clear()
        return batch, self._ended

    def __iter__(self) -> Iterator[_T]:
        """Read from any thread; blocks for the next one."""
        reader, kept = self._join()
        try:
            yield from kept
            done = False
            while not done:
                with self._changed:
                    while not reader.queue and not self._ended:
                        self._changed.wait()
                    batch, done = self._take(reader)
                yield from batch
        finally:
            self._leave(reader)

    async def __aiter__(self) -> AsyncIterator[_T]:
        """Read on an event loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        woken = asyncio.Event()
        reader, kept = self._join(lambda: loop.call_soon_threadsafe(woken.set))
        try:
            for item in kept:
                yield item
            done = False
            while not done:
                with self._lock:
                    batch, done = self._take(reader)
                    woken.clear()
                for item in batch:
                    yield item
                if not done:
                    await woken.wait()
        finally:
            self._leave(reader)
