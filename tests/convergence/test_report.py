"""Flows in, RFC 6412's figures out: by literals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2.convergence import ConvergenceReport, Figure
from pyperf2.core.convergence import joint_estimate
from tests.convergence.samples import EVENT, EVENT_S, flow, outage, report, stamp

MS = 0.001


def about(value: float, error: float) -> object:
    """Compare a figure: both as floats do."""
    return pytest.approx((value, error), abs=1e-6)


def test_three_flows_give_first_and_full_convergence() -> None:
    """Down from 2 ms on for 20, 50 and 200 ms; the fourth is not hit."""
    told = report(
        flow("a", outage(2 * MS, 20)), flow("b", outage(2 * MS, 50)),
        flow("c", outage(2 * MS, 200)), flow("d"),
    )  # fmt: skip
    assert EVENT == told.event_instant
    assert 3 == len(told.hit)
    assert () == told.never_recovered
    assert told.first_route_convergence_s == about(22 * MS, 1.5 * MS)
    assert told.full_convergence_s == about(202 * MS, 1.5 * MS)
    period = told.loss_of_connectivity_s
    assert period is not None
    assert period.minimum == about(20 * MS, MS)
    assert period.median == about(50 * MS, MS)
    assert period.mean == about(90 * MS, MS)
    assert period.maximum == about(200 * MS, MS)
    assert told.loss_derived_loss_of_connectivity_s == about(67.5 * MS, 0.75 * MS)
    assert Figure(270.0, 0.0) == told.packets_lost


def test_route_specific_convergence_times_are_summarised() -> None:
    """RFC 6413, 7: their minimum, maximum, median and average, of the flows that were hit."""
    told = report(
        flow("a", outage(2 * MS, 20)), flow("b", outage(2 * MS, 50)),
        flow("c", outage(2 * MS, 200)), flow("d"),
    )  # fmt: skip
    times = told.route_specific_convergence_s
    assert times is not None
    assert 3 == times.count
    assert times.minimum == told.first_route_convergence_s
    assert times.median == about(52 * MS, 1.5 * MS)
    assert times.mean == about(92 * MS, 1.5 * MS)
    assert times.maximum == told.full_convergence_s


def test_a_route_that_is_not_validated_has_not_converged() -> None:
    """RFC 6413, 4: convergence is to last for the sustained convergence validation time."""
    brief = flow("a", outage(0.0, 20), status="not sustained")
    assert report(brief).first_route_convergence_s is None
    assert report(brief).full_convergence_s is None
    told = report(brief, flow("b", outage(0.0, 50)))
    assert told.first_route_convergence_s == about(50 * MS, 1.5 * MS)


def test_all_that_was_lost_by_all_that_was_offered() -> None:
    """RFC 6412, 3.6.6, equation 9: 100 + 0 + 40 lost of 1000 + 2000 + 500 a second."""
    told = report(
        flow("a", outage(0.0, 100)),
        flow("b", offered_pps=2000.0),
        flow("c", replace(outage(0.0, 40), duration_s=0.08), offered_pps=500.0),
    )
    average = told.loss_derived_loss_of_connectivity_s
    assert average is not None
    assert average.value == pytest.approx(140 / 3500)


def test_a_load_that_is_given_in_bits_is_weighed_by_what_was_sent() -> None:
    """One announced no datagrams a second."""
    first, second = flow("a", outage(0.0, 100), offered_pps=None), flow("b", offered_pps=2000.0)
    told = report(
        replace(first, packets_sent=10_000), replace(second, packets_sent=20_000)
    ).loss_derived_loss_of_connectivity_s
    assert told == about(100 / 3 * MS, 1 / 3 * MS)


def test_without_any_load_an_average_is_between_the_least_and_the_greatest() -> None:
    """Whichever flow sent more: 100 ms of one, none of the other."""
    unknown = flow("a", outage(0.0, 100), offered_pps=None, packets_sent=None)
    told = report(unknown, flow("b")).loss_derived_loss_of_connectivity_s
    assert told == about(50.5 * MS, 50.5 * MS)


def test_the_parameters_that_must_be_reported_are() -> None:
    """RFC 6412, 3.7.5 and 3.7.6; RFC 6413, 6.2.1: in the table and in the JSON document."""
    told = report(flow("a", interval_s=0.25), recovery_s=5.0)
    assert (0.25, 0.5) == (told.packet_sampling_interval_s, told.forwarding_delay_threshold_s)
    assert "validated for 5 s, sampled every 0.25 s, forwarding delay threshold 0.5 s" in str(told)
    summary = told.to_dict()["runs"][0]["summary"]
    assert 0.5 == summary["forwarding_delay_threshold_s"]


def test_the_event_s_own_bar_is_in_what_is_counted_from_it() -> None:
    """An event known to ±5 ms makes no statement about fewer."""
    from pyperf2.core.outcome import _convergence

    figure = _convergence([outage(2 * MS, 20)], stamp(wide_s=10 * MS).wall)
    assert figure == about(22 * MS, 7.0 * MS)  # 0.5 of the clock's place on the wall


def test_a_flow_that_never_recovers_leaves_no_full_convergence() -> None:
    """The first route's time stands; the statistics are of those that did recover."""
    dark = flow("b", outage(0.0, 500, complete=False, method="open"))
    told = report(flow("a", outage(0.0, 20)), dark)
    assert told.full_convergence_s is None
    assert told.loss_derived_loss_of_connectivity_s is None
    assert told.first_route_convergence_s == about(20 * MS, 1.5 * MS)
    assert ("b",) == tuple(one.flow for one in told.never_recovered)
    assert told.loss_of_connectivity_s is not None
    assert 1 == told.loss_of_connectivity_s.count


