"""What came, in the order it came, for any number of late or early readers."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


_T = TypeVar("_T")


class Arrivals(Generic[_T]):
    """Kept items; each reader starts at the first one kept and ends with the run."""

    def __init__(self, history: int | None) -> None:
        """Keep the last ``history`` items, or all."""
        self._kept: deque[_T] = deque(maxlen=history if history is None else max(history, 1))
        self._count = 0
        self._ended = False
        self._changed = threading.Condition()
        self._wakers: set[Callable[[], None]] = set()

    def add(self, item: _T) -> None:
        """Tell all readers of an item."""
        with self._changed:
            self._kept.append(item)
            self._count += 1
            self._tell()

    def end(self) -> None:
        """Tell all readers that none will follow."""
        with self._changed:
            self._ended = True
            self._tell()

    def _tell(self) -> None:
        self._changed.notify_all()
        for wake in self._wakers:
            wake()

    def _after(self, position: int) -> tuple[list[_T], int]:
        """Give what came since ``position``, and the new position; what was dropped is skipped."""
        fresh = min(self._count - position, len(self._kept))
        start = len(self._kept) - fresh
        return [self._kept[i] for i in range(start, len(self._kept))], self._count

    def __iter__(self) -> Iterator[_T]:
        """Read from any thread; blocks for the next one."""
        position = 0
        while True:
            with self._changed:
                while position == self._count and not self._ended:
                    self._changed.wait()
                batch, position = self._after(position)
                done = self._ended and position == self._count
            yield from batch
            if done and position == self._count:
                return

    async def __aiter__(self) -> AsyncIterator[_T]:
        """Read on an event loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        woken = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        position = 0
        with self._changed:
            self._wakers.add(wake)
        try:
            while True:
                with self._changed:
                    batch, position = self._after(position)
                    done = self._ended
                    woken.clear()
                for item in batch:
                    yield item
                if done:
                    return
                await woken.wait()
        finally:
            with self._changed:
                self._wakers.discard(wake)
