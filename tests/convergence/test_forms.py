"""The report as JSON, CSV, JUnit XML and text: complete, readable again, well-formed."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2.convergence import ConvergenceReport
from tests.convergence.samples import EVENT_S, flow, outage, report, stamp

FULL = report(
    flow("a", outage(0.002, 20), earlier=(outage(-5.0, 3),), packets_duplicate=2),
    flow("b", outage(0.002, 50, suspect=True)),
    flow("c", outage(0.0, 300, complete=False, method="open")),
    flow("t", outage(0.1, 0, method="rate", duration_s=0.2), protocol="tcp", packets_lost=None),
    flow("n", status="no data", packets_lost=None, zero_at=None, samples=()),
    runs=2,
    marks=(stamp("bgp up", at_s=0.25),),
    steps=(stamp("start", at_s=-3, wide_s=0.5),),
    notes=("mind the step",),
    environment=("iperf2 2.1.8",),
    error="recovery: it was aborted",
)


def test_json_reads_back_to_the_same_report() -> None:
    """Everything: bounds, stamps, samples, errors."""
    assert FULL == ConvergenceReport.from_json(FULL.to_json())
    assert ConvergenceReport.of([]) == ConvergenceReport.from_json(
        ConvergenceReport.of([]).to_json()
    )


def test_json_has_the_figures_and_open_traffic_generator_s_names() -> None:
    """Who reads it needs neither this library nor its arithmetic."""
    told = json.loads(report(flow("a", outage(0.002, 20)), flow("b")).to_json())
    (run,) = told["runs"]
    assert run["summary"]["full_convergence_s"]["value"] == pytest.approx(0.022, abs=1e-6)
    assert (2, 1, []) == (
        run["summary"]["flows"], run["summary"]["flows_hit"], run["summary"]["never_recovered"],
    )  # fmt: skip
    metric, untouched = run["convergence_metrics"]
    assert ("a", "rx") == (metric["name"], metric["port_rx"])
    assert metric["data_plane_convergence_us"] == pytest.approx(20_000)
    assert metric["control_plane_data_plane_convergence_us"] == pytest.approx(22_000, abs=1)
    below, above = metric["events"]
    assert "flow_rx_rate_below_threshold" == below["type"]
    assert "flow_rx_rate_above_threshold" == above["type"]
    assert below["begin_timestamp_ns"] <= (EVENT_S + 0.002) * 1e9 <= below["end_timestamp_ns"]
    assert untouched["data_plane_convergence_us"] is None
    (flow_metric, _) = run["flow_metrics"]
    assert (10_000, 9_980, 0.2) == (
        flow_metric["frames_tx"], flow_metric["frames_rx"], flow_metric["loss"],
    )  # fmt: skip


def test_csv_has_a_line_per_run_and_flow() -> None:
    """With a head; None is empty."""
    rows = list(csv.DictReader(io.StringIO(FULL.to_csv())))
    assert 10 == len(rows)
    assert ["a", "b", "c", "t", "n"] == [row["flow"] for row in rows[:5]]
    assert ("20", "0", "1") == (rows[0]["packets_lost"], rows[0]["suspect"], rows[1]["suspect"])
    assert float(rows[0]["loss_of_connectivity_s"]) == pytest.approx(0.02)
    assert float(rows[0]["loss_of_connectivity_error_s"]) == pytest.approx(0.001)
    assert ("never recovered", "") == (rows[2]["status"], rows[2]["convergence_s"])
    assert "" == rows[3]["packets_lost"]


def test_csv_of_outages_has_a_line_for_each() -> None:
    """Those before the event too, told apart."""
    rows = list(csv.DictReader(io.StringIO(FULL.to_csv(outages=True))))
    assert 2 * 5 == len(rows)
    assert [("a", "0"), ("a", "1")] == [(row["flow"], row["since_event"]) for row in rows[:2]]
    assert ("open", "0", "") == (rows[3]["method"], rows[3]["complete"], rows[3]["end_at"])


def test_junit_fails_where_a_limit_is_not_kept_for_certain() -> None:
    """A case per flow; violated and undecided are failures of different types."""
    told = report(flow("a", outage(0.0, 100)), flow("b", outage(0.0, 50)), flow("c"))
    root = ET.fromstring(told.to_junit(told.check(max_outage_ms=50)))  # noqa: S314 - our own
    (suite,) = root
    assert ("3", "2", "0") == tuple(suite.get(key) for key in ("tests", "failures", "errors"))
    kinds = [
        None if (failure := case.find("failure")) is None else failure.get("type")
        for case in suite.iter("testcase")
    ]
    assert ["failed", "undecided", None] == kinds
    assert "full convergence time" in (suite.findtext("system-out") or "")


def test_junit_without_a_verdict_fails_what_never_recovered() -> None:
    """And tells why a run was broken off."""
    root = ET.fromstring(FULL.to_junit())  # noqa: S314 - our own
    assert ["2", "2"] == [suite.get("failures") for suite in root]
    assert 2 == len(list(root.iter("error")))


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
def test_any_name_makes_well_formed_xml_and_csv(name: str) -> None:
    """Names are escaped; what XML cannot hold is replaced."""
    told = report(flow(name, outage(0.0, 5), receiver=name), error=name)
    ET.fromstring(told.to_junit())  # noqa: S314 - our own
    assert 2 == len(list(csv.reader(io.StringIO(told.to_csv(), newline=""))))


def test_the_table_tells_everything_to_a_person() -> None:
    """Flows, bars, marks, the common figures, who never recovered, what broke it off."""
    told = FULL.text()
    for words in (
        "run 1 of 2: event 'cut' at 2026-01-02 03:04:05.000+00:00 ±0.0 ms",
        "broken off: recovery: it was aborted",
        "+250.0 ms: bgp up",
        "flows hit: 4 of 5",
        "first route convergence time: 22.0 ±1.5 ms",
        "full convergence time: - ms",
        "suspect: the sender stalled",
        "never recovered: c at rx, n at rx",
        "mind the step",
        "over 2 runs",
    ):
        assert words in told
    (row,) = {line for line in told.splitlines() if line.startswith("a  ")}
    assert row.split()[:5] == ["a", "rx", "recovered", "20", "1"]
    assert "20.0 ±1.0" in row


def test_what_happened_is_told_in_its_order_from_the_event_s_instant_on() -> None:
    """The same offsets as on the picture and the page: 0 is the middle of the event's stamp."""
    told = report(
        flow("a"),
        events=(stamp("cut", wide_s=0.1), stamp("mend", at_s=0.3)),
        marks=(stamp("noticed", at_s=0.2), stamp("ready", at_s=-0.5)),
    )
    lines = [line.strip() for line in told.text().splitlines()[1:4]]
    assert ["-500.0 ms: ready", "+200.0 ms: noticed", "+300.0 ms: mend"] == lines


def test_statistics_say_of_how_many_runs_they_are() -> None:
    """A run whose flows never recovered has no full convergence time: it is not passed over."""
    good = report(flow("a", outage(0.0, 20)))
    dark = report(flow("a", outage(0.0, 20, complete=False, method="open")))
    told = ConvergenceReport.of([*good.runs, *good.runs, *dark.runs]).text()
    assert "  full convergence, ms (2 of 3 runs): min 20.0 ±1.5," in told
    assert "  packets lost, datagrams: min 20.0," in told
