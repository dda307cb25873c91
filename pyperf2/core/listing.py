"""The outages of a stream in order, from its gaps and degraded periods; keeps no state."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

from pyperf2.core.gaps import Row, gap_outage, row_outage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyperf2.core.clock import Clock
    from pyperf2.core.gaps import Gap, Outage


def outages_of(
    kept: Iterable[Gap | Row],
    rows: Sequence[Row],
    clock: Clock,
    *,
    jitter_s: float,
    still: Row | None = None,
) -> list[Outage]:
    """Give what gaps and degraded periods amount to, in the order of their beginnings.

    Args:
        kept: gaps and periods.
        rows: the degraded periods around the gaps, in order.
        clock: of the stream; nothing is told before its rate is known.
        jitter_s: of the boundaries, on top of one packet.
        still: the degraded period that is on.
    """
    if not clock.rate:
        return []
    around = [*rows, still] if still is not None else rows
    begins = [row.begin for row in around]
    found = []
    for one in [*kept, still] if still is not None else kept:
        if isinstance(one, Row):
            found.append(row_outage(one, clock, jitter_s=jitter_s, complete=one is not still))
            continue
        outage = gap_outage(one, clock, jitter_s=jitter_s, ratio=_ratio_at(one, around, begins))
        if outage is not None:
            found.append(outage)
    found.sort(key=lambda outage: outage.begin_s)
    return found


def _ratio_at(gap: Gap, rows: Sequence[Row], begins: Sequence[float]) -> float:
    """Give the ratio of random loss around a gap."""
    at = bisect_right(begins, gap.interval[1]) - 1
    if at < 0 or rows[at].end < gap.interval[1]:
        return 0.0
    return rows[at].bound


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