def test_two_outages_of_a_flow_add_up_and_the_last_one_counts() -> None:
    """10 and 30 ms lost: 40 ms without connectivity, converged when the second ended."""
    one = flow("a", outage(0.0, 10), outage(0.5, 30))
    assert one.loss_of_connectivity_s == about(40 * MS, 2 * MS)
    assert one.longest_s == about(30 * MS, MS)
    assert one.arrival_gap_s == about(40 * MS, 6 * MS)
    assert one.convergence_s == about(530 * MS, 1.5 * MS)


def test_a_contained_outage_is_as_long_as_a_located_one_is() -> None:
    """Its place is unsure by 40 ms, its length by a packet: the gap is not unsure by 80."""
    one = flow("a", outage(0.0, 10, error_s=0.04, method="contained"))
    assert one.arrival_gap_s == about(10 * MS, 2 * MS)


def test_what_tcp_does_not_show_is_in_its_bar() -> None:
    """Without a silent interval an outage may have lasted up to two of them."""
    one = flow("a", protocol="tcp", packets_lost=None)
    assert one.loss_of_connectivity_s == about(0.0, 0.2)
    assert one.lost is None


def test_late_and_duplicate_datagrams_are_apart_from_loss() -> None:
    """They are added up, and lose nothing."""
    told = report(
        flow("a", packets_out_of_order=3), flow("b", packets_out_of_order=2, packets_duplicate=7)
    )
    assert (5, 7, 0.0) == (
        told.packets_out_of_order, told.packets_duplicate, told.packets_lost.value,
    )  # fmt: skip


def test_one_cause_is_located_better_by_several_flows() -> None:
    """Bars of 40 ms that overlap in 4 leave 4; the located one's bar is kept within."""
    bars = [outage(offset, 10, error_s=0.02, method="contained") for offset in (-0.018, 0.0, 0.018)]
    joint = joint_estimate(bars)
    assert joint is not None
    assert joint.begin_s is not None
    assert joint.begin_s == pytest.approx((EVENT_S, 0.0025), abs=1e-5)
    assert joint.duration_s == pytest.approx((0.01, 0.001), abs=1e-5)
    assert joint.begin_at is not None
    assert abs(joint.begin_at - EVENT) < timedelta(milliseconds=1)


