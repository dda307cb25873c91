"""A report as one HTML page that needs nothing else: no script, no file, no network."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from pyperf2.core.convergence import statistics_of
from pyperf2.errors import MissingExtra
from pyperf2.report.extra import require_matplotlib
from pyperf2.report.markup import Markup, element
from pyperf2.report.tables import (
    course_table,
    flows_table,
    outages_table,
    statistics_table,
    told,
)
from pyperf2.report.timeline import timeline_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyperf2.core.convergence import ConvergenceRun
    from pyperf2.core.criteria import Verdict
    from pyperf2.core.figures import Figure
    from pyperf2.report.timeline import Timeline

_TITLE: Final = "Convergence report"
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_MOST_PLOTS: Final = 10
_TERMS: Final = (
    "Times are in milliseconds; the truth is within ±. Located outages are known to a packet; of "
    "contained ones the length is known, their place only to an interval. Degraded: some arrived "
    "meanwhile. Rate: TCP, seen in silent intervals. Open: not over when the test ended. Without "
    "connectivity is loss-derived, lost packets by offered load (RFC 6412); the arrival gap is the "
    "time without a packet (RFC 6414)."
)


def page_of(runs: Sequence[ConvergenceRun], verdict: Verdict | None) -> str:
    """Give the page of these runs."""
    last = len(runs) - 1
    body = element(
        "main",
        element("h1", _TITLE),
        *_verdict(verdict),
        *_over_all(runs),
        *(_run(run, len(runs), is_last=at == last) for at, run in enumerate(runs)),
        None if runs else element("p", "Nothing was run."),
    )
    style = files("pyperf2.report").joinpath("style.css").read_text(encoding="utf-8")
    word = "" if verdict is None else f": {verdict.word}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{_TITLE}{word}"),
        element("style", Markup(style)),
    )
    return f"<!doctype html>\n{element('html', head, element('body', body), lang='en')}\n"


def _verdict(verdict: Verdict | None) -> Iterator[Markup]:
    if verdict is None:
        yield element(
            "p", element("strong", "not judged"), " no limits were given", class_="verdict"
        )
        return
    kept = sum(one.passed is True for one in verdict.checks)
    count = f" {kept} of {len(verdict.checks)} checks are kept for certain"
    yield element("p", element("strong", verdict.word), count, class_=f"verdict {verdict.word}")
    if verdict.lines:
        yield element("ul", *(element("li", line) for line in verdict.lines))
    items = (element("li", one.text) for one in verdict.checks)
    yield element("details", element("summary", "All checks"), element("ul", *items))


def _over_all(runs: Sequence[ConvergenceRun]) -> Iterator[Markup]:
    if len(runs) > 1:
        statistics = statistics_of(runs)
        yield element("h2", f"Over {len(runs)} runs")
        yield statistics_table(statistics) if statistics else element("p", "All were broken off.")


def _run(run: ConvergenceRun, runs: int, *, is_last: bool) -> Markup:
    """Give a run; of several, only the last one is unfolded."""
    timeline = timeline_of(run)
    parts = [
        element("p", element("strong", "broken off"), " ", run.error, class_="verdict failed")
        if run.error is not None
        else None,
        *(element("p", note, class_="warning") for note in run.notes),
        _figures(run),
        *_over_flows(run),
        element("h3", "Rates and outages"),
        _plot(run, timeline, drawn=is_last or runs <= _MOST_PLOTS),
        element("h3", "Flows"),
        flows_table(timeline),
        element("p", _TERMS, class_="note"),
        element("h3", "Outages"),
        outages_table(timeline)
        if any(track.spans for track in timeline.tracks)
        else element("p", "There was none."),
        element("h3", "Course"),
        course_table(timeline),
        element("p", _conditions(run), class_="note"),
    ]
    if runs == 1:
        return element("section", *parts)
    name = element("summary", element("h2", f"Run {run.number} of {runs}"))
    return element("details", name, *parts, open="" if is_last else None, class_="run")


def _figures(run: ConvergenceRun) -> Markup:
    """Give what the flows come to together, by RFC 6412's names."""
    named = [
        ("Convergence event", _event(run)),
        ("Flows hit", f"{len(run.hit)} of {len(run.flows)}"),
        ("First route convergence time", _ms(run.first_route_convergence_s)),
        ("Full convergence time", _ms(run.full_convergence_s)),
    ]
    average = run.loss_derived_loss_of_connectivity_s
    named.append(("Loss-derived, average of all flows", _ms(average)))
    if any(one.lost is not None for one in run.flows):
        named.append(("Packets lost, whole run", told(run.packets_lost, 1, 0)))
    if (joint := run.joint) is not None and joint.flows > 1:
        begin, end = (
            f"±{one.error * 1000:.1f} ms" if one else "differs"
            for one in (joint.begin_s, joint.end_s)
        )
        lasted = f"; lasted {_ms(joint.duration_s)}" if joint.duration_s else ""
        named.append((f"Common cause of {joint.flows} flows", f"begin {begin}, end {end}{lasted}"))
    if run.never_recovered:
        named.append(("Never recovered", f"{len(run.never_recovered)} of {len(run.flows)}"))
    cards = (element("div", element("dt", name), element("dd", value)) for name, value in named)
    return element("dl", *cards)


def _over_flows(run: ConvergenceRun) -> Iterator[Markup]:
    """Give the statistics of the flows that were hit and have recovered."""
    named = {
        "route_specific_convergence_s": run.route_specific_convergence_s,
        "loss_of_connectivity_s": run.loss_of_connectivity_s,
    }
    known = {name: one for name, one in named.items() if one is not None}
    if known:
        yield statistics_table(known)


def _conditions(run: ConvergenceRun) -> str:
    """Say what RFC 6412 (3.7.6) and RFC 6413 (6.2.1) want reported, and the versions."""
    return (
        f"Steady for {run.steady_s:g} s before, validated for {run.recovery_s:g} s after, sampled "
        f"every {run.packet_sampling_interval_s:g} s, forwarding delay threshold "
        f"{run.forwarding_delay_threshold_s:g} s. "
        f"Measured with: {', '.join(run.environment) or 'not known'}."
    )


def _event(run: ConvergenceRun) -> str:
    if run.event_instant is None:
        return "none"
    at = run.event_instant.isoformat(sep=" ", timespec="milliseconds")
    return f"{run.events[0].name}, {at} ±{(run.event_instant_error_s or 0.0) * 1000:.1f} ms"


def _ms(figure: Figure | None) -> str:
    return told(figure) if figure is None else f"{told(figure)} ms"


def _plot(run: ConvergenceRun, timeline: Timeline, *, drawn: bool) -> Markup:
    if not timeline.tracks:
        return element("p", "No flow was started.")
    if not drawn:
        words = f"Of more than {_MOST_PLOTS} runs only the last is drawn here"
        return element("p", f"{words}; plot(run={run.number}) draws this one.")
    try:
        require_matplotlib()
    except MissingExtra as error:
        return element("p", f"Not drawn: {error}.")
    from pyperf2.report.picture import draw
    from pyperf2.report.svg import inline

    names = ", ".join(track.label for track in timeline.tracks)
    label = f"Received rate and outages over time since {timeline.since}, of: {names}"
    svg = inline(draw(run, timeline), label, f"run{run.number}")
    region = {"class_": "scroll", "role": "region", "tabindex": 0, "aria_label": "Plot"}
    return element("figure", svg, **region)
