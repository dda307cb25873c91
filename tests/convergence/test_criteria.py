"""Verdicts: passed, failed or undecided, each with its reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2 import OptionError
from pyperf2.convergence import ConvergenceReport
from tests.convergence.samples import flow, outage, report


@pytest.mark.parametrize(
    ("limit", "outcome"),
    [(60, "passed"), (51, "passed"), (50.5, "undecided"), (49.5, "undecided"), (48, "failed")],
)
def test_an_outage_of_50_ms_is_judged_by_its_bar(limit: float, outcome: str) -> None:
    """It is known to ±1 ms; a limit within that is undecided, and says so."""
    verdict = report(flow("a", outage(0.0, 50))).check(max_outage_ms=limit)
    told, *lines = str(verdict).splitlines()
    assert outcome == told
    assert {"passed": True, "failed": False, "undecided": None}[outcome] is verdict.passed
    assert bool(verdict) is (outcome == "passed")
    assert ([] if verdict else [outcome]) == [line.partition(":")[0] for line in lines]
    assert all(f"limit {limit:g}" in line and "50.0 ±1.0 ms" in line for line in lines)
    assert all("inside the error bar" in line for line in lines if outcome == "undecided")


def test_each_violated_limit_has_its_line() -> None:
    """Two flows beyond two limits: four lines, each naming the flow."""
    told = report(*(flow(name, outage(0.0, 100)) for name in ("a", "b")), flow("c"))
    verdict = told.check(max_outage_ms=50, max_lost=10, max_convergence_ms=1000, max_flows_hit=2)
    assert verdict.passed is False
    assert 4 == len(verdict.lines)
    assert [2, 2, 0] == [sum(f": {n} at rx" in line for line in verdict.lines) for n in "abc"]


def test_only_the_flows_asked_for_are_judged() -> None:
    """What another flow does is no matter then."""
    told = report(flow("a", outage(0.0, 100)), flow("b"))
    assert told.check(max_outage_ms=50, flows=["b"]).passed is True
    assert told.check(max_outage_ms=50, flows=["a"]).passed is False


def test_a_flow_that_never_recovered_fails_any_check() -> None:
    """Even one without limits."""
    dark = flow("a", outage(0.0, 5, complete=False, method="open"))
    (line,) = report(dark).check().lines
    assert line.startswith("failed: run 1: a at rx: never recovered")


def test_an_outage_that_a_stalled_sender_may_have_made_is_undecided() -> None:
    """It is not the network's for certain; within the limit it passes all the same."""
    told = report(flow("a", outage(0.0, 100, suspect=True)))
    verdict = told.check(max_outage_ms=50)
    assert verdict.passed is None
    assert "suspect" in verdict.lines[0]
    assert told.check(max_outage_ms=200).passed is True


def test_what_cannot_be_known_does_not_pass() -> None:
    """Loss at the end without the sender's word; a TCP outage shorter than it shows."""
    unknown = report(flow("a", packets_lost_trailing=None)).check(max_lost=5)
    assert unknown.passed is None
    tcp = flow("t", protocol="tcp", packets_lost=None)
    assert report(tcp).check(max_outage_ms=50).passed is None
    assert report(tcp).check(max_outage_ms=200).passed is True


@pytest.mark.parametrize("limit", ["max_lost", "max_out_of_order", "max_duplicates"])
def test_a_count_that_nobody_made_does_not_pass(limit: str) -> None:
    """TCP beside a flow that counts is passed over; alone it is told, as is a silent iperf."""
    silent: dict[str, Any] = {
        "packets_lost": None, "packets_out_of_order": None, "packets_duplicate": None,
    }  # fmt: skip
    limits: dict[str, Any] = {limit: 0}
    tcp, udp = flow("t", protocol="tcp", **silent), flow("u", **silent)
    alone = report(tcp).check(**limits)
    assert (None, (f"undecided: run 1: {limit}: none of these flows counts datagrams",)) == (
        alone.passed,
        alone.lines,
    )
    untold = report(flow("a"), udp).check(**limits)
    assert (None, (f"undecided: run 1: u at rx: {limit}: iperf did not tell",)) == (
        untold.passed,
        untold.lines,
    )
    assert report(flow("a"), tcp).check(**limits).passed is True


def test_every_run_has_to_keep_the_limits() -> None:
    """One line per run that does not."""
    verdict = report(flow("a", outage(0.0, 100)), runs=3).check(max_outage_ms=50)
    assert [1, 2, 3] == [one.run for one in verdict.checks if one.passed is False]


def test_a_run_that_was_broken_off_is_undecided() -> None:
    """Its flows had no time to recover; a limit beyond doubt is violated nevertheless."""
    told = report(flow("a", outage(0.0, 100), status="not sustained"), error="event: it raised")
    assert told.check().passed is None
    assert "it raised" in told.check().lines[0]
    assert told.check(max_outage_ms=50).passed is False


def test_nothing_that_was_run_passes_nothing() -> None:
    """No run, no proof."""
    assert ConvergenceReport.of([]).check(max_lost=0).passed is None


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_outage": 50}, "max_outage_ms"),
        ({"max_outage_ms": -1}, "0 or more"),
        ({"max_lost": float("nan")}, "0 or more"),
        ({"max_lost": True}, "0 or more"),
    ],
)
def test_a_limit_that_is_none_is_refused(limits: dict[str, Any], words: str) -> None:
    """A misspelt limit would pass everything."""
    with pytest.raises(OptionError, match=words):
        report(flow("a")).check(**limits)


def test_a_flow_that_is_none_is_refused() -> None:
    """The error names those that are there."""
    with pytest.raises(OptionError, match="'x'; there are: a"):
        report(flow("a")).check(flows=["x"])


@pytest.mark.parametrize("flows", [[], (), "", "a"])
def test_flows_that_name_none_are_refused(flows: Any) -> None:
    """No flow would keep every limit; a text is a list of letters."""
    with pytest.raises(OptionError, match="a list of names is wanted, or None for all flows"):
        report(flow("a")).check(max_lost=0, flows=flows)


def test_of_a_run_that_never_started_any_flow_may_be_asked() -> None:
    """It has none that could be compared with: what broke it off is told."""
    verdict = report(error="validate: no such namespace").check(max_lost=0, flows=["a"])
    assert verdict.passed is None
    assert ("undecided: run 1 was broken off: validate: no such namespace",) == verdict.lines


@given(
    st.integers(min_value=1, max_value=2000),
    st.floats(min_value=0, max_value=2000, allow_nan=False),
    st.floats(min_value=-1, max_value=1),
)
def test_a_verdict_is_never_wrong(lost: int, limit_ms: float, where: float) -> None:
    """Whatever the true length within the bar: passed means kept, failed means violated."""
    true_ms = max(lost + where, 0.0)
    passed = report(flow("a", outage(0.0, lost))).check(max_outage_ms=limit_ms).passed
    if passed is not None:
        assert passed is (true_ms <= limit_ms) or abs(true_ms - limit_ms) < 1e-6
