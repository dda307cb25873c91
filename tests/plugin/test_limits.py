"""The marker: limits kept, violated, undecided, or none that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

UNDECIDED = """
    import pytest

    def test_undecided(failover, request):
        report = failover()
        limit = report.flows[0].longest_s.value * 1000  # in the middle of the error bar
        request.node.add_marker(pytest.mark.convergence_limits(max_outage_ms=limit))
    """


@pytest.mark.netns
def test_a_violated_limit_fails_the_test_and_shows_the_table(run: Run) -> None:
    """The reason is the check that failed; the table stands in a section of its own."""
    done = run(
        """
        import pytest

        @pytest.mark.convergence_limits(max_outage_ms=20)
        @pytest.mark.convergence_limits(max_lost=10, flows=["voice"])
        def test_violated(failover):
            failover()
        """,
        "-v",
    )
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines([
        "convergence limits violated",
        "failed: run 1: voice at server-1: lost *; limit 10",
        # "failed", or "undecided" of a sender that stalled on a busy machine
        "*: run 1: voice at server-1: outage of * ms; limit 20*",
        "*- Convergence -*",
        "flow   receiver * status *",
        "voice  server-1 * recovered *",
        "flows hit: 1 of 1",
        "*= convergence =*",
        "*::test_violated: 1 runs, 1 flows hit, * lost, longest * ms, limits: failed",
        "convergence runs: 1, in tests: 1; longest outage * ms; limits: 1 failed",
    ])  # fmt: skip
    done.stdout.no_fnmatch_line("*pytest_plugin*")  # no trace through the plugin


@pytest.mark.netns
def test_a_limit_that_is_kept_says_nothing(run: Run) -> None:
    """The test passes, and there is no table; a test that fails by itself shows it."""
    done = run("""
        import pytest

        @pytest.mark.convergence_limits(max_outage_ms=1000, max_flows_hit=1)
        def test_kept(failover):
            failover()

        def test_that_fails_by_itself(failover):
            report = failover()
            assert not report.hit, "told by the test"
        """)
    done.assert_outcomes(passed=1, failed=1)
    assert 1 == done.stdout.str().count("- Convergence -")
    done.stdout.fnmatch_lines([
        "*told by the test*",
        "*- Convergence -*",
        "voice  server-1 *",
        "convergence runs: 2, in tests: 2; * limits: 1 passed",
    ])  # fmt: skip


@pytest.mark.netns
@pytest.mark.parametrize(
    ("setting", "outcomes"),
    [("fail", {"failed": 1}), ("warn", {"passed": 1, "warnings": 1})],
)
def test_undecided_is_what_the_user_wants_it_to_be(
    run: Run, setting: str, outcomes: dict[str, int]
) -> None:
    """A limit inside the error bar fails the test, saying so, or warns."""
    done = run(UNDECIDED, f"--iperf-undecided={setting}", "-W", "default::pytest.PytestWarning")
    done.assert_outcomes(**outcomes)
    done.stdout.fnmatch_lines([
        "*convergence limits undecided",
        "*undecided: run 1: voice at server-1: outage of *; the limit is inside the error bar",
        "convergence runs: 1, *; limits: 1 undecided",
    ])  # fmt: skip


@pytest.mark.netns
def test_a_test_broken_off_shows_what_was_measured(run: Run) -> None:
    """The error is the test's own, and the table of what there was is with it."""
    done = run("""
        import pytest

        @pytest.mark.convergence_limits(max_outage_ms=1000)
        def test_broken_off(network, convergence):
            def event():
                raise ZeroDivisionError("no such switch")
            convergence([network.flow], event, steady=0.2, recovery=0.2)
        """)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ["*no such switch*", "*- Convergence -*", "broken off: *no such switch*"]
    )


@pytest.mark.netns
def test_limits_on_a_flow_that_there_is_not(run: Run) -> None:
    """Which flows there are is known after the run: the test fails, and names them."""
    done = run("""
        import pytest

        @pytest.mark.convergence_limits(max_lost=500, flows=["video"])
        def test_other_flow(failover):
            failover()
        """)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["convergence_limits: there is no flow 'video'; there are: voice"])


def test_limits_that_cannot_be_checked_are_refused_before_anything_is_built(run: Run) -> None:
    """Unknown, nameless, no number, none at all; or there is nothing to hold them against."""
    done = run("""
        import pytest
        limits = pytest.mark.convergence_limits

        @pytest.fixture
        def expensive():
            raise AssertionError("was built")

        @limits(max_outage=50)
        def test_unknown(expensive): pass

        @limits(50)
        def test_nameless(expensive): pass

        @limits(max_lost="many")
        def test_no_number(expensive): pass

        @limits(max_lost=1, flows="voice")
        def test_flows_as_text(expensive): pass

        @limits(flows=["voice"])
        def test_none(expensive): pass

        @limits(max_lost=1)
        def test_nothing_to_hold_them_against(): pass

        @limits(max_lost=1)
        def test_skipped(): pytest.skip("before it ran")
        """)
    done.assert_outcomes(errors=5, failed=1, skipped=1)
    done.stdout.no_fnmatch_line("*was built*")
    done.stdout.fnmatch_lines([
        "convergence_limits: there is no limit 'max_outage'; there are: max_outage_ms, *",
        "convergence_limits: limits have names, like max_outage_ms=50",
        "convergence_limits: max_lost='many': a limit is a number, 0 or more",
        "convergence_limits: flows='voice': a list of names is wanted",
        "convergence_limits: there is no limit in it",
        "convergence_limits: no convergence test was run; the fixture `convergence` runs one",
    ])  # fmt: skip
