"""A stream's figures beside the truth: what is wrong with them, and by how much they are off."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyperf2.core.gaps import Outage
    from pyperf2.core.results import StreamResult
    from pyperf2.selftest.truth import Gap, Truth

JITTER_S: Final = 0.0005  # allowed beside one packet; a sender's own unevenness comes on top
OLD_JITTER_S: Final = 0.002  # 2.0.13 and before stamp an interval by the datagram that ends it
LENGTH_JITTER_S: Final = 0.0001
_MS: Final = 1000.0
_SEARCH_S: Final = 0.1  # how far a located outage is from the gap that it is compared with


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """How far one outage is off, in seconds.

    Begin and end are on the wall clock, or on the stream's where that is nearer: iperf's zero is
    some milliseconds behind the first datagram if the machine was busy then, and the wall clock
    is as late as iperf's lines were read.
    """

    outage: Outage
    gaps: tuple[Gap, ...]  # what it tells of
    begin_s: float
    end_s: float
    length_s: float
    uneven_s: float
    inside: bool  # begin and end within the bars
    alone: bool  # nothing else was lost in it, so that its length has a meaning
    faults: tuple[str, ...]

    def __str__(self) -> str:
        """Say how far it is off, and what the bars allow."""
        told = self.outage
        return (
            f"{told.method} outage of {told.packets_lost} datagrams at {told.begin_s:.4f} s: "
            f"begin off by {self.begin_s * _MS:+.2f} ms (bar {told.begin_error_s * _MS:.2f}), "
            f"end by {self.end_s * _MS:+.2f} ms (bar {told.end_error_s * _MS:.2f}), "
            f"length by {self.length_s * _MS:+.2f} ms; "
            f"its sender was off its pace by {self.uneven_s * _MS:.2f} ms"
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison found: faults of the counts, faults of the times, and all errors."""

    miscounted: list[str] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)

    @property
    def mistimed(self) -> list[str]:
        """The faults of the times."""
        return [f"{fault}: {error}" for error in self.errors for fault in error.faults]


def judge(
    stream: StreamResult,
    truth: Truth,
    packet_s: float,
    *,
    jitter_s: float = JITTER_S,
    random: bool = False,
) -> Verdict:
    """Compare everything that a stream's result says of loss with the truth.

    ``random``: the flow loses datagrams at random. Then a gap at either edge may be told as lost
    before the first or behind the last datagram, or the other way round: no interval shows which.
    """
    verdict = Verdict()
    edges = _counts(stream, truth, verdict, random=random)
    left = list(truth.gaps)
    # What is sure of its place takes its gap first; a degraded period takes what remains in it.
    order = {"located": 0, "contained": 1, "degraded": 2}
    outages = [one for one in stream.outages if one.method in order]
    for outage in sorted(outages, key=lambda one: (order[one.method], one.begin_s)):
        gaps = _of(outage, left, truth, packet_s)
        if not gaps:
            verdict.miscounted.append(
                f"an outage where none was: {outage.packets_lost} datagrams at "
                f"{outage.begin_s:.4f} s"
            )
            continue
        for gap in gaps:
            left.remove(gap)
        spare = 0 if outage.method == "located" else edges
        lost = sum(gap.packets for gap in gaps)
        if abs(lost - outage.packets_lost) > outage.packets_lost_error + spare:
            verdict.miscounted.append(
                f"an outage at {outage.begin_s:.4f} s: {lost} were lost, "
                f"{outage.packets_lost} ±{outage.packets_lost_error} are told"
            )
        edges += abs(lost - outage.packets_lost)
        _compare(outage, gaps, truth, packet_s, jitter_s, verdict)
    if sum(gap.packets for gap in left) > edges:
        verdict.miscounted.append(
            f"{len(left)} outages are not told; the first took {left[0].packets} datagrams"
        )
    return verdict


