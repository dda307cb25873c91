"""The lines of a run as they come, with when and from where; and the last of them, as evidence."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Literal

from pyperf2.core.lines import LineBuffer
from pyperf2.core.records import NO_INSTANT

if TYPE_CHECKING:
    from pyperf2.core.records import Instant

    Source = Literal["stdout", "stderr"]

_LAST: Final = 12
_SHOWN: Final = 500  # bytes of each


class Intake:
    """What was received, batch by batch: the lines of a batch arrived at once.

    Attributes:
        lines: of the batch that is being read.
        at: which of them is the next.
        now: when they arrived.
        source: where they were printed.
        before: the last lines of earlier batches, and of those that were read elsewhere.
    """

    __slots__ = ("_batches", "_buffers", "_closed", "at", "before", "lines", "now", "source")

    def __init__(self, *, longest: int) -> None:
        """Begin with nothing; ``longest`` is how many bytes a line has at most."""
        self._buffers: dict[Source, LineBuffer] = {
            "stdout": LineBuffer(max_line=longest),
            "stderr": LineBuffer(max_line=longest),
        }
        self._batches: deque[tuple[list[bytes], Instant, Source]] = deque()
        self.before: deque[bytes] = deque(maxlen=_LAST)
        self.lines: list[bytes] = []
        self.at = 0
        self.now: Instant = NO_INSTANT
        self.source: Source = "stdout"
        self._closed = False

    def receive(self, data: bytes, now: Instant, source: Source) -> None:
        """Take bytes as they came."""
        lines = self._buffers[source].feed(data)
        if lines and not self._closed:
            self._batches.append((lines, now, source))

    @property
    def open(self) -> bool:
        """Whether the next byte from stdout begins a line, and will be listened to."""
        return not self._closed and self._buffers["stdout"].empty

    def flush(self, now: Instant) -> None:
        """Take what was left without a newline: nothing follows."""
        for source, buffer in self._buffers.items():
            torn = buffer.flush()
            if torn is not None and not self._closed:
                self._batches.append(([torn], now, source))

    def close(self) -> None:
        """Forget what is still to be read, and listen no more."""
        self._closed = True
        self._batches.clear()
        del self.lines[self.at :]

    def turn(self) -> bool:
        """Turn to the next batch, this one being read; False if there is none."""
        if self.lines:
            for line in self.lines[-_LAST:]:
                self.before.append(line[:_SHOWN])
            self.at, self.lines = 0, []
        if not self._batches:
            return False
        self.lines, self.now, self.source = self._batches.popleft()
        return True

    def take(self) -> bytes:
        """Give the next line of the batch."""
        self.at += 1
        return self.lines[self.at - 1]

    def last(self, untold: int = 0) -> tuple[str, ...]:
        """Give the last lines that were read, but for so many."""
        lines = [*self.before, *self.lines[: self.at - untold]][-_LAST:]
        return tuple(line[:_SHOWN].decode("utf-8", "replace") for line in lines)
