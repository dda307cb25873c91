"""What a session shows of its convergence tests: tables where one failed, and a line at the end.

The line is made of properties of the tests' reports, for with xdist they come from other
processes; a JUnit file of pytest's has them, too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from pyperf2.pytest_plugin.bench import Bench
    from pyperf2.pytest_plugin.trials import Trials

_RUNS: Final = "convergence_runs"
_HIT: Final = "convergence_flows_hit"
_LOST: Final = "convergence_packets_lost"
_LONGEST: Final = "convergence_longest_ms"
_LIMITS: Final = "convergence_limits"
_ORDER: Final = ("passed", "failed", "undecided")


def properties(trials: Trials) -> list[tuple[str, Any]]:
    """Sum up the convergence tests of one test; nothing where there were none."""
    runs = [run for report in trials.reports for run in report.runs]
    if not runs:
        return []
    outages = [outage for run in runs for flow in run.flows for outage in flow.outages]
    longest = max((one.duration_s for one in outages), default=0.0)
    made: list[tuple[str, Any]] = [
        (_RUNS, len(runs)),
        (_HIT, sum(len(run.hit) for run in runs)),
        (_LOST, round(sum(run.packets_lost.value for run in runs))),
        (_LONGEST, round(longest * 1000, 1)),
    ]
    words = {verdict.word for verdict in trials.verdicts}
    worst = next((word for word in ("failed", "undecided", "passed") if word in words), None)
    return made if worst is None else [*made, (_LIMITS, worst)]


def sections(bench: Bench) -> Iterator[tuple[str, str]]:
    """Give what the report of a test that failed has besides."""
    for report in bench.trials.reports:
        yield "Convergence", report.text()
    if bench.artifacts is not None and bench.artifacts.folder is not None:
        yield "iperf artifacts", str(bench.artifacts.folder)


def write(terminal: pytest.TerminalReporter) -> None:
    """Write the line, and with ``-v`` one for each test."""
    tests = {
        report.nodeid: told
        for reports in terminal.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        and _RUNS in (told := dict(report.user_properties))
    }
    if not tests:
        return
    terminal.section("convergence")
    if terminal.verbosity > 0:
        for nodeid, told in sorted(tests.items()):
            terminal.line(f"{nodeid}: {_line(told)}")
    limits = Counter(told[_LIMITS] for told in tests.values() if _LIMITS in told)
    words = ", ".join(f"{limits[word]} {word}" for word in _ORDER if limits[word])
    runs = sum(told[_RUNS] for told in tests.values())
    longest = max(told[_LONGEST] for told in tests.values())
    terminal.line(
        f"convergence runs: {runs}, in tests: {len(tests)}; longest outage {longest:g} ms; "
        f"limits: {words or 'none'}"
    )


def _line(told: dict[str, Any]) -> str:
    return (
        f"{told[_RUNS]} runs, {told[_HIT]} flows hit, {told[_LOST]} lost, "
        f"longest {told[_LONGEST]:g} ms, limits: {told.get(_LIMITS, 'none')}"
    )
