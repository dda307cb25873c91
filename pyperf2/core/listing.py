"""The outages of a stream in order, from its gaps and degraded periods; keeps no state."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from pyperf2.core.gaps import Row, gap_outage, row_outage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyperf2.core.clock import Clock
    from pyperf2.core.gaps import Gap, Outage

_FEW: Final = 3  # datagrams lost in an interval: by chance
_SCATTERED: Final = 3  # such intervals make random loss
_REACH: Final = 10  # intervals on either side


def outages_of(
    kept: Iterable[Gap | Row],
    rows: Sequence[Row],
    clock: Clock,
    *,
    jitter_s: float,
    doubts: Callable[[Gap], bool],
    still: Row | None = None,
) -> list[Outage]:
    """Give what gaps and degraded periods amount to, in the order of their beginnings.

    Args:
        kept: gaps and periods.
        rows: the degraded periods around the gaps, in order.
        clock: of the stream; nothing is told before its rate is known.
        jitter_s: of the boundaries, on top of one packet.
        doubts: tells whether the deficit before a gap may be none of its outage's.
        still: the degraded period that is on.
    """
    if not clock.rate:
        return []
    around = [*rows, still] if still is not None else rows
    listed = [*kept, still] if still is not None else list(kept)
    weather = _Weather(listed, around, clock.rate)
    found = []
    for one in listed:
        if isinstance(one, Row):
            found.append(row_outage(one, clock, jitter_s=jitter_s, complete=one is not still))
            continue
        ratio = weather.ratio_at(one)
        located = one.located and not doubts(one)
        outage = gap_outage(one, clock, jitter_s=jitter_s, ratio=ratio, located=located)
        if outage is not None:
            found.append(outage)
    found.sort(key=lambda outage: outage.begin_s)
    return found


class _Weather:
    """How much is lost at random, and where: in degraded periods, and a little here and there."""

    def __init__(self, listed: Iterable[Gap | Row], rows: Sequence[Row], rate: float) -> None:
        self._rows = rows
        self._begins = [row.begin for row in rows]
        self._rate = rate
        few = [one for one in listed if not isinstance(one, Row) and 0 < one.lost <= _FEW]
        few.sort(key=lambda gap: gap.interval[1])
        self._ends = [gap.interval[1] for gap in few]
        self._lost = list(accumulate((gap.lost for gap in few), initial=0))

    def ratio_at(self, gap: Gap) -> float:
        """Give the ratio of random loss around a gap."""
        start, end = gap.interval
        at = bisect_right(self._begins, end) - 1
        if at >= 0 and self._rows[at].end >= end:
            return self._rows[at].bound
        reach = _REACH * (end - start)
        low, high = start - reach, end + reach
        beside = [row.ratio for row in self._rows[max(at, 0) : at + 2] if _meets(row, low, high)]
        first, last = bisect_left(self._ends, low), bisect_right(self._ends, high)
        if last - first >= _SCATTERED:
            beside.append((self._lost[last] - self._lost[first]) / (self._rate * (high - low)))
        return max(beside, default=0.0)


def _meets(row: Row, low: float, high: float) -> bool:
    return row.begin <= high and low <= row.end


def without_fins(found: list[Outage], *, repeated: int, doubt: int, packet_s: float) -> None:
    """Take the numbers off the last outages that iperf2 spent on repeating its FIN.

    Args:
        found: all outages; changed.
        repeated: how many are known to have been spent so.
        doubt: how many of the last may have been.
        packet_s: the time of one packet.
    """
    while repeated and found:
        last = found.pop()
        rest = last.packets_lost - repeated
        taken, repeated = min(repeated, last.packets_lost), max(-rest, 0)
        if rest > 0:
            found.append(
                replace(
                    last,
                    packets_lost=rest,
                    duration_s=rest * packet_s,
                    end_s=last.end_s - taken * packet_s,
                )
            )
    if doubt and found:
        error = max(found[-1].packets_lost_error, doubt)
        found[-1] = replace(found[-1], packets_lost_error=error)
