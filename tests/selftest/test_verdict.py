"""What is told beside what is true: where it agrees, and what misses by how much."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from pyperf2 import OptionError
from pyperf2.selftest import Plan, Report
from pyperf2.selftest.plan import LENGTHS_MS, lasts_s
from pyperf2.selftest.report import SCHEMA
from pyperf2.selftest.table import text_of
from tests.selftest.samples import LOST, TRUTH, found, outage, played, report, stream


def test_what_is_told_exactly_is_met() -> None:
    """One flow, one outage of 200 ms: counts equal, begin, end and length in the brackets."""
    findings = found(played(stream(outage())))
    assert [] == findings.misses
    (spell,) = findings.spells
    assert ("200 ms", LOST, LOST, True) == (
        spell.scenario,
        spell.dropped,
        spell.lost,
        spell.inside,
    )
    # It was cut at 1.0005 s; the last datagram before that came at 1.0 s.
    assert pytest.approx(-0.0005, abs=1e-6) == spell.begin_error_s
    assert pytest.approx(-0.0005, abs=1e-6) == spell.end_error_s
    assert 0.0 == spell.length_error_s


@pytest.mark.parametrize("off", [1, -1])
def test_one_datagram_too_many_or_too_few_is_a_miss_that_is_named(off: int) -> None:
    """The miss names run, flow, what was lost and what was told."""
    told = report(played(stream(outage(lost=LOST + off))))
    assert "not met" == told.verdict
    said = "\n".join(map(str, told.misses))
    assert f"run 1, flow 1, outages: lost: {LOST} is true, {LOST + off} ±0 is told" in said
    assert "not met" in text_of(told)
    assert said.splitlines()[0] in text_of(told)


def test_blackouts_that_took_nothing_are_a_miss() -> None:
    """Nothing lost, nothing told: no figure was proven, and a broken lab must not be met."""
    whole = replace(TRUTH, lost=0, gaps=())
    told = report(played(stream(), stream(), truth=whole))
    assert "not met" == told.verdict
    (miss,) = told.misses
    said = "run 1, outages: 1 blackouts took no datagram: there is nothing to compare"
    assert said == str(miss)


def test_an_outage_that_is_not_told_is_a_miss() -> None:
    """Nothing told where 200 were lost: the count is wrong, and the row shows 0 of 200."""
    told = report(played(stream()))
    assert any("outages are not told" in miss.text for miss in told.misses)
    (row,) = told.rows
    assert (0, LOST, 1, 0) == (row.lost, row.dropped, row.outages, row.inside)


def test_a_flow_that_is_not_told_at_all_is_a_miss() -> None:
    """The receiver printed nothing of it."""
    (miss,) = found(played(None)).misses
    assert "run 1, flow 1, outages: its receiver told nothing of it" == str(miss)


@pytest.mark.parametrize(("shift_ms", "met"), [(1.4, True), (3.0, False), (-4.0, False)])
def test_times_may_be_off_by_a_packet_and_what_is_documented(shift_ms: float, met: bool) -> None:  # noqa: FBT001 - a row of the table
    """1.5 ms, and 0.5 ms more on the wall clock; the miss says by how much."""
    findings = found(played(stream(outage(shift_ms / 1000))))
    assert met == (not findings.misses)
    if not met:
        assert f"begin off by {shift_ms:+.2f} ms" in "\n".join(map(str, findings.misses))


def test_a_length_is_held_against_the_time_between_the_changes() -> None:
    """Told as 205 ms where it was dark for 200 ms; the count beside it is right."""
    findings = found(played(stream(outage(duration_s=0.205))))
    assert "its length is off by +4.90 ms, where ±1.10 is allowed" in "\n".join(
        map(str, findings.misses)
    )


def test_a_suspect_outage_is_counted_and_named_and_its_times_are_no_miss() -> None:
    """The library says itself that the sender stalled; its count is held against the link's."""
    told = report(played(stream(outage(0.02, suspect=True))))
    assert "met" == told.verdict
    (row,) = told.rows
    assert (1, 1, None) == (row.outages, row.suspect, row.begin)
    assert "run 1, flow 1, 200 ms: its sender's own report shows that it stalled" in text_of(told)


