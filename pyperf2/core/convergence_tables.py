"""A convergence report for people and for other programs: text, CSV, JUnit XML."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from pyperf2.core.convergence import statistics_of
from pyperf2.core.outcome import begin_of, end_of
from pyperf2.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyperf2.core.convergence import ConvergenceRun
    from pyperf2.core.criteria import Check, Verdict
    from pyperf2.core.figures import Figure, Statistics
    from pyperf2.core.gaps import Outage
    from pyperf2.core.outcome import FlowOutcome

_MS: Final = 1000.0
_HEAD: Final = (
    "flow", "receiver", "status", "lost", "outages", "loss-derived ms", "gap ms", "converged ms",
    "late", "twice", "",
)  # fmt: skip
_LEFT: Final = frozenset({"flow", "receiver", "status", ""})
_COUNTS: Final = (
    "packets_sent", "packets_received", "packets_lost", "packets_lost_error",
    "packets_lost_leading", "packets_lost_trailing", "packets_out_of_order", "packets_duplicate",
    "bytes",
)  # fmt: skip
_FIGURES: Final = ("loss_of_connectivity_s", "longest_s", "arrival_gap_s", "convergence_s")
_PLACED: Final = (
    "duration_s", "duration_error_s", "begin_error_s", "end_error_s", "packets_lost",
    "packets_lost_error", "loss_ratio", "slip_s",
)  # fmt: skip


# --- text -----------------------------------------------------------------------------------


def text_of(runs: Sequence[ConvergenceRun]) -> str:
    """Give a table for each run, and statistics where there are several."""
    lines: list[str] = []
    for run in runs:
        lines += [*_head(run, len(runs)), *_table(run), *_summary(run), ""]
    if len(runs) > 1:
        statistics = statistics_of(runs)
        lines.append(f"over {len(runs)} runs{'' if statistics else ': all were broken off'}")
        for name, one in statistics.items():
            words, scale = heading_of(name)
            of = f" ({one.count} of {len(runs)} runs)" if one.count < len(runs) else ""
            lines.append(f"  {words}{of}: {_told_statistics(one, scale)}")
    return printable("\n".join(lines).rstrip()) or "nothing was run"


def heading_of(figure: str) -> tuple[str, float]:
    """Give what a figure of this name is called, with its unit, and what it is multiplied by."""
    is_time = figure.endswith("_s")
    words = figure.removesuffix("_s").replace("_", " ")
    return f"{words}, {'ms' if is_time else 'datagrams'}", _MS if is_time else 1.0


def _head(run: ConvergenceRun, runs: int) -> Iterator[str]:
    which = f"run {run.number} of {runs}" if runs > 1 else "convergence test"
    if run.event_instant is None:
        yield f"{which}: no event"
    else:
        at = run.event_instant.isoformat(sep=" ", timespec="milliseconds")
        error_ms = (run.event_instant_error_s or 0.0) * _MS
        yield f"{which}: event {run.events[0].name!r} at {at} ±{error_ms:.1f} ms"
    if run.error is not None:
        yield f"broken off: {run.error}"
    first = run.events[0] if run.events else None
    for mark in sorted((*run.events[1:], *run.marks), key=lambda one: one.wall.value):
        since = "" if first is None else f"{(mark.wall.value - first.wall.value) * _MS:+.1f} ms: "
        yield f"  {since}{mark.name}"


def _table(run: ConvergenceRun) -> Iterator[str]:
    rows = [list(_HEAD), *([*_cells(one), _remarks(one)] for one in run.flows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        cells = [
            cell.ljust(width) if head in _LEFT else cell.rjust(width)
            for head, cell, width in zip(_HEAD, row, widths, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def _cells(flow: FlowOutcome) -> list[str]:
    lost = flow.lost
    return [
        flow.flow,
        flow.receiver,
        flow.status,
        "-" if lost is None else lost.told(digits=0),
        str(len(flow.outages)),
        _told(flow.loss_of_connectivity_s),
        _told(flow.arrival_gap_s),
        _told(flow.convergence_s),
        _count(flow.packets_out_of_order),
        _count(flow.packets_duplicate),
    ]


def _remarks(flow: FlowOutcome) -> str:
    methods = dict.fromkeys(outage.method for outage in flow.outages)
    remarks: list[str] = [*methods]
    if flow.suspect:
        remarks.append("suspect: the sender stalled")
    if flow.earlier:
        remarks.append(f"{len(flow.earlier)} before the event")
    return ", ".join(remarks)


def _summary(run: ConvergenceRun) -> Iterator[str]:
    yield f"flows hit: {len(run.hit)} of {len(run.flows)}"
    yield f"first route convergence time: {_told(run.first_route_convergence_s)} ms"
    yield f"full convergence time: {_told(run.full_convergence_s)} ms"
    if (times := run.route_specific_convergence_s) is not None:
        yield f"route-specific convergence time, ms: {_told_statistics(times, _MS)}"
    if (period := run.loss_of_connectivity_s) is not None:
        yield f"loss of connectivity period, ms: {_told_statistics(period, _MS)}"
    average = run.loss_derived_loss_of_connectivity_s
    yield f"loss-derived, average of all flows: {_told(average)} ms"
    joint = run.joint
    if joint is not None and joint.flows > 1:
        begin, end = (
            f"±{figure.error * _MS:.1f} ms" if figure else "not in common"
            for figure in (joint.begin_s, joint.end_s)
        )
        lasted = _told(joint.duration_s)
        yield f"a common cause of {joint.flows}: begin {begin}, end {end}, lasted {lasted} ms"
    # RFC 6412 (3.7.6) and RFC 6413 (6.2.1) want these reported.
    yield (
        f"validated for {run.recovery_s:g} s, sampled every {run.packet_sampling_interval_s:g} s, "
        f"forwarding delay threshold {run.forwarding_delay_threshold_s:g} s"
    )
    if run.never_recovered:
        names = ", ".join(one.label for one in run.never_recovered)
        yield f"never recovered: {names}"
    yield from run.notes


def _told(figure: Figure | None) -> str:
    return "-" if figure is None else figure.told(_MS)


def _count(figure: int | None) -> str:
    return "-" if figure is None else str(figure)


def _told_statistics(one: Statistics, scale: float) -> str:
    named = (
        ("min", one.minimum), ("median", one.median), ("mean", one.mean), ("p95", one.p95),
        ("max", one.maximum),
    )  # fmt: skip
    return ", ".join(f"{name} {figure.told(scale)}" for name, figure in named)


# --- CSV ------------------------------------------------------------------------------------


def csv_of(runs: Sequence[ConvergenceRun], *, outages: bool) -> str:
    """Give a line per run and flow, or per run, flow and outage; times in seconds (RFC 4180)."""
    told = io.StringIO(newline="")
    writer = csv.writer(told)
    rows = _outage_rows(runs) if outages else _flow_rows(runs)
    writer.writerows(rows)
    return told.getvalue()


def _flow_rows(runs: Sequence[ConvergenceRun]) -> Iterator[Sequence[Any]]:
    yield (
        "run", "flow", "receiver", "protocol", "status", "outages", "suspect", *_COUNTS,
        *(part for name in _FIGURES for part in (name, _error_of(name))),
    )  # fmt: skip
    for run in runs:
        for flow in run.flows:
            figures = [getattr(flow, name) for name in _FIGURES]
            yield (
                run.number, _cell(flow.flow), _cell(flow.receiver), flow.protocol, flow.status,
                len(flow.outages), int(flow.suspect), *(getattr(flow, name) for name in _COUNTS),
                *(part for figure in figures for part in (figure or (None, None))),
            )  # fmt: skip


def _outage_rows(runs: Sequence[ConvergenceRun]) -> Iterator[Sequence[Any]]:
    yield (
        "run", "flow", "receiver", "since_event", "begin_at", "end_at", *_PLACED, "method",
        "complete", "suspect",
    )  # fmt: skip
    for run in runs:
        for flow in run.flows:
            for outage in (*flow.earlier, *flow.outages):
                yield (
                    run.number, _cell(flow.flow), _cell(flow.receiver),
                    int(outage in flow.outages),
                    *_at(outage), *(getattr(outage, name) for name in _PLACED), outage.method,
                    int(outage.complete), int(outage.suspect),
                )  # fmt: skip


def _cell(text: str) -> str:
    """Make a name a cell that no spreadsheet takes for a formula."""
    return printable(f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) else text)


def _at(outage: Outage) -> tuple[str, str]:
    begin = outage.begin_at.isoformat() if begin_of(outage) and outage.begin_at else ""
    end = outage.end_at.isoformat() if end_of(outage) and outage.end_at else ""
    return begin, end


def _error_of(name: str) -> str:
    return f"{name.removesuffix('_s')}_error_s"


# --- JUnit ----------------------------------------------------------------------------------


def junit_of(runs: Sequence[ConvergenceRun], verdict: Verdict | None) -> str:
    """Give a suite per run and a case per flow."""
    root = ET.Element("testsuites", name="pyperf2 convergence")
    for run in runs:
        told = () if verdict is None else verdict.checks
        checks = [one for one in told if one.run == run.number]
        suite = ET.SubElement(root, "testsuite", name=f"run {run.number}")
        failures = 0
        for flow in run.flows:
            case = ET.SubElement(
                suite, "testcase", classname=printable(flow.flow), name=printable(flow.receiver),
                time=f"{flow.convergence_s.value if flow.convergence_s else 0:.6f}",
            )  # fmt: skip
            mine = [one for one in checks if (one.flow, one.receiver) == (flow.flow, flow.receiver)]
            failures += _fail(case, mine, flow, judged=verdict is not None)
        whole = [one for one in checks if one.flow is None and one.passed is not True]
        if whole:
            case = ET.SubElement(suite, "testcase", classname="run", name="all flows")
            failures += _fail(case, whole, None, judged=True)
        if run.error is not None:
            case = ET.SubElement(suite, "testcase", classname="run", name="carried through")
            ET.SubElement(case, "error", message=printable(run.error))
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(failures))
        suite.set("errors", str(int(run.error is not None)))
        ET.SubElement(suite, "system-out").text = printable(
            "\n".join([*_head(run, 1), *_table(run), *_summary(run)])
        )
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _fail(
    case: ET.Element, checks: Sequence[Check], flow: FlowOutcome | None, *, judged: bool
) -> int:
    """Enter the failure of a case, if it has one; give how many."""
    bad = [one for one in checks if one.passed is not True]
    lines = [one.text for one in bad]
    kind = "failed" if any(one.passed is False for one in bad) else "undecided"
    if not judged and flow is not None and flow.never_recovered:
        lines, kind = [flow.status], "failed"
    if not lines:
        return 0
    failure = ET.SubElement(case, "failure", type=kind, message=printable(lines[0]))
    failure.text = printable("\n".join(lines))
    return 1
