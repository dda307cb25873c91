"""The tables of a page: flows, outages, what happened when, statistics; knows no other section."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pyperf2.core.convergence_tables import heading_of
from pyperf2.core.figures import Figure
from pyperf2.report.markup import element

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pyperf2.core.figures import Statistics
    from pyperf2.core.outcome import FlowOutcome
    from pyperf2.report.markup import Markup
    from pyperf2.report.timeline import Span, Timeline, Track

_MS: Final = 1000.0
_NONE: Final = "\N{EN DASH}"
_LOOKS: Final = {  # of columns; all others are figures
    **dict.fromkeys(("Flow", "Receiver", "What"), "name"),
    **dict.fromkeys(("Status", "Outages", "Located", "Figure"), "text"),
    "Remarks": "remark",
}


def flows_table(timeline: Timeline) -> Markup:
    """Give a line for each flow at each receiver."""
    head = (
        "Flow", "Receiver", "Status", "Outages", "Lost, packets", "Without connectivity, ms",
        "Arrival gap, ms", "Converged, ms", "Out of order", "Duplicates", "Remarks",
    )  # fmt: skip
    return _table("Flows", head, (_flow(track) for track in timeline.tracks))


def outages_table(timeline: Timeline) -> Markup:
    """Give a line for each outage, those before the event too."""
    head = (
        "Flow", "Receiver", "Began, ms", "Ended, ms", "Lasted, ms", "Lost, packets", "Located",
        "Remarks",
    )  # fmt: skip
    rows = (
        _outage(track.flow, span)
        for track in timeline.tracks
        for span in sorted(track.spans, key=lambda span: span.begin)
    )
    return _table("Outages", head, rows)


def course_table(timeline: Timeline) -> Markup:
    """Give steps, events and marks in order."""
    steps = [(one.begin_s, f"step: {one.name}", one.end_s - one.begin_s) for one in timeline.steps]
    moments = [
        (one.at, f"{'event' if one.is_event else 'mark'}: {one.name}", None)
        for one in timeline.moments
    ]
    listed = [*((Figure(at), what, lasted) for at, what, lasted in steps), *moments]
    rows = (
        [what, at.told(_MS), _NONE if lasted is None else f"{lasted * _MS:.1f}"]
        for at, what, lasted in sorted(listed, key=lambda one: one[0].value)
    )
    return _table("Course", ("What", f"Since {timeline.since}, ms", "Took, ms"), rows)


def statistics_table(statistics: Mapping[str, Statistics]) -> Markup:
    """Give what the figures of several flows, or runs, come to."""
    head = ("Figure", "Count", "Minimum", "Median", "Mean", "95th percentile", "Maximum")
    return _table("Statistics", head, (_statistic(*item) for item in statistics.items()))


def told(figure: Figure | None, scale: float = _MS, digits: int = 1) -> str:
    """Say a figure, in milliseconds by default; a dash where there is none."""
    return _NONE if figure is None else figure.told(scale, digits)


def _flow(track: Track) -> list[object]:
    flow = track.flow
    methods = Counter(outage.method for outage in flow.outages)
    return [
        flow.flow,
        flow.receiver,
        element("span", flow.status, class_="bad" if flow.never_recovered else None),
        ", ".join(f"{count} {method}" for method, count in methods.items()) or "none",
        told(flow.lost, 1, 0),
        told(flow.loss_of_connectivity_s),
        told(flow.arrival_gap_s),
        told(flow.convergence_s),
        _count(flow.packets_out_of_order),
        _count(flow.packets_duplicate),
        "; ".join(_remarks(flow)),
    ]


def _remarks(flow: FlowOutcome) -> Iterator[str]:
    if flow.suspect:
        yield "suspect: the sender itself stalled"
    if flow.earlier:
        yield f"{len(flow.earlier)} before the event"
    if flow.protocol != "udp":
        yield flow.protocol.upper()


def _outage(flow: FlowOutcome, span: Span) -> list[object]:
    outage = span.outage
    remarks = []
    if span.end is None or not outage.complete:
        remarks.append("still on at the end")
    if outage.suspect:
        remarks.append("suspect: the sender itself stalled")
    if span.earlier:
        remarks.append("before the event")
    if outage.loss_ratio < 1:
        remarks.append(f"{outage.loss_ratio:.1%} lost meanwhile")
    counts = flow.lost is not None
    return [
        flow.flow,
        flow.receiver,
        told(span.begin),
        told(span.end),
        told(Figure(outage.duration_s, outage.duration_error_s)),
        told(Figure(outage.packets_lost, outage.packets_lost_error), 1, 0) if counts else _NONE,
        outage.method,
        "; ".join(remarks),
    ]


def _statistic(name: str, one: Statistics) -> list[object]:
    words, scale = heading_of(name)
    figures = (one.minimum, one.median, one.mean, one.p95, one.maximum)
    return [words, one.count, *(told(figure, scale) for figure in figures)]


def _count(count: int | None) -> str:
    return _NONE if count is None else str(count)


def _table(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """Give a table that scrolls by itself where it is wider than the page."""
    looks = [_LOOKS.get(column, "number") for column in head]
    columns = (
        element("th", column, scope="col", class_=look)
        for column, look in zip(head, looks, strict=True)
    )
    lines = []
    for first, *others in rows:
        named = element("th", first, scope="row", class_=looks[0])
        cells = zip(others, looks[1:], strict=True)
        lines.append(
            element("tr", named, *(element("td", cell, class_=look) for cell, look in cells))
        )
    table = element(
        "table",
        element("thead", element("tr", *columns)),
        element("tbody", *lines),
    )
    return element("div", table, class_="scroll", role="region", tabindex=0, aria_label=name)