def test_an_uneven_sender_widens_what_is_allowed_and_is_named() -> None:
    """The capture shows it: 3 ms off its pace at an edge, or with what was lost there."""
    (gap,) = TRUTH.gaps
    truth = replace(TRUTH, gaps=(replace(gap, uneven_s=0.003),))
    told = report(played(stream(outage(0.003)), truth=truth))
    assert "met" == told.verdict
    (suspect,) = told.suspects
    assert "its sender was off its pace by 3.00 ms" == suspect.suspect
    lost_early = replace(TRUTH, gaps=(replace(gap, lost_uneven_s=0.003),))
    assert [1] == [len(report(played(stream(outage()), truth=lost_early)).suspects)]


def test_flows_together_are_held_against_the_same_instants() -> None:
    """Two flows agree on a common begin and end; where one is far off, their bars do not meet."""
    (joint,) = found(played(stream(outage()), stream(outage(0.0005)))).joints
    assert (2, True) == (joint.flows, joint.inside)
    apart = found(played(stream(outage()), stream(outage(0.01))))
    assert [False] == [one.inside for one in apart.joints]
    assert "2 flows have no begin in common" in "\n".join(map(str, apart.misses))


def test_loss_where_none_was_is_a_miss() -> None:
    """A flow that nothing was taken of, and one datagram told as lost."""
    truth = replace(TRUTH, lost=0, gaps=())
    assert [] == found(played(stream(), kind="clean", truth=truth)).misses
    (total,) = found(played(stream(packets_lost=1), kind="clean", truth=truth)).totals
    assert (0, 1) == (total.dropped, total.lost)
    assert found(played(stream(packets_lost=1), kind="clean", truth=truth)).misses


def test_a_report_goes_to_json_and_back() -> None:
    """Nothing is lost on the way; rows and verdict are in there for readers."""
    told = report(played(stream(outage(0.01)), stream(outage())), notes=("a note",))
    data = json.loads(json.dumps(told.to_dict()))
    assert told == Report.from_dict(data)
    assert (SCHEMA, "not met") == (data["schema"], data["verdict"])
    assert ["200 ms"] == [row["scenario"] for row in data["rows"]]
    assert {"median_s", "largest_s"} == set(data["rows"][0]["length"])
    for damage, words in (
        ({"schema": "other"}, "schema 'other' is not known"),
        ({"spells": [{}]}, r"report\.spells\[0\]: run, flow, .* is not there"),
        ({"tool": "iperf"}, r"report\.tool: 'iperf' stands where one of 'iperf2', 'iperf3' has to"),
        ({"seed": 1.5}, r"report\.seed: 1\.5 stands where a whole number has to be"),
    ):
        with pytest.raises(OptionError, match=words):
            Report.from_dict({**data, **damage})


def test_the_fields_of_the_json_are_those_that_were_promised() -> None:
    """Schema 1: whoever reads it finds these names."""
    data = report(played(stream(outage()))).to_dict()
    assert {
        "schema", "verdict", "rows", "pyperf2", "tool", "iperf", "path", "kernel", "cores", "seed",
        "flows", "runs", "done", "interrupted", "scenarios", "spells", "totals", "joints",
        "misses", "notes",
    } == set(data)  # fmt: skip
    assert {
        "run", "flow", "scenario", "dropped", "lost", "method", "inside", "begin_error_s",
        "end_error_s", "length_error_s", "suspect",
    } == set(data["spells"][0])  # fmt: skip


def test_an_interrupted_test_is_not_met() -> None:
    """What was measured may be right; that is not the whole test."""
    told = report(played(stream(outage())), interrupted=True, runs=3)
    assert "interrupted" == told.verdict
    assert "interrupted: 1 of 3 runs were measured" in text_of(told)
    assert "\nmet" not in text_of(told)


def test_a_plan_has_as_many_outages_of_each_length_as_asked_for() -> None:
    """In runs of at most 20, never two at a time, the same for the same seed."""
    runs = Plan(outages=9, seed=7).runs()
    assert [9] * 5 == [
        sum(cut.length_ms == length for run in runs for cut in run) for length in LENGTHS_MS
    ]
    for run in runs:
        assert len(run) <= 20
        for before, after in pairwise(run):
            assert after.at_s - before.at_s >= before.length_ms / 1000 + 0.45
        assert lasts_s(run) < 20
    assert runs == Plan(outages=9, seed=7).runs()
    assert runs != Plan(outages=9, seed=8).runs()
