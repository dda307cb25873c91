"""Figures with their bounds, and statistics of them; knows not what they measure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_P95: Final = 0.95


class Figure(NamedTuple):
    """A measured value; the truth is between ``value - error`` and ``value + error``."""

    value: float
    error: float = 0.0

    @property
    def low(self) -> float:
        """The least that it can be."""
        return self.value - self.error

    @property
    def high(self) -> float:
        """The most that it can be."""
        return self.value + self.error

    @classmethod
    def between(cls, low: float, high: float) -> Figure:
        """Give the figure whose bounds are known."""
        return cls((low + high) / 2, (high - low) / 2)

    def is_within(self, limit: float) -> bool | None:
        """Whether it is at most ``limit``; None where the limit is inside the error bar."""
        if self.high <= limit:
            return True
        return False if self.low > limit else None

    def told(self, scale: float = 1.0, digits: int = 1) -> str:
        """Say it: ``200.0 ±1.0``."""
        error = f" ±{self.error * scale:.{digits}f}" if self.error else ""
        return f"{self.value * scale:.{digits}f}{error}"


def total(figures: Iterable[Figure]) -> Figure:
    """Add figures up; their errors may all point the same way."""
    listed = list(figures)
    return Figure(sum(one.value for one in listed), sum(one.error for one in listed))


def greatest(figures: Iterable[Figure]) -> Figure | None:
    """Give the greatest, whichever that truly is; None where there are none."""
    listed = list(figures)
    return _summary(max, listed) if listed else None


def common(figures: Iterable[Figure]) -> Figure | None:
    """Give what all figures of the same thing agree on; None if they contradict one another."""
    listed = list(figures)
    if not listed:
        return None
    low, high = max(one.low for one in listed), min(one.high for one in listed)
    return Figure.between(low, high) if low <= high else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What many figures of one kind come to, each with its bounds.

    Attributes:
        count: how many there are.
        p95: the 95th percentile, interpolated between neighbours.
    """

    count: int
    minimum: Figure
    median: Figure
    mean: Figure
    p95: Figure
    maximum: Figure

    @classmethod
    def of(cls, figures: Iterable[Figure]) -> Statistics | None:
        """Summarise figures; None where there are none."""
        listed = list(figures)
        if not listed:
            return None
        return cls(
            count=len(listed),
            minimum=_summary(min, listed),
            median=_summary(median, listed),
            mean=_summary(fmean, listed),
            p95=_summary(_percentile_95, listed),
            maximum=_summary(max, listed),
        )


def _summary(of: Callable[[Sequence[float]], float], figures: Sequence[Figure]) -> Figure:
    """Apply a statistic that never falls when a value rises: its bounds are those of the bounds."""
    return Figure.between(of([one.low for one in figures]), of([one.high for one in figures]))


def _percentile_95(values: Sequence[float]) -> float:
    return quantile(values, _P95)


def quantile(values: Sequence[float], share: float) -> float:
    """Give the value that ``share`` of all are not above, interpolated between neighbours."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
