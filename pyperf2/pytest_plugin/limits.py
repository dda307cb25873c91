"""The marker ``convergence_limits``: read, refused where it is wrong, and held against reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from pyperf2.convergence import Check, ConvergenceReport, Verdict
    from pyperf2.pytest_plugin.bench import Bench

_NAME: Final = "convergence_limits"
MARKER_HELP: Final = (
    f"{_NAME}(*, flows=None, **limits): fail if a convergence report of this test is not within "
    "the limits of ConvergenceReport.check, like max_outage_ms=50 or max_lost=100"
)


def refuse_wrong(item: pytest.Item) -> None:
    """Fail a test whose limits nobody could check."""
    for mark in item.iter_markers(_NAME):
        _refuse(mark)


def enforce(item: pytest.Item, bench: Bench | None) -> None:
    """Fail a test whose reports are not within its limits."""
    marks = list(item.iter_markers(_NAME))
    if not marks:
        return
    if bench is None or not bench.trials.reports:
        pytest.fail(
            f"{_NAME}: no convergence test was run; the fixture `convergence` runs one",
            pytrace=False,
        )
    bench.trials.verdicts = [_verdict(report, marks) for report in bench.trials.reports]
    bad = [verdict for verdict in bench.trials.verdicts if not verdict]
    text = "\n".join(line for verdict in bad for line in verdict.lines)
    if any(verdict.passed is False for verdict in bad):
        pytest.fail(f"convergence limits violated\n{text}", pytrace=False)
    if bad and bench.settings.undecided == "fail":
        pytest.fail(f"convergence limits undecided\n{text}", pytrace=False)
    if bad:
        item.warn(pytest.PytestWarning(f"convergence limits undecided\n{text}"))


def _refuse(mark: pytest.Mark) -> None:
    from pyperf2 import OptionError
    from pyperf2.convergence import ConvergenceReport

    limits = _limits(mark)
    wrong = None
    if mark.args:
        wrong = f"limits have names, like max_outage_ms={mark.args[0]!r}"
    elif not limits:
        wrong = "there is no limit in it"
    elif isinstance(mark.kwargs.get("flows"), str):
        wrong = f"flows={mark.kwargs['flows']!r}: a list of names is wanted"
    try:
        ConvergenceReport().check(**limits)
    except OptionError as error:
        wrong = wrong or str(error)
    if wrong:
        pytest.fail(f"{_NAME}: {wrong}", pytrace=False)


def _verdict(report: ConvergenceReport, marks: list[pytest.Mark]) -> Verdict:
    """Hold a report against all of a test's limits."""
    from pyperf2 import OptionError
    from pyperf2.convergence import Verdict

    checks: dict[Check, None] = {}  # a set that keeps its order
    for mark in marks:
        try:
            verdict = report.check(flows=mark.kwargs.get("flows"), **_limits(mark))
        except OptionError as error:  # there is no such flow
            pytest.fail(f"{_NAME}: {error}", pytrace=False)
        checks |= dict.fromkeys(verdict.checks)
    return Verdict(checks=tuple(checks))


def _limits(mark: pytest.Mark) -> dict[str, Any]:
    return {name: limit for name, limit in mark.kwargs.items() if name != "flows"}
