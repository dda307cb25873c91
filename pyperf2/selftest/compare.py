"""One run beside the truth: the capture, and the instants at which the lab changed its rules.

What is held against the capture (counts, bars, located begin and end) is judged by ``judge.py``;
here are the lab's instants, and what several flows say together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyperf2.core.convergence import joint_estimate
from pyperf2.core.outcome import begin_of, end_of
from pyperf2.selftest.brackets import between, beyond, instant, outside
from pyperf2.selftest.judge import JITTER_S, LENGTH_JITTER_S, judge
from pyperf2.selftest.plan import PPS, RANDOM_PERCENT
from pyperf2.selftest.report import Joint, Miss, Spell, Total

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyperf2.core.figures import Figure
    from pyperf2.core.gaps import Outage
    from pyperf2.core.results import StreamResult
    from pyperf2.selftest.brackets import Changed
    from pyperf2.selftest.judge import Error
    from pyperf2.selftest.plan import Kind
    from pyperf2.selftest.truth import Gap, Truth

PACKET_S: Final = 1 / PPS
SCENARIOS: Final[Mapping[Kind, str]] = {
    "clean": "no loss",
    "random": f"{RANDOM_PERCENT} % at random",
    "multicast": "multicast",
}
_MS: Final = 1000.0
_TWO: Final = 2  # flows that can agree
_NEAR_NS: Final = 50_000_000  # no two outages are as near


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A blackout of the lab: how long it was meant to be, and when it began and ended."""

    length_ms: int
    began: Changed
    ended: Changed

    @property
    def scenario(self) -> str:
        """What its row is called."""
        return f"{self.length_ms} ms"

    def made(self, gap: Gap) -> bool:
        """Tell whether it made a gap: the capture has the same clock."""
        begin_ns, end_ns = gap.begin_ns or 0, gap.end_ns or 0
        return begin_ns <= self.ended.after_ns + _NEAR_NS and (
            end_ns >= self.began.before_ns - _NEAR_NS
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One flow as its receiver heard it, and the truth of it."""

    flow: str
    kind: Kind
    stream: StreamResult | None
    truth: Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What is left of a run."""

    run: int
    heard: tuple[Heard, ...]
    breaks: tuple[Break, ...]
    interrupted: bool = False


@dataclass(slots=True)
class Findings:
    """What comparing runs has found so far."""

    spells: list[Spell] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)
    joints: list[Joint] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)


def compare(played: Played, found: Findings, *, jitter_s: float = JITTER_S) -> None:
    """Compare all that a run's flows told with the truth; ``jitter_s`` is the build's."""
    sure: list[list[tuple[Outage, float]]] = [[] for _ in played.breaks]
    for heard in played.heard:
        _Flow(played, heard, found, jitter_s).compare(sure)
    _compare_reach(played, found)
    for one, told in zip(played.breaks, sure, strict=True):
        if len(told) >= _TWO:
            _compare_joint(played.run, one, told, found)


