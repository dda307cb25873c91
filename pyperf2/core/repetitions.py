"""One figure, measured several times → its statistics, the gaps named; knows not what it measures.

A repetition that gave no figure is a gap with a reason; it is in no mean, and never a zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import atan, cos, pi, sin, sqrt
from statistics import stdev
from typing import TYPE_CHECKING, Final, NamedTuple

from pyperf2.core import quantities
from pyperf2.core.figures import Figure, Statistics, quantile
from pyperf2.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLOSE: Final = 1e-9  # of the quantile of Student's t
_FAR: Final = 1e100
_SHARES: Final = 100.0


class Gap(NamedTuple):
    """A repetition (from 1) that gave no figure, and why."""

    repetition: int
    reason: str


class Confidence(NamedTuple):
    """The mean of all there could be is in there, with a probability of ``level``."""

    low: float
    high: float
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """A figure of several repetitions.

    Attributes:
        name: of the figure.
        unit: of it, and of all that follows.
        figures: those that were measured, in order.
        gaps: the repetitions that are missing, each with its reason.
    """

    name: str
    unit: str
    figures: tuple[Figure, ...] = ()
    gaps: tuple[Gap, ...] = ()

    @property
    def values(self) -> tuple[float, ...]:
        """The figures without their bounds."""
        return tuple(one.value for one in self.figures)

    @property
    def statistics(self) -> Statistics | None:
        """Count, minimum, median, mean, 95th percentile, maximum; None if there is no figure."""
        return Statistics.of(self.figures)

    @property
    def stdev(self) -> float | None:
        """The standard deviation of the sample (n - 1); None below two figures."""
        return stdev(self.values) if len(self.values) > 1 else None

    def percentile(self, percent: float) -> float | None:
        """The value that so many per cent are not above, interpolated; None if there is none.

        Raises:
            OptionError: not from 0 to 100.
        """
        if not 0 <= percent <= _SHARES:
            raise OptionError(f"percentile({percent!r}): 0 to 100 is wanted")
        return quantile(self.values, percent / _SHARES) if self.values else None

    def confidence(self, level: float = 0.95) -> Confidence | None:
        """Where the true mean is: mean ± t·s/√n, by Student's t; None below two figures.

        It takes the repetitions to be independent, and their figures not too skew.

        Raises:
            OptionError: the level is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise OptionError(f"confidence({level!r}): between 0 and 1 is wanted, 0.95 is usual")
        deviation, count = self.stdev, len(self.values)
        if deviation is None:
            return None
        mean = sum(self.values) / count
        half = student_t(level, count - 1) * deviation / sqrt(count)
        return Confidence(mean - half, mean + half, level)

    def __str__(self) -> str:
        """Say it in a line, and one for each gap."""
        return "\n".join([f"{self.name}: {self._told()}", *self._gaps_told()])

    def _told(self) -> str:
        found = self.statistics
        if found is None:
            return "no figure"
        mean = quantities.told(found.mean.value, self.unit)
        confidence = self.confidence()
        if confidence is None or self.stdev is None:
            return f"{mean} (n 1)"
        half = quantities.told(confidence.high - found.mean.value, self.unit)
        told = [f"{name} {quantities.told(value, self.unit)}" for name, value in (
            ("median", found.median.value),
            ("min", found.minimum.value),
            ("max", found.maximum.value),
            ("stdev", self.stdev),
        )]  # fmt: skip
        return f"{mean} ±{half} at 95 % (n {found.count}, {', '.join(told)})"

    def _gaps_told(self) -> list[str]:
        return [f"  repetition {one.repetition} is missing: {one.reason}" for one in self.gaps]


@cache
def student_t(level: float, degrees: int) -> float:
    """Give t so that Student's variable is within ±t with probability ``level``.

    The probability is Abramowitz & Stegun 26.7.3 and 26.7.4, a finite sum; t is found by bisection.
    """
    low, high = 0.0, 1.0
    while _within(high, degrees) < level and high < _FAR:
        low, high = high, 2 * high
    while high - low > _CLOSE * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < level else (low, middle)
    return (low + high) / 2


def _within(t: float, degrees: int) -> float:
    angle = atan(t / sqrt(degrees))
    odd = degrees % 2
    term = cos(angle) if odd else 1.0
    total = 0.0 if degrees == 1 else term
    for step in range(2 + odd, degrees - 1, 2):
        term *= (step - 1) / step * cos(angle) ** 2
        total += term
    series = sin(angle) * total
    return 2 / pi * (angle + series) if odd else series


def repeated(name: str, unit: str, taken: Sequence[Figure | str]) -> Repeated:
    """Put repetitions together: figures, and the reasons where there are none."""
    return Repeated(
        name=name,
        unit=unit,
        figures=tuple(one for one in taken if isinstance(one, Figure)),
        gaps=tuple(Gap(n, one) for n, one in enumerate(taken, 1) if isinstance(one, str)),
    )
