"""Where things stand on the axis of time, whose 0 is the event."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pyperf2 import OptionError
from pyperf2.core.outcome import Sample
from pyperf2.report.rows import lowest
from pyperf2.report.timeline import Piece, run_of, timeline_of
from tests.convergence.samples import EVENT, flow, outage, report, stamp
from tests.report.samples import down, mixed


def test_flows_that_began_at_different_times_share_the_axis() -> None:
    """Second 10 of one is second 3 of the other: both are the event."""
    early = flow("early", samples=(Sample(9.9, 10.0, None, 1000.0),))
    late = flow(
        "late",
        samples=(Sample(2.9, 3.0, None, 1000.0),),
        zero_at=EVENT - timedelta(seconds=3),
    )
    tracks = timeline_of(report(early, late)).tracks
    assert [(-0.1, 0.0)] * 2 == [
        pytest.approx(one.pieces[0][:2], abs=1e-6) for one in tracks
    ]  # fmt: skip


def test_outages_keep_their_bounds() -> None:
    """Begin and end are those of the outage, the wall clock's half a millisecond included."""
    (track,) = timeline_of(report(flow("a", outage(0.25, 20, error_s=0.004)))).tracks
    (span,) = track.spans
    assert span.begin == pytest.approx((0.25, 0.0045), abs=1e-6)
    assert span.end == pytest.approx((0.27, 0.0045), abs=1e-6)


def test_an_outage_that_is_on_has_no_end_and_one_before_the_event_is_told_apart() -> None:
    """So that neither is drawn as what it is not."""
    dark = outage(0.0, 300, complete=False, method="open")
    (track,) = timeline_of(report(flow("a", dark, earlier=(outage(-5.0, 3),)))).tracks
    assert [(True, True), (False, False)] == [
        (span.earlier, span.end is not None) for span in track.spans
    ]


def test_what_is_closer_holds_all_that_ended_with_the_event() -> None:
    """Whatever is still on does not widen it; without an end there is nothing to see closer."""
    window = timeline_of(mixed()).window()
    assert window == pytest.approx((-0.11, 0.55), abs=0.01)
    assert timeline_of(mixed(), ["dark", "untouched"]).window() is None
    assert timeline_of(mixed(), ["voice"]).window() == pytest.approx((-0.04, 0.24), abs=0.01)


def test_without_an_event_the_axis_begins_with_the_first_step() -> None:
    """A run that was broken off before the event can be drawn, too."""
    early = report(flow("a"), events=(), steps=(stamp("start", at_s=-11),))
    timeline = timeline_of(early)
    assert "step 'start'" == timeline.since
    assert timeline.begin_s == pytest.approx(1.0)
    assert "the first datagram" == timeline_of(report(flow("a"), events=())).since


def test_a_receiver_is_named_where_the_flow_is_not_enough() -> None:
    """Of a group: each; alone: not."""
    told = report(flow("group", receiver="r1"), flow("group", receiver="r2"), flow("alone"))
    labels = [track.label for track in timeline_of(told).tracks]
    assert ["group at r1", "group at r2", "alone"] == labels


def test_runs_and_flows_are_chosen_by_number_and_name() -> None:
    """The last run by default; what is not there is refused, naming what is."""
    told = report(down("a", 20), down("b", 50), runs=3)
    assert [3, 2] == [run_of(told.runs, None).number, run_of(told.runs, 2).number]
    assert ["b"] == [one.label for one in timeline_of(told, ["b"]).tracks]
    with pytest.raises(OptionError, match="no run 7; there are: 1, 2, 3"):
        run_of(told.runs, 7)
    with pytest.raises(OptionError, match="no flow 'c'; there are: a, b"):
        timeline_of(told, ["c"])
    with pytest.raises(OptionError, match="nothing was run"):
        run_of([], None)


def test_the_usual_rate_is_what_was_offered_or_what_came_before_the_event() -> None:
    """An outage does not make it less."""
    rates = {track.label: (track.in_packets, track.usual) for track in timeline_of(mixed()).tracks}
    assert (True, 1000.0) == rates["dark"]
    assert (False, 11_760_000.0) == rates["tcp"]
    assert (False, None) == rates["silent"]


def test_many_intervals_become_the_least_of_neighbours() -> None:
    """One dark interval of a thousand is not lost; what is not known is not zero."""
    pieces = [Piece(float(at), at + 1.0, 0.0 if at == 500 else 9.0) for at in range(1000)]
    drawn = list(lowest(pieces, 300))
    assert [9.0, 0.0, 9.0, 9.0] == [one.rate for one in drawn]
    assert (0.0, 1000.0) == (drawn[0].begin_s, drawn[-1].end_s)
    assert [Piece(0.0, 2.0, None)] == list(
        lowest([Piece(0.0, 1.0, None), Piece(1.0, 2.0, None)], 2)
    )
