"""Limits → passed, failed or undecided, with a line for each that is not kept for certain.

A figure has bounds. What is within the limit as a whole passes, what is beyond it as a whole
fails, and where the limit is inside the error bar nobody can tell: undecided.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.figures import Figure
from pyperf2.core.outcome import refuse_unknown_flows
from pyperf2.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyperf2.core.convergence import ConvergenceRun
    from pyperf2.core.outcome import FlowOutcome

_MS: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One limit, held against one figure.

    Attributes:
        run: number of the run.
        flow: the flow; None where the limit is on the run as a whole.
        receiver: the flow's receiver.
        limit: name of the limit, or ``recovery``, which every flow has to keep.
        passed: None if it cannot be decided.
        text: figure, limit and outcome in words.
    """

    run: int
    limit: str
    passed: bool | None
    text: str
    flow: str | None = None
    receiver: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of all checks; true if every limit is kept for certain."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool | None:
        """True: all kept; False: one is violated; None: none is, but one is undecided."""
        outcomes = {one.passed for one in self.checks}
        if False in outcomes:
            return False
        return None if None in outcomes else True

    @property
    def lines(self) -> tuple[str, ...]:
        """A line for each limit that is violated or undecided."""
        return tuple(one.text for one in self.checks if one.passed is not True)

    @property
    def word(self) -> str:
        """``passed``, ``failed`` or ``undecided``."""
        return _WORDS[self.passed]

    def __bool__(self) -> bool:
        """Whether every limit is kept for certain."""
        return self.passed is True

    def __str__(self) -> str:
        """Say passed, failed or undecided, and the lines."""
        return "\n".join([self.word, *self.lines])


_WORDS: Final[Mapping[bool | None, str]] = {
    True: "passed",
    False: "failed",
    None: "undecided",
}


def _outages(flow: FlowOutcome) -> Iterator[tuple[Figure, bool]]:
    for outage in flow.outages:
        yield Figure(outage.duration_s, outage.duration_error_s), outage.suspect
    if not flow.outages and (period := flow.loss_of_connectivity_s) is not None:
        yield period, False


def _period(flow: FlowOutcome) -> Iterator[tuple[Figure, bool]]:
    if (period := flow.loss_of_connectivity_s) is not None:
        yield period, flow.suspect


def _convergence(flow: FlowOutcome) -> Iterator[tuple[Figure, bool]]:
    if flow.convergence_s is not None:
        yield flow.convergence_s, flow.suspect


def _lost(flow: FlowOutcome) -> Iterator[tuple[Figure, bool]]:
    if (lost := flow.lost) is not None:
        yield lost, False  # a sender that stalls skips no number


def _out_of_order(flow: FlowOutcome) -> Iterator[tuple[Figure, bool]]:
    if flow.packets_out_of_order is not None:
        yield Figure(float(flow.packets_out_of_order)), False


def _duplicates(flow: FlowOutcome) -> Iterator[tuple[Figure, bool]]:
    if flow.packets_duplicate is not None:
        yield Figure(float(flow.packets_duplicate)), False


@dataclass(frozen=True, slots=True)
class _Limit:
    """What a limit is held against: figures (and whether each is suspect), words, unit."""

    figures: Callable[[FlowOutcome], Iterator[tuple[Figure, bool]]]
    what: str
    unit: str
    scale: float = 1.0

    @property
    def counts(self) -> bool:
        """Whether it is of datagrams: who does not count them is no proof of anything."""
        return self.unit == "datagrams"


_LIMITS: Final[Mapping[str, _Limit]] = {
    "max_outage_ms": _Limit(_outages, "outage of", "ms", _MS),
    "max_loss_of_connectivity_ms": _Limit(_period, "without connectivity for", "ms", _MS),
    "max_convergence_ms": _Limit(_convergence, "converged after", "ms", _MS),
    "max_lost": _Limit(_lost, "lost", "datagrams"),
    "max_out_of_order": _Limit(_out_of_order, "out of order", "datagrams"),
    "max_duplicates": _Limit(_duplicates, "arrived twice", "datagrams"),
}
_FLOWS_HIT: Final = "max_flows_hit"