class _Flow:
    """One flow of a run."""

    def __init__(self, played: Played, heard: Heard, found: Findings, jitter_s: float) -> None:
        self._breaks, self._run = played.breaks, played.run
        self._heard, self._found, self._jitter_s = heard, found, jitter_s

    def compare(self, sure: list[list[tuple[Outage, float]]]) -> None:
        """Compare it; add its outages whose sender kept its pace to ``sure``, by break."""
        heard, truth = self._heard, self._heard.truth
        lost = None if heard.stream is None else heard.stream.packets_lost
        if heard.kind != "outages":
            self._found.totals.append(
                Total(
                    run=self._run,
                    flow=heard.flow,
                    scenario=SCENARIOS[heard.kind],
                    sent=truth.sent,
                    dropped=truth.lost,
                    lost=lost,
                )
            )
        if heard.stream is None:
            self._miss(None, "its receiver told nothing of it")
            return
        verdict = judge(
            heard.stream,
            truth,
            PACKET_S,
            jitter_s=self._jitter_s,
            random=heard.kind == "random",
        )
        for fault in verdict.miscounted:
            self._miss(None, fault)
        if heard.kind == "random":  # its outages are made by chance: only their bars are known
            for fault in verdict.mistimed:
                self._miss(None, fault)
            return
        for number, one in enumerate(self._breaks):
            gaps = [gap for gap in truth.gaps if one.made(gap)]
            errors = [error for error in verdict.errors if set(error.gaps) & set(gaps)]
            if not gaps:  # the sender was silent meanwhile, and lost nothing
                continue
            self._spell(one, gaps, errors)
            if len(errors) == 1 and not self._suspect(errors[0]) and heard.kind == "outages":
                sure[number].append((errors[0].outage, _uneven_s(errors[0])))

    def _spell(self, one: Break, gaps: list[Gap], errors: list[Error]) -> None:
        scenario = SCENARIOS.get(self._heard.kind, one.scenario)
        if len(errors) != 1:
            self._add(scenario, gaps, errors)
            if errors:
                self._miss(one, f"it is told as {len(errors)} outages")
            return
        (error,) = errors
        told = error.outage
        begin = end = None
        wall_s = 0.0
        if told.method == "located":
            begin, wall_s = _beyond(begin_of(told), told.begin_error_s, one.began)
            end, _ = _beyond(end_of(told), told.end_error_s, one.ended)
        length = beyond(told.duration_s, *between(one.began, one.ended))
        self._add(scenario, gaps, errors, begin, end, length)
        if told.suspect:  # the library itself says that its times mean little
            return
        if error.faults:
            self._miss(one, f"{'; '.join(error.faults)}: {error}")
        uneven_s = _uneven_s(error)
        place = PACKET_S + self._jitter_s + wall_s + uneven_s
        span = PACKET_S + LENGTH_JITTER_S + 2 * uneven_s
        for what, off, most in (
            ("begin", begin, place),
            ("end", end, place),
            ("length", length, span),
        ):
            if off is not None and abs(off) > most:
                self._miss(
                    one,
                    f"its {what} is off by {off * _MS:+.2f} ms, where ±{most * _MS:.2f} is allowed",
                )

    def _add(
        self,
        scenario: str,
        gaps: list[Gap],
        errors: list[Error],
        begin: float | None = None,
        end: float | None = None,
        length: float | None = None,
    ) -> None:
        reasons = [reason for error in errors if (reason := self._suspect(error))]
        self._found.spells.append(
            Spell(
                run=self._run,
                flow=self._heard.flow,
                scenario=scenario,
                dropped=sum(gap.packets for gap in gaps),
                lost=sum(error.outage.packets_lost for error in errors),
                method=errors[0].outage.method if errors else None,
                inside=bool(errors) and all(error.inside for error in errors),
                begin_error_s=begin,
                end_error_s=end,
                length_error_s=length,
                suspect=reasons[0] if reasons else None,
            )
        )

    def _suspect(self, error: Error) -> str | None:
        """Say why the times of an outage say little: the sender was no clock then."""
        if error.outage.suspect:
            return "its sender's own report shows that it stalled"
        if (uneven_s := _uneven_s(error)) > self._jitter_s:
            return f"its sender was off its pace by {uneven_s * _MS:.2f} ms"
        return None

    def _miss(self, one: Break | None, text: str) -> None:
        named = SCENARIOS.get(self._heard.kind, "outages" if one is None else one.scenario)
        self._found.misses.append(
            Miss(run=self._run, flow=self._heard.flow, scenario=named, text=text)
        )


def _compare_reach(played: Played, found: Findings) -> None:
    """Miss blackouts that took nothing at all: to be exact about nothing proves nothing."""
    meant = [one for one in played.heard if one.kind == "outages"]
    if played.breaks and meant and not any(one.truth.lost for one in meant):
        text = f"{len(played.breaks)} blackouts took no datagram: there is nothing to compare"
        found.misses.append(Miss(run=played.run, flow=None, scenario="outages", text=text))


def _uneven_s(error: Error) -> float:
    """Give how far the sender was off its pace around an outage, with what it lost there too."""
    return max([error.uneven_s, *(gap.lost_uneven_s for gap in error.gaps)])


def _beyond(figure: Figure | None, error_s: float, change: Changed) -> tuple[float | None, float]:
    """Give how far an instant is off a change, and what its bar has more on the wall clock."""
    if figure is None:
        return None, 0.0
    return beyond(figure.value, *instant(change)), figure.error - error_s


def _compare_joint(run: int, one: Break, told: list[tuple[Outage, float]], found: Findings) -> None:
    joint = joint_estimate(outage for outage, _ in told)
    slack_s = JITTER_S + max(uneven_s for _, uneven_s in told)
    faults = []
    for what, figure, change in (
        ("begin", joint.begin_s if joint else None, one.began),
        ("end", joint.end_s if joint else None, one.ended),
    ):
        if figure is None:
            faults.append(f"{len(told)} flows have no {what} in common: their bars do not meet")
        elif outside(figure, *instant(change), slack_s) is not None:
            off_s, _ = _beyond(figure, 0.0, change)
            faults.append(
                f"the joint {what} of {len(told)} flows is off by {(off_s or 0.0) * _MS:+.2f} ms, "
                f"where its bar is ±{(figure.error + slack_s) * _MS:.2f}"
            )
    found.joints.append(Joint(run=run, scenario=one.scenario, flows=len(told), inside=not faults))
    for fault in faults:
        found.misses.append(Miss(run=run, flow=None, scenario=one.scenario, text=fault))