def _counts(stream: StreamResult, truth: Truth, verdict: Verdict, *, random: bool) -> int:
    """Compare the totals; give how many datagrams may stand on the wrong side of an edge."""
    edges = abs((stream.packets_lost_leading or 0) - truth.leading)
    edges += abs((stream.packets_lost_trailing or 0) - truth.trailing)
    edges = edges if random else 0
    doubt = stream.packets_lost_error or 0
    clean = not truth.late and not truth.duplicates
    for what, true, told, allowed in (
        ("lost", truth.lost, stream.packets_lost, doubt),
        ("doubt", 0, doubt, 0 if clean else truth.late + truth.duplicates),
        ("sent", truth.sent, stream.packets_sent, 0),
        ("received", truth.sent - truth.lost, stream.packets_received, doubt),
        ("leading", truth.leading, stream.packets_lost_leading, edges),
        ("trailing", truth.trailing, stream.packets_lost_trailing, doubt + edges),
    ):
        if told is None or abs(told - true) > allowed:
            verdict.miscounted.append(f"{what}: {true} is true, {told} ±{doubt} is told")
    within = sum(one.packets_lost for one in stream.outages if one.method != "open")
    parts = within + (stream.packets_lost_leading or 0) + (stream.packets_lost_trailing or 0)
    if parts != stream.packets_lost:
        verdict.miscounted.append(f"outages, leading and trailing: {parts}, not all lost")
    return edges


def _of(outage: Outage, gaps: list[Gap], truth: Truth, packet_s: float) -> list[Gap]:
    """Give the gaps that an outage tells of: within its bounds, as many as it says were lost."""
    zeros_ns = [float(truth.first_ns)]
    if outage.begin_at is not None:
        zeros_ns.append((outage.begin_at.timestamp() - outage.begin_s) * 1e9)
    found = [_within(outage, gaps, zero_ns, packet_s) for zero_ns in zeros_ns]
    return min(found, key=lambda some: abs(sum(gap.packets for gap in some) - outage.packets_lost))


def _within(outage: Outage, gaps: list[Gap], zero_ns: float, packet_s: float) -> list[Gap]:
    slack = _SEARCH_S if outage.method == "located" else packet_s + OLD_JITTER_S
    low = zero_ns + (outage.begin_s - outage.begin_error_s - slack) * 1e9
    high = zero_ns + (outage.end_s + outage.end_error_s + slack) * 1e9
    near = [
        gap
        for gap in gaps
        if (gap.begin_ns or 0) + gap.uneven_s * 1e9 >= low
        and (gap.end_ns or 0) - (packet_s + gap.uneven_s) * 1e9 <= high
    ]
    if outage.method == "located":
        near.sort(key=lambda gap: abs(gap.packets - outage.packets_lost))
        return near[:1]
    found, lost = [], 0
    for gap in near:
        if lost + gap.packets <= outage.packets_lost + outage.packets_lost_error:
            found.append(gap)
            lost += gap.packets
    return found


def _compare(
    outage: Outage,
    gaps: list[Gap],
    truth: Truth,
    packet_s: float,
    jitter_s: float,
    verdict: Verdict,
) -> None:
    begin_ns = min(gap.begin_ns or 0 for gap in gaps)
    end_ns = max(gap.end_ns or 0 for gap in gaps) - packet_s * 1e9
    uneven = max(gap.uneven_s for gap in gaps)
    clocks = [
        (
            outage.begin_s - (begin_ns - truth.first_ns) / 1e9,
            outage.end_s - (end_ns - truth.first_ns) / 1e9,
        )
    ]
    if outage.begin_at is not None and outage.end_at is not None:
        clocks.append(
            (
                outage.begin_at.timestamp() - begin_ns / 1e9,
                outage.end_at.timestamp() - end_ns / 1e9,
            )
        )
    begin, end = min(clocks, key=lambda off: max(map(abs, off)))
    # A clock that has slipped (the sender paused, the path grew longer) is told apart.
    length = outage.duration_s + outage.slip_s - (end_ns - begin_ns) / 1e9
    # Random loss around a blackout is counted in its gap: then the bars say how much that may be.
    doubt_s = outage.duration_error_s - packet_s if outage.packets_lost_error else 0.0
    allowed = packet_s + jitter_s + uneven + doubt_s
    most = outage.duration_error_s + LENGTH_JITTER_S + 2 * uneven
    inside = abs(begin) <= outage.begin_error_s + uneven and abs(end) <= outage.end_error_s + uneven
    faults = [] if inside else ["the truth is outside the bars"]
    if outage.method == "located":
        if max(abs(begin), abs(end)) > allowed:
            faults.append(f"off by more than {allowed * _MS:.2f} ms")
        if abs(length) > most:
            faults.append(f"its length is off by more than {most * _MS:.2f} ms")
    verdict.errors.append(
        Error(
            outage=outage,
            gaps=tuple(gaps),
            begin_s=begin,
            end_s=end,
            length_s=length,
            uneven_s=uneven,
            inside=inside,
            alone=len(gaps) == 1 and not outage.packets_lost_error,
            faults=tuple(faults),
        )
    )
