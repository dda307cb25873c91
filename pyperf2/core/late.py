"""Datagrams that come late fill gaps that were counted; duplicates look just the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyperf2.core.gaps import Gap

_WINDOW_S: Final = 0.5  # within it, late arrivals are taken to be the missing ones
_TOLERANCE: Final = 2


def give_back(
    gaps: Iterable[Gap], late: int, *, now_s: float, spread_ms: float | None, whole: bool
) -> int:
    """Give late datagrams back to the gaps that may have missed them, the latest first.

    Args:
        gaps: the last few, in order.
        late: datagrams that came late, or twice, in the interval that ended at ``now_s``.
        now_s: on the stream's clock.
        spread_ms: difference of the longest and the shortest delay in it, where printed.
        whole: whether only all that is missing, at once, is taken for late: nothing else tells
            it from duplicates.

    Returns:
        How many were given back.
    """
    candidates = [
        gap
        for gap in gaps
        if now_s - gap.interval[1] <= _WINDOW_S
        and (spread_ms is None or spread_ms >= (now_s - gap.interval[1]) * 500)
    ]
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
