"""The gaps of a stream: open, merged into degraded periods, confirmed; constant memory."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from math import log
from typing import TYPE_CHECKING, Final

from pyperf2.core.gaps import Row
from pyperf2.core.listing import outages_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperf2.core.clock import Clock
    from pyperf2.core.gaps import Gap, Outage

MAX_OUTAGES: Final = 10_000  # kept; what falls out stays in the totals
_DEGRADED_AFTER: Final = 3  # lossy intervals in a row
_BLACKOUT_PACKETS: Final = 10.0  # in a row, at least, that random loss does not make
_NEVER: Final = 14.0  # a chance of exp(-14), one in a million, is none
_MOST_RANDOM: Final = 0.99
_RECENT: Final = 4


class Periods:
    """Keeps gaps until a clean interval confirms them, and what they were confirmed as."""

    def __init__(self, clock: Clock, *, jitter_s: float) -> None:
        """Begin; ``jitter_s`` is that of the boundaries, on top of one packet."""
        self._clock = clock
        self._jitter_s = jitter_s
        self._open: list[Gap] = []
        self._row: Row | None = None
        self._lossy = 0  # intervals in a row
        self.pending = False  # something is to be confirmed
        self._done: deque[Gap | Row] = deque(maxlen=MAX_OUTAGES)
        self._rows: deque[Row] = deque(maxlen=MAX_OUTAGES)
        self.latest: deque[Gap] = deque(maxlen=_RECENT)

    def add(self, gap: Gap) -> None:
        """Take the gap of a lossy interval; the third in a row makes it a degraded period."""
        self.pending = True
        self._open.append(gap)
        self.latest.append(gap)
        self._lossy += 1
        if self._lossy >= _DEGRADED_AFTER:
            self._merge()

    def add_unasked(self, gap: Gap, *, first: bool = False) -> None:
        """Take a gap that came to light later; ``first``: that of the first interval."""
        self.pending = True
        if first:
            self._open.insert(0, gap)
            self._lossy += 1
        else:
            self._open.append(gap)
        self.latest.append(gap)

    def pause(self) -> None:
        """Learn of an interval without a gap that confirms nothing: it falls short."""
        self._lossy = 0

    def confirm(self) -> None:
        """Learn of a clean interval, or of the end: what is open is as it stands."""
        self.pending = False
        self._lossy = 0
        if self._row is not None:
            self._merge()  # no clean interval was in between
        for gap in self._open:
            gap.after = self._clock.anchor()
            self._done.append(gap)
        self._open.clear()
        if self._row is not None:
            self._done.append(self._row)
            self._rows.append(self._row)
            self._row = None

    def take_back(self) -> Gap | None:
        """Forget the last gap and give it; None where there is none."""
        if not self.latest:
            return None
        gap = self.latest.pop()
        if gap.row is not None:
            gap.row.lost -= gap.lost
            gap.row.span -= gap.lost + gap.received
        elif gap in self._open:
            self._open.remove(gap)
        else:
            self._done.remove(gap)
        return gap

    def recent(self, doubts: Callable[[Gap], bool]) -> list[Outage]:
        """Give the last few outages confirmed; for the rest see ``outages``."""
        last = [self._done[i] for i in range(-min(len(self._done), _RECENT), 0)]
        rows = [self._rows[i] for i in range(-min(len(self._rows), _RECENT), 0)]
        return outages_of(last, rows, self._clock, jitter_s=self._jitter_s, doubts=doubts)

    def outages(self, doubts: Callable[[Gap], bool]) -> list[Outage]:
        """Give all outages kept, in order, those not yet confirmed included.

        ``doubts`` tells whether the deficit before a gap may be none of its outage's.
        """
        return outages_of(
            (*self._done, *self._open),
            tuple(self._rows),
            self._clock,
            jitter_s=self._jitter_s,
            doubts=doubts,
            still=self._row,
        )

    def _merge(self) -> None:
        """Lossy intervals in a row are one degraded period; a blackout in it stays its own."""
        row = self._row or Row(begin=self._open[0].interval[0], end=self._open[0].interval[1])
        self._row = row
        least = self._least_blackout(row)
        for gap in self._open:
            row.end = gap.interval[1]
            if gap.in_one_piece >= least:
                gap.located = gap.located and gap.deficit >= least
                gap.after = self._clock.anchor()
                self._done.append(gap)
            else:
                row.begin = min(row.begin, self._begin_of(gap))
                gap.row = row
                row.take(gap.lost - gap.late, gap.lost + gap.received)
        self._open.clear()

    def _begin_of(self, gap: Gap) -> float:
        """Give when a gap began at the earliest: that of an outage, before its interval."""
        last = self._clock.time_of(gap.last, gap.before) if gap.located else None
        return gap.interval[0] if last is None else min(last, gap.interval[0])

    def _least_blackout(self, row: Row) -> float:
        """Give how many lost in a row are no random loss: the more, the more is lost at random."""
        beside = replace(row)
        for gap in self._open:
            if gap.in_one_piece < _BLACKOUT_PACKETS:
                beside.take(gap.lost - gap.late, gap.lost + gap.received)
        ratio = min(beside.lost / beside.span, _MOST_RANDOM) if beside.span else 0.0
        return max(_BLACKOUT_PACKETS, -_NEVER / log(ratio)) if ratio else _BLACKOUT_PACKETS
