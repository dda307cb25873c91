"""Holds a result against what was true; says in words what contradicts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyperf2 import replay
from tests.outages.receivers import DATAGRAM_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyperf2.core.gaps import Outage
    from pyperf2.core.results import StreamResult
    from tests.outages.simulator import Outcome, Run, Scenario

_JITTER_S: Final = {"2.0.13a": 0.002}
_ANY_JITTER_S: Final = 0.0005
_DURATION_JITTER_S: Final = 0.0001
_FASTER_THAN_FINS: Final = 400  # pps; FINs are repeated 100 times a second
_LAST_DIGIT_RESOLVES: Final = 999 * 1024  # above, the transfer is printed in MBytes


def read(
    scenario: Scenario, outcome: Outcome, *, paired: bool = True, rate_known: bool = True
) -> StreamResult:
    """Replay what was printed of a scenario."""
    options: dict[str, Any] = {"bandwidth": f"{scenario.pps}pps"} if rate_known else {}
    result = replay(
        outcome.server,
        version=scenario.version,
        peer=outcome.client if paired else None,
        report_interval=scenario.interval,
        **options,
    )
    (stream,) = result.streams.values()
    return stream


def contradictions(
    scenario: Scenario,
    outcome: Outcome,
    stream: StreamResult,
    *,
    paired: bool = True,
    rate_known: bool = True,
) -> list[str]:
    """Say what in a result cannot be, given the truth; empty where all is well."""
    return [
        *_in_totals(scenario, outcome, stream, paired=paired, rate_known=rate_known),
        *_in_outages(scenario, outcome, stream, paired=paired, rate_known=rate_known),
    ]


def _straight(scenario: Scenario, outcome: Outcome) -> bool:
    """Whether every figure that is needed was printed: nothing late, nothing hidden."""
    transfer = DATAGRAM_BYTES * scenario.interval * scenario.pps
    counted = scenario.version != "2.0.14a" or transfer < _LAST_DIGIT_RESOLVES
    return scenario.enhanced and counted and not (outcome.late or outcome.twice)


def _in_totals(
    scenario: Scenario, outcome: Outcome, stream: StreamResult, *, paired: bool, rate_known: bool
) -> Iterator[str]:
    straight = _straight(scenario, outcome)
    # FINs from data: at a known rate, seen for a while
    told_apart = rate_known and scenario.pps >= _FASTER_THAN_FINS
    told_apart = told_apart and outcome.sent >= 2 * scenario.interval * scenario.pps
    told_apart = told_apart and not _lossy_from_the_first(scenario, outcome)
    lost, error = stream.packets_lost, stream.packets_lost_error
    if lost is None or error is None:
        yield f"no totals: lost {lost} ± {error}"
        return
    unknown = not paired and (
        outcome.trailing or scenario.ending == "dark" or scenario.fins_lost or not told_apart
    )
    if abs(lost - outcome.lost) > error:
        yield f"lost {lost} ± {error}, but {outcome.lost} were"
    if straight and error and not outcome.unheard and not unknown:
        yield f"lost {lost} ± {error}, though nothing was late or twice"
    if paired and stream.packets_sent != outcome.sent:
        yield f"sent {stream.packets_sent}, but {outcome.sent} were"
    if straight and paired and stream.packets_received != outcome.distinct:
        yield f"received {stream.packets_received}, but {outcome.distinct} arrived"
    told = sum(o.packets_lost for o in stream.outages if o.complete)
    told += (stream.packets_lost_leading or 0) + (stream.packets_lost_trailing or 0)
    whole = stream.packets_lost_trailing is not None or not outcome.trailing
    if whole and told != lost:
        yield f"outages, leading and trailing add up to {told}, not to {lost}"
    if straight and stream.packets_lost_leading != outcome.leading and _leading_is_plain(outcome):
        yield f"leading {stream.packets_lost_leading}, but {outcome.leading} were"


def _lossy_from_the_first(scenario: Scenario, outcome: Outcome) -> bool:
    """Whether the first interval has lost some, so that it shows no rate."""
    return bool(outcome.runs) and outcome.runs[0].first <= scenario.interval * scenario.pps


def _leading_is_plain(outcome: Outcome) -> bool:
    """Whether what was lost first can be told from what was lost soon after."""
    return len(outcome.runs) <= 1


def _in_outages(
    scenario: Scenario, outcome: Outcome, stream: StreamResult, *, paired: bool, rate_known: bool
) -> Iterator[str]:
    packet_s = 1.0 / scenario.pps
    # What a FIN has ended is told as trailing or as an outage, as the build shows it.
    trailing = stream.packets_lost_trailing or 0
    runs = [
        run
        for run in outcome.runs
        if run.begin is not None
        and (run.end is not None or (trailing < outcome.trailing and scenario.ending == "fin"))
    ]
    outages = [outage for outage in stream.outages if outage.complete]
    if outcome.late or outcome.twice:
        return  # what came late may be given back to the wrong gap; the totals say how many
    if any(o.method == "degraded" or o.packets_lost_error for o in outages):
        yield from _covered(outages, runs, packet_s, scenario.interval)
        return
    # Which runs an outage holds is told by their sizes, in order, or first those that stand alone.
    readings = (
        list(_read(scenario, list(outages), list(runs), paired, rate_known, single_first=order))
        for order in (False, True)
    )
    yield from min(readings, key=len)


def _read(
    scenario: Scenario,
    outages: list[Outage],
    rest: list[Run],
    paired: bool,  # noqa: FBT001
    rate_known: bool,  # noqa: FBT001
    *,
    single_first: bool,
) -> Iterator[str]:
    for outage in list(outages) if single_first else ():
        low, high = outage.begin_s - outage.begin_error_s, outage.begin_s + outage.begin_error_s
        for run in rest:
            if run.packets == outage.packets_lost and low <= (run.begin or 0.0) <= high:
                yield from _compare(scenario, outage, [run], rate_known=rate_known)
                rest.remove(run)
                outages.remove(outage)
                break
    for outage in outages:
        inside = _take(outage, rest)
        if not inside:
            yield f"{_told(outage)} is not made of {rest[:4]}"
            return
        yield from _compare(scenario, outage, inside, rate_known=rate_known)
    if rest and (paired or rest[-1].end is not None):
        yield f"no outage holds {rest[:4]}"


def _take(outage: Outage, rest: list[Run]) -> list[Run]:
    """Take the runs that add up to an outage off the rest: it holds neighbours, in order."""
    inside: list[Run] = []
    while rest and sum(run.packets for run in inside) < outage.packets_lost:
        inside.append(rest.pop(0))
    return inside if sum(run.packets for run in inside) == outage.packets_lost else []


def _compare(
    scenario: Scenario, outage: Outage, inside: Sequence[Run], *, rate_known: bool
) -> Iterator[str]:
    packet_s = 1.0 / scenario.pps
    begin, end = inside[0].begin or 0.0, inside[-1].end
    end = outage.end_s if end is None else end  # ended by a FIN
    low, high = outage.begin_s - outage.begin_error_s, outage.end_s + outage.end_error_s
    jitter_s = _JITTER_S.get(scenario.version, _ANY_JITTER_S)
    if len(inside) > 1:
        # Several in one interval: its length does not tell how far they are apart.
        outside = [begin < low, end > high]
        if any(outside) if outage.method == "contained" else all(outside):
            yield f"{_told(outage)} holds not all of {inside[0]} … {inside[-1]}"
        return
    if abs(begin - outage.begin_s) > outage.begin_error_s:
        yield f"{_told(outage)} begins elsewhere than {inside[0]}"
    if abs(end - outage.end_s) > outage.end_error_s:
        yield f"{_told(outage)} ends elsewhere than {inside[0]}"
    if not rate_known:
        return  # the bars are as wide as the rate is doubtful
    if outage.duration_error_s > packet_s + _DURATION_JITTER_S:
        yield f"{_told(outage)} lasts ±{outage.duration_error_s}"
    if outage.method == "located" and outage.begin_error_s > packet_s + jitter_s + 1e-9:
        yield f"{_told(outage)} is located no better than ±{outage.begin_error_s}"


def _covered(
    outages: Sequence[Outage], runs: Sequence[Run], packet_s: float, interval_s: float
) -> Iterator[str]:
    """Where loss is scattered, an outage need only stand where something was lost.

    One that is located may hold another of the same interval.
    """
    slack = {True: interval_s, False: packet_s}
    for run in runs:
        if not any(
            o.begin_s - o.begin_error_s - slack[o.method == "located"] <= (run.begin or 0.0)
            and (run.end or run.begin or 0.0)
            <= o.end_s + o.end_error_s + slack[o.method == "located"]
            for o in outages
        ):
            yield f"no outage holds {run}: {[_told(o) for o in outages][:6]}"


def _told(outage: Outage) -> str:
    return (
        f"{outage.method} outage {outage.begin_s:.4f} ±{outage.begin_error_s:.4f} … "
        f"{outage.end_s:.4f} ±{outage.end_error_s:.4f}, "
        f"{outage.packets_lost} ±{outage.packets_lost_error} lost"
    )
