"""The report of a self-test as text for a person; knows no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyperf2.selftest.plan import INTERVAL_S, PPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyperf2.selftest.report import Report, Row, Spell

_HEAD: Final = (
    "", "lost / dropped", "outages", "in bars", "begin", "end", "length", "joint", "suspect",
)  # fmt: skip
_MOST_NAMED: Final = 20
_MET: Final = (
    "met: every count is that of the link, every outage is where and as long as documented"
)


def text_of(report: Report) -> str:
    """Give the whole report: a table, the verdict, each miss and each suspect outage by name."""
    return "\n".join(
        [
            *_about(report),
            "",
            *_table([_HEAD, *(_cells(row) for row in report.rows)]),
            "",
            *_verdict(report),
            *_named("suspect: a sender stalled, its times are not in the table", _suspects(report)),
            *(f"note: {note}" for note in report.notes),
        ]
    )


def _about(report: Report) -> Iterator[str]:
    yield (
        f"pyperf2 {report.pyperf2} with {report.tool} {report.iperf} ({report.path}), "
        f"Linux {report.kernel}, {report.cores} cores"
    )
    yield (
        f"{report.flows} flows of {PPS} datagrams a second, intervals of {INTERVAL_S:g} s, "
        f"seed {report.seed}; errors in ms, median / largest"
    )


def _verdict(report: Report) -> Iterator[str]:
    if report.interrupted:
        yield f"interrupted: {report.done} of {report.runs} runs were measured, the last in part"
    if report.misses:
        title = f"not met: {len(report.misses)} times less exact than documented"
        yield from _named(title, [str(miss) for miss in report.misses])
    elif not report.interrupted:
        yield _MET


def _suspects(report: Report) -> list[str]:
    return [
        f"run {one.run}, {one.flow}, {one.scenario}: {one.suspect}; "
        f"{one.lost} lost of {one.dropped} dropped{_times(one)}"
        for one in report.suspects
    ]


def _times(one: Spell) -> str:
    errors = (
        ("begin", one.begin_error_s),
        ("end", one.end_error_s),
        ("length", one.length_error_s),
    )
    told = [f"{name} {error * 1000:+.2f} ms" for name, error in errors if error is not None]
    return f"; {', '.join(told)}" if told else ""


def _named(title: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    yield title
    yield from (f"  {line}" for line in lines[:_MOST_NAMED])
    if len(lines) > _MOST_NAMED:
        yield f"  and {len(lines) - _MOST_NAMED} more; --json has all of them"


def _cells(row: Row) -> tuple[str, ...]:
    counts = (row.scenario, f"{row.lost} / {row.dropped}")
    if not row.outages:
        return (*counts, *[""] * (len(_HEAD) - len(counts)))
    return (
        *counts,
        str(row.outages),
        str(row.inside),
        *(str(one or "") for one in (row.begin, row.end, row.length)),
        f"{row.joint_inside} of {row.joint}" if row.joint else "",
        str(row.suspect),
    )


def _table(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *cells in lines:
        told = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *told]).rstrip()
