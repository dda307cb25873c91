"""Intervals in a row in which all is as it should be, told and not yet entered anywhere.

To enter sixty at once costs little more than to enter one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pyperf2.core.parsers.iperf2.glance import interval_of, put_bounds

if TYPE_CHECKING:
    from pyperf2.core.parsers.iperf2.glance import Glance
    from pyperf2.core.records import Instant, Interval


class Whole:
    """Intervals of one stream, each where the one before ends; nothing is lost or late in any.

    Attributes:
        start: of the first, in seconds of the stream.
        lines: as printed.
        ends: of each, in seconds of the stream.
        packets: datagrams that each spans, and that arrived.
        sizes: in bytes.
        span: datagrams in all.
        size: bytes in all.
    """

    __slots__ = (
        "_arrivals", "_stream_id", "ends", "lines", "packets", "size", "sizes", "span", "start",
    )  # fmt: skip

    def __init__(self, stream_id: str, start: float) -> None:
        """Begin with none; the first will begin at ``start``."""
        self._stream_id = stream_id
        self._begin(start)

    def _begin(self, start: float) -> None:
        self.start = start
        self.lines: list[bytes] = []
        self.ends: list[float] = []
        self.packets: list[int] = []
        self.sizes: list[int] = []
        self.span = self.size = 0
        self._arrivals: list[tuple[Instant, int, float]] = []  # of how many, and the last end

    def add(self, seen: Glance, arrived: Instant) -> None:
        """Add some that arrived at once."""
        self.lines += seen.lines
        self.ends += seen.ends
        self.packets += seen.packets
        self.sizes += seen.sizes
        self.span += sum(seen.packets)
        self.size += sum(seen.sizes)
        self._arrivals.append((arrived, len(seen.ends), seen.ends[-1]))

    def take_back(self) -> int:
        """Forget those that were added last; give how many they were."""
        _, count, _ = self._arrivals.pop()
        self.span -= sum(self.packets[-count:])
        self.size -= sum(self.sizes[-count:])
        for values in (self.lines, self.ends, self.packets, self.sizes):
            del values[-count:]
        return count

    def clear(self) -> None:
        """Have none: all were entered."""
        self._begin(self.end)

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
        interval = interval_of(self.lines[-1], self._stream_id, self._arrivals[-1][0])
        put_bounds(interval, self.last_start, self.end)
        return interval

    def arrivals(self) -> list[tuple[Instant, float]]:
        """Give when they arrived, and the last end that was known then."""
        return [(arrived, end) for arrived, _, end in self._arrivals]

    def stamps(self) -> list[int]:
        """Give both stamps of each, one behind the other."""
        return [ns for arrived, count, _ in self._arrivals for ns in arrived * count]