def test_flows_that_contradict_one_another_have_no_common_cause() -> None:
    """Two outages a second apart share neither begin nor end."""
    assert joint_estimate([outage(0.0, 10), outage(1.0, 10)]) is None
    assert joint_estimate([]) is None
    only_begin = joint_estimate([outage(0.0, 10), outage(0.0, 100)])
    assert only_begin is not None
    assert only_begin.begin_s is not None
    assert only_begin.end_s is None
    assert only_begin.duration_s is None


def test_suspect_outages_and_tcp_have_no_say_in_a_common_cause() -> None:
    """A sender that stalled, and one that backs off, tell nothing of the instant."""
    told = report(
        flow("a", outage(0.0, 50)), flow("b", outage(0.3, 50, suspect=True)),
        flow("c", outage(0.1, 0, method="rate"), protocol="tcp"),
    )  # fmt: skip
    assert told.joint is not None
    assert 1 == told.joint.flows


@given(
    st.floats(min_value=0.0, max_value=0.5),
    st.integers(min_value=5, max_value=800),
    st.lists(st.floats(min_value=-1.0, max_value=1.0), min_size=1, max_size=8),
)
def test_the_true_cause_is_within_the_joint_estimate(
    begin_s: float, lost: int, wheres: list[float]
) -> None:
    """If each flow's bars hold the truth, the joint bars do."""
    error_s = 0.02
    bars = [outage(begin_s + where * error_s, lost, error_s=error_s) for where in wheres]
    joint = joint_estimate([replace(one, duration_error_s=0.05) for one in bars])
    assert joint is not None
    for figure, true in ((joint.begin_s, begin_s), (joint.end_s, begin_s + lost * MS)):
        assert figure is not None
        assert figure.low - 1e-5 <= EVENT_S + true <= figure.high + 1e-5


def test_several_runs_have_statistics_over_them() -> None:
    """Full convergence of 20 and 60 ms: 40 on average."""
    first, second = (report(flow("a", outage(0.0, lost))).runs[0] for lost in (20, 60))
    told = ConvergenceReport.of([first, replace(second, number=2)])
    full = told.statistics["full_convergence_s"]
    assert 2 == full.count
    assert full.mean == about(40 * MS, 1.5 * MS)
    assert Figure(40.0, 0.0) == told.statistics["packets_lost"].mean
    assert told.full_convergence_s == about(60 * MS, 1.5 * MS), "of the last run"


def test_a_run_that_was_broken_off_is_in_no_statistics() -> None:
    """What it lost until then is no figure of a whole run."""
    (first,) = report(flow("a", outage(0.0, 20))).runs
    broken = replace(first, number=2, error="recovery: it was aborted")
    told = ConvergenceReport.of([first, broken])
    assert {1} == {one.count for one in told.statistics.values()}
    assert "packets lost, datagrams (1 of 2 runs): min 20.0" in told.text()
    none = ConvergenceReport.of([broken, broken])
    assert {} == none.statistics
    assert none.text().endswith("over 2 runs: all were broken off")


def test_the_last_to_end_is_as_unsure_as_any_that_may_be_it() -> None:
    """One ended at 40 ±1.5 ms, another at 30 ±40: the last of them may have ended at 70."""
    from pyperf2.core.outcome import _convergence

    sure, unsure = outage(0.0, 40), outage(0.0, 30, error_s=40 * MS, method="contained")
    figure = _convergence([unsure, sure], stamp().wall)
    assert figure == about(54.25 * MS, 16.25 * MS)  # 0.5 of the clock's place on the wall
    one = flow("a", outage(0.0, 20), outage(0.5, 19, duration_error_s=3 * MS))
    assert one.longest_s == about(20.5 * MS, 1.5 * MS)


def test_no_runs_at_all_say_so() -> None:
    """An empty report has no figures, and no errors."""
    empty = ConvergenceReport.of([])
    assert "nothing was run" == str(empty)
    assert empty.full_convergence_s is None
    assert empty.event_instant is None
    assert {} == empty.statistics
