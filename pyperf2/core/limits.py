"""Ready-made criteria: a figure of a result, and the limit it must keep.

Limits are written with their unit: ``min_bitrate("900M")``, ``max_loss("0.1%")``,
``max_outage("50ms")``. Each is kept, exceeded, or, where it lies inside a figure's error bar,
undecided. What was not measured is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyperf2.core import quantities, yardsticks
from pyperf2.core.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperf2.core.results import Result
    from pyperf2.core.yardsticks import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a criterion says of one result.

    Attributes:
        passed: None if it cannot be decided.
        value: the figure, in the criterion's unit; None where there is none.
        told: the figure in words.
        reason: why it has not passed; empty where the figures say it all.
    """

    passed: bool | None
    value: float | None = None
    told: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A figure, and the most or the least that it may be.

    Attributes:
        name: of the function that made it.
        limit: in ``unit``.
        unit: ``bit/s``, ``%``, ``ms``; empty for counts.
        least: whether the limit is the least; otherwise it is the most.
    """

    name: str
    limit: float
    unit: str = ""
    least: bool = False
    measure: Callable[[Result], Measured] = field(repr=False)

    def judge(self, result: Result) -> Judgement:
        """Hold the figure of a result against the limit."""
        return self.hold(self.measure(result))

    def hold(self, measured: Measured) -> Judgement:
        """Hold a figure against the limit."""
        figure = measured.figure
        if figure is None:
            return Judgement(passed=False, reason=f"no data: {measured.reason}")
        passed, reason = self._is_kept(figure), ""
        if passed is None:
            reason = "the limit is inside the error bar"
        elif passed and measured.doubt:
            passed, reason = None, measured.doubt
        elif not passed and measured.excuse:
            passed, reason = None, measured.excuse
        error = f" ±{figure.error:.2g}" if figure.error else ""
        told = quantities.told(figure.value, self.unit) + error
        return Judgement(passed=passed, value=figure.value, told=told, reason=reason)

    def _is_kept(self, figure: Figure) -> bool | None:
        if self.least:
            return Figure(-figure.value, figure.error).is_within(-self.limit)
        return figure.is_within(self.limit)

    @property
    def limit_told(self) -> str:
        """The limit in words."""
        bound = "at least" if self.least else "at most"
        return f"{bound} {quantities.told(self.limit, self.unit)}"

    def __call__(self, result: Result) -> bool:
        """Whether a result keeps it for certain: it is a criterion like any function of one."""
        return self.judge(result).passed is True

    def __str__(self) -> str:
        """Show it as it was written."""
        return self.name


def min_bitrate(rate: str | float) -> Criterion:
    """At least so many bits per second on the mean, in each direction: ``"900M"``."""
    limit = quantities.rate(rate)
    return Criterion(
        name="min_bitrate", limit=limit, unit="bit/s", least=True, measure=yardsticks.slowest
    )


def max_bitrate(rate: str | float) -> Criterion:
    """At most so many bits per second on the mean, in each direction: ``"1G"``."""
    limit = quantities.rate(rate)
    return Criterion(name="max_bitrate", limit=limit, unit="bit/s", measure=yardsticks.fastest)


def max_asymmetry(share: str) -> Criterion:
    """The slower of two directions of one run is slower by at most ``"10%"``."""
    limit = quantities.percent(share)
    return Criterion(name="max_asymmetry", limit=limit, unit="%", measure=yardsticks.asymmetry)


def max_loss(share: str) -> Criterion:
    """At most ``"0.1%"`` of the datagrams sent are lost; the receiver knows."""
    limit = quantities.percent(share)
    return Criterion(name="max_loss", limit=limit, unit="%", measure=yardsticks.loss_percent)


def max_lost(datagrams: int) -> Criterion:
    """At most so many datagrams are lost; the receiver knows."""
    limit = quantities.count(datagrams)
    return Criterion(name="max_lost", limit=limit, measure=yardsticks.lost)


def max_jitter(time: str) -> Criterion:
    """In no interval a jitter above ``"2ms"``; the receiver of UDP knows."""
    limit = quantities.milliseconds(time)
    return Criterion(name="max_jitter", limit=limit, unit="ms", measure=yardsticks.jitter)


def max_latency(time: str) -> Criterion:
    """No datagram later than ``"5ms"``; iperf2's receiver of UDP knows, if the clocks agree."""
    limit = quantities.milliseconds(time)
    return Criterion(name="max_latency", limit=limit, unit="ms", measure=yardsticks.latency)


def max_outage(time: str) -> Criterion:
    """No outage longer than ``"50ms"``; the receiver knows."""
    limit = quantities.milliseconds(time)
    return Criterion(name="max_outage", limit=limit, unit="ms", measure=yardsticks.outage)


def max_retransmits(segments: int) -> Criterion:
    """At most so many TCP segments are sent again; the sender knows."""
    limit = quantities.count(segments)
    return Criterion(name="max_retransmits", limit=limit, measure=yardsticks.retransmits)


def min_intervals(number: int) -> Criterion:
    """Each stream has at least so many intervals."""
    limit = quantities.count(number)
    return Criterion(
        name="min_intervals", limit=limit, least=True, measure=yardsticks.fewest_intervals
    )


def max_intervals(number: int) -> Criterion:
    """Each stream has at most so many intervals."""
    limit = quantities.count(number)
    return Criterion(name="max_intervals", limit=limit, measure=yardsticks.most_intervals)


def no_gap() -> Criterion:
    """Interval follows interval, and each has moved something."""
    return Criterion(name="no_gap", limit=0.0, measure=yardsticks.gaps)
