"""Intervals in a row in which all is as it should be, told and not yet entered anywhere.

To enter sixty at once costs little more than to enter one.
"""

from __future__ import annotations

from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from pyperf2.core.parsers.iperf2.glance import interval_of, put_bounds, size_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.core.parsers.iperf2.glance import Glance
    from pyperf2.core.records import Instant, Interval

MANY: Final = 64  # to enter more of them at once saves little more

# The line; its end, its datagrams and its transfer as printed; when it arrived.
Alone: TypeAlias = "tuple[bytes, bytes, bytes, bytes, Instant]"


class Whole:
    """Intervals of one stream, each where the one before ends; nothing is lost or late in any.

    Attributes:
        start: of the first, in seconds of the stream.
        lines: as printed.
        ends: of each, in seconds of the stream.
        packets: datagrams that each spans, and that arrived.
        sizes: in bytes.
    """

    __slots__ = ("_arrivals", "_stream_id", "ends", "lines", "packets", "sizes", "start")

    def __init__(self, stream_id: str, start: float) -> None:
        """Begin with none; the first will begin at ``start``."""
        self._stream_id = stream_id
        self.start = start
        self.lines: list[bytes] = []
        self.ends: list[float] = []
        self.packets: list[int] = []
        self.sizes: list[int] = []
        self._arrivals: list[Instant] = []

    def add(self, seen: Glance, arrived: Instant) -> None:
        """Add some that arrived at once."""
        self.lines += seen.lines
        self.ends += seen.ends
        self.packets += seen.packets
        self.sizes += seen.sizes
        self._arrivals += [arrived] * len(seen.ends)

    def add_alone(self, alone: Sequence[Alone]) -> None:
        """Add some that arrived one by one."""
        lines, ends, packets, transfers, arrivals = zip(*alone, strict=True)
        self.lines += lines
        self.ends += map(float, ends)
        self.packets += map(int, packets)
        self.sizes += map(size_of, transfers)
        self._arrivals += arrivals

    def take(self, count: int) -> Whole:
        """Give the first few, and have them no more."""
        taken = Whole(self._stream_id, self.start)
        for name in ("lines", "ends", "packets", "sizes", "_arrivals"):
            values = getattr(self, name)
            setattr(taken, name, values[:count])
            del values[:count]
        self.start = taken.end
        return taken

    @property
    def is_long(self) -> bool:
        """Whether there are so many that they had better be entered."""
        return len(self.lines) >= MANY

    @property
    def span(self) -> int:
        """Datagrams in all."""
        return sum(self.packets)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(self.sizes)

    @property
    def end(self) -> float:
        """Of the last."""
        return self.ends[-1] if self.ends else self.start

    @property
    def last_start(self) -> float:
        """Where the last one begins."""
        return self.ends[-2] if len(self.ends) > 1 else self.start

    def last_lengths(self) -> list[float]:
        """Give how long the last two were, or the only one, in seconds."""
        bounds = [self.start, *self.ends][-3:]
        return [end - start for start, end in pairwise(bounds)]

    def fullest(self) -> tuple[int, float]:
        """Give the datagrams and the seconds of the first that has the most datagrams."""
        most = max(self.packets)
        at = self.packets.index(most)
        return most, self.ends[at] - (self.ends[at - 1] if at else self.start)

    def last(self) -> Interval:
        """Give the last; its bounds, which the next line is compared with, need not be read."""
        interval = interval_of(self.lines[-1], self._stream_id, self._arrivals[-1])
        put_bounds(interval, self.last_start, self.end)
        return interval

    def arrivals(self) -> list[tuple[Instant, float]]:
        """Give when they arrived, and the last end that was known then."""
        known = dict(zip(self._arrivals, self.ends, strict=True))
        return list(known.items())

    def stamps(self) -> list[int]:
        """Give both stamps of each, one behind the other."""
        return list(chain.from_iterable(self._arrivals))
