"""Datagrams that come late fill gaps that were counted; duplicates look just the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyperf2.core.gaps import Gap

# RFC 6412, 3.7.6: within it, late arrivals are taken to be the missing ones.
FORWARDING_DELAY_THRESHOLD_S: Final = 0.5
_TOLERANCE: Final = 2


def give_back(
    gaps: Iterable[Gap],
    late: int,
    within: tuple[float, float],
    *,
    spread_ms: float | None,
    whole: bool,
) -> int:
    """Give late datagrams back to the gaps that may have missed them, the latest first.

    Args:
        gaps: the last few, in order.
        late: datagrams that came late, or twice.
        within: the interval in which they did, on the stream's clock.
        spread_ms: difference of the longest and the shortest delay in it, where printed.
        whole: whether only all that is missing, at once, is taken for late: nothing else tells
            it from duplicates.

    Returns:
        How many were given back.
    """
    candidates = [gap for gap in gaps if _may_be(gap, within, spread_ms)]
    missing = sum(gap.lost - gap.late for gap in candidates)
    tolerance = max(_TOLERANCE, missing // 20)
    if late > missing + tolerance or (whole and late < missing - tolerance):
        return 0  # more than are missing: duplicates
    left = late
    for gap in reversed(candidates):
        given = min(left, gap.lost - gap.late)
        gap.late += given
        if gap.row is not None:
            gap.row.lost -= given
        left -= given
    return late - left


def _may_be(gap: Gap, within: tuple[float, float], spread_ms: float | None) -> bool:
    """Tell whether what comes late in an interval may be what a gap misses."""
    start, end = within
    least, most = start - gap.interval[1], end - gap.interval[1]
    if most <= FORWARDING_DELAY_THRESHOLD_S:
        return spread_ms is None or spread_ms >= most * 500
    # Of a long interval, only the rest of what came late before the border.
    return least <= 0 and gap.late * 2 >= gap.lost
