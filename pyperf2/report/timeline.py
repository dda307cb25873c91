"""One run on one time axis, whose 0 is the convergence event instant; knows nothing of drawing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from pyperf2.core.figures import Figure
from pyperf2.core.outcome import begin_of, end_of, refuse_unknown_flows
from pyperf2.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyperf2.core.convergence import ConvergenceRun
    from pyperf2.core.gaps import Outage
    from pyperf2.core.outcome import FlowOutcome

_LEAST_S: Final = 0.001  # an axis is never shorter
_MARGIN: Final = 0.2  # of what a window shows, on either side
_LEAST_MARGIN_S: Final = 0.02
_WORTH_A_WINDOW: Final = 0.4  # of the run; what is wider shows well enough in the whole


class Piece(NamedTuple):
    """A rate, and from when to when it was measured; None where it is not known."""

    begin_s: float
    end_s: float
    rate: float | None


class Span(NamedTuple):
    """An outage on the axis; without an end while it is on."""

    begin: Figure
    end: Figure | None
    outage: Outage
    earlier: bool  # than the event


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A flow on the axis.

    Attributes:
        flow: whose it is.
        label: its name, and its receiver where the name alone does not tell.
        pieces: what arrived.
        in_packets: whether the rates are datagrams per second, not bits.
        usual: the rate when all is well; None where it cannot be told.
        spans: its outages.
    """

    flow: FlowOutcome
    label: str
    pieces: tuple[Piece, ...]
    in_packets: bool
    usual: float | None
    spans: tuple[Span, ...]


class Moment(NamedTuple):
    """An event or a mark on the axis."""

    name: str
    at: Figure
    is_event: bool


class Step(NamedTuple):
    """A step of the test on the axis."""

    name: str
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A run on the axis.

    Attributes:
        since: what 0 is.
        begin_s: where the axis begins.
        end_s: where it ends.
        tracks: the flows.
        moments: events and marks, in order.
        steps: what the test did.
    """

    since: str
    begin_s: float
    end_s: float
    tracks: tuple[Track, ...]
    moments: tuple[Moment, ...]
    steps: tuple[Step, ...]

    def window(self) -> tuple[float, float] | None:
        """Give from when to when outages since the event began and ended; None if no closer look.

        Those that are still on have no end; what ended is seen better without.
        """
        spans = [span for track in self.tracks for span in track.spans if not span.earlier]
        ends = [span.end.high for span in spans if span.end]
        if not ends:
            return None
        first, last = min([0.0, *(span.begin.low for span in spans)]), max(ends)
        margin = max(_MARGIN * (last - first), _LEAST_MARGIN_S)
        closer = max(first - margin, self.begin_s), min(last + margin, self.end_s)
        whole = self.end_s - self.begin_s
        return closer if closer[1] - closer[0] < _WORTH_A_WINDOW * whole else None


def run_of(runs: Sequence[ConvergenceRun], number: int | None) -> ConvergenceRun:
    """Give the run with this number, the last one by default.

    Raises:
        OptionError: there is none.
    """
    numbers = [one.number for one in runs]
    if not runs or (number is not None and number not in numbers):
        asked = "nothing to plot" if number is None else f"there is no run {number}"
        there = f"there are: {', '.join(map(str, numbers))}" if runs else "nothing was run"
        raise OptionError(f"{asked}; {there}")
    return runs[-1] if number is None else runs[numbers.index(number)]


def timeline_of(run: ConvergenceRun, flows: Sequence[str] | None = None) -> Timeline:
    """Place a run, or only the flows of these names.

    Raises:
        OptionError: there is no such flow.
    """
    named = Counter(one.flow for one in run.flows)
    refuse_unknown_flows(flows, named)
    shown = [one for one in run.flows if flows is None or one.flow in flows]
    zero, since = _zero(run)
    tracks = tuple(
        _track(one, zero, one.label if named[one.flow] > 1 else one.flow) for one in shown
    )
    moments = tuple(_moments(run, zero))
    edges = [
        *(edge for one in tracks for piece in one.pieces for edge in piece[:2]),
        *(one.at.value for one in moments),
        *(span.begin.value for one in tracks for span in one.spans),
        *(span.end.value for one in tracks for span in one.spans if span.end),
    ]
    begin, end = min(edges, default=0.0), max(edges, default=1.0)
    return Timeline(
        since=since,
        begin_s=begin,
        end_s=max(end, begin + _LEAST_S),
        tracks=tracks,
        moments=moments,
        steps=tuple(
            Step(one.name, *(at.wall_ns / 1e9 - zero.value for at in (one.before, one.after)))
            for one in run.steps
        ),
    )


def _zero(run: ConvergenceRun) -> tuple[Figure, str]:
    if run.events:
        return run.events[0].wall, "the event"
    if run.steps:
        return Figure(run.steps[0].before.wall_ns / 1e9), f"step {run.steps[0].name!r}"
    zeros = [one.zero_at.timestamp() for one in run.flows if one.zero_at]
    return Figure(min(zeros, default=0.0)), "the first datagram"


def _moments(run: ConvergenceRun, zero: Figure) -> Iterator[Moment]:
    events = [(stamp, True) for stamp in run.events]
    listed = [*events, *((stamp, False) for stamp in run.marks)]
    for stamp, is_event in sorted(listed, key=lambda one: one[0].before.wall_ns):
        at = stamp.wall
        yield Moment(stamp.name, at._replace(value=at.value - zero.value), is_event)


def _track(flow: FlowOutcome, zero: Figure, label: str) -> Track:
    offset = flow.zero_at.timestamp() - zero.value if flow.zero_at else None
    samples = flow.samples if offset is not None else ()
    in_packets = flow.protocol == "udp" and any(
        one.packets_per_second is not None for one in samples
    )
    pieces = tuple(
        Piece(
            one.start_s + (offset or 0.0),
            one.end_s + (offset or 0.0),
            one.packets_per_second if in_packets else one.bits_per_second,
        )
        for one in samples
    )
    return Track(
        flow=flow,
        label=label,
        pieces=pieces,
        in_packets=in_packets,
        usual=flow.offered_pps if in_packets and flow.offered_pps else _usual(pieces),
        spans=tuple(_spans(flow, zero)),
    )


def _usual(pieces: Sequence[Piece]) -> float | None:
    known = [one.rate for one in pieces if one.rate is not None]
    before = [one.rate for one in pieces if one.rate is not None and one.end_s <= 0]
    return median(before or known) if known else None


def _spans(flow: FlowOutcome, zero: Figure) -> Iterator[Span]:
    for outages, earlier in ((flow.earlier, True), (flow.outages, False)):
        for one in outages:
            begin, end = begin_of(one), end_of(one)
            if begin is not None:
                placed = None if end is None else end._replace(value=end.value - zero.value)
                yield Span(begin._replace(value=begin.value - zero.value), placed, one, earlier)