def judge(
    runs: Sequence[ConvergenceRun], limits: Mapping[str, Any], flows: Sequence[str] | None = None
) -> Verdict:
    """Hold every run against limits; see ``ConvergenceReport.check``.

    Raises:
        OptionError: there is no such limit, or no such flow, or a limit is no number.
    """
    known = [*_LIMITS, _FLOWS_HIT]
    for name, limit in limits.items():
        if name not in known:
            raise OptionError(f"there is no limit {name!r}; there are: {', '.join(known)}")
        number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
        if not number or not isfinite(limit) or limit < 0:
            raise OptionError(f"{name}={limit!r}: a limit is a number, 0 or more")
    named = [one.flow for run in runs for one in run.flows]
    if named:  # a run that was broken off before its start has none
        refuse_unknown_flows(flows, named)
    checks = [check for run in runs for check in _of_run(run, limits, flows)]
    if not runs:
        checks.append(
            Check(run=0, limit="recovery", passed=None, text="undecided: nothing was run")
        )
    return Verdict(checks=tuple(checks))


def _of_run(
    run: ConvergenceRun, limits: Mapping[str, float], names: Sequence[str] | None
) -> Iterator[Check]:
    flows = [one for one in run.flows if names is None or one.flow in names]
    if run.error is not None:
        text = f"undecided: run {run.number} was broken off: {run.error}"
        yield Check(run=run.number, limit="recovery", passed=None, text=text)
    for flow in flows:
        yield _recovery(run, flow)
        for name, limit in limits.items():
            if name != _FLOWS_HIT:
                yield from _held(run, flow, name, limit)
    if flows and all(one.protocol == "tcp" for one in flows):
        for name in (one for one in limits if one != _FLOWS_HIT and _LIMITS[one].counts):
            text = f"undecided: run {run.number}: {name}: none of these flows counts datagrams"
            yield Check(run=run.number, limit=name, passed=None, text=text)
    if _FLOWS_HIT in limits:
        hit, limit = sum(one.hit for one in flows), limits[_FLOWS_HIT]
        word = "passed" if hit <= limit else "failed"
        text = f"{word}: run {run.number}: {hit} flows hit; limit {limit:g}"
        yield Check(run=run.number, limit=_FLOWS_HIT, passed=hit <= limit, text=text)


def _recovery(run: ConvergenceRun, flow: FlowOutcome) -> Check:
    """Every flow has to be whole again, and that for certain, when a run ends as planned."""
    kept = not flow.never_recovered
    passed = kept if run.error is None or kept else None
    return Check(
        run=run.number,
        limit="recovery",
        passed=passed,
        text=f"{_WORDS[passed]}: {_name(run, flow)}: {flow.status}",
        flow=flow.flow,
        receiver=flow.receiver,
    )


def _held(run: ConvergenceRun, flow: FlowOutcome, name: str, limit: float) -> Iterator[Check]:
    rule = _LIMITS[name]
    figures = list(rule.figures(flow))
    if not figures and rule.counts and flow.protocol == "udp" and flow.status != "no data":
        yield Check(
            run=run.number,
            limit=name,
            passed=None,
            text=f"undecided: {_name(run, flow)}: {name}: iperf did not tell",
            flow=flow.flow,
            receiver=flow.receiver,
        )
    for figure, suspect in figures:
        scaled = Figure(figure.value * rule.scale, figure.error * rule.scale)
        passed = scaled.is_within(limit)
        why = ""
        if passed is False and suspect:
            passed, why = None, "; suspect: the sender itself stalled"
        elif passed is None:
            why = "; the limit is inside the error bar"
        elif passed and name == "max_lost" and flow.packets_lost_trailing is None:
            passed, why = None, "; what was lost at the end is not known"
        yield Check(
            run=run.number,
            limit=name,
            passed=passed,
            text=(
                f"{_WORDS[passed]}: {_name(run, flow)}: {rule.what} "
                f"{scaled.told(digits=1 if rule.unit == 'ms' else 0)} {rule.unit}; "
                f"limit {limit:g}{why}"
            ),
            flow=flow.flow,
            receiver=flow.receiver,
        )


def _name(run: ConvergenceRun, flow: FlowOutcome) -> str:
    return f"run {run.number}: {flow.label}"
