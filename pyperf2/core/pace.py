"""Whether a sender keeps another rate than the one it is thought to keep."""

from __future__ import annotations

from collections import deque
from typing import Final

_AFTER: Final = 2  # intervals off the clock by the same; more, the more spoke for the clock
_AFTER_MOST: Final = 32
_NOISE: Final = 2.0  # datagrams: either boundary of an interval is off by up to one


class Pace:
    """Watches intervals without a gap that fall short, or exceed, each by the same."""

    __slots__ = ("_off",)

    def __init__(self) -> None:
        """Have seen nothing."""
        self._off: deque[tuple[float, int, float]] = deque(maxlen=_AFTER_MOST)

    def steady(self) -> None:
        """Learn of an interval on the clock, or of one that tells nothing."""
        self._off.clear()

    def off(self, start: float, number: int, step: float) -> None:
        """Learn of one that began at ``start`` with ``number``, off by ``step`` datagrams."""
        self._off.append((start, number, step))

    def since(self, points: int, jump: float) -> tuple[float, int] | None:
        """Give since when, and since which number, another rate is kept; None while none is.

        Args:
            points: boundaries that the rate rests on so far.
            jump: how far numbers may be off their time.
        """
        enough = min(_AFTER + points, _AFTER_MOST)
        run = list(self._off)[-enough:]
        steps = [one[2] for one in run]
        if len(run) < enough or max(steps) - min(steps) > _NOISE:
            return None
        return run[0][:2] if abs(sum(steps)) / enough > jump else None
