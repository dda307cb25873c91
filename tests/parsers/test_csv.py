"""CSV of every version gives the records that text would."""

from __future__ import annotations

from typing import Any

import pytest

from pyperf2.core.records import Connected, Notice, Sent, ServerReport
from tests.parsers.corpus import (
    VERSIONS,
    intervals,
    output,
    outputs,
    read,
    read_text,
    reports,
    summaries,
)

CSV = sorted({source.scenario for source in outputs() if "-y" in source.argv})


@pytest.mark.parametrize("scenario", CSV)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("side", ["client", "server"])
def test_every_field(version: str, scenario: str, side: Any) -> None:
    """Bytes, rate, loss and reordering of each row equal its fields."""
    source = output(version, scenario, side)
    for report in reports(read(source)):
        fields = source.lines[report.arrived.monotonic_ns][2].split(",")
        if len(fields) == 1:
            continue  # 2.0.14a prints its server's report as text
        if ":" in fields[0]:
            fields[6:8] = [f"{fields[6]}-{fields[7]}"]
        start, end = fields[6].split("-")
        assert (float(start), float(end)) == (report.start, report.end)
        assert (int(fields[7]), float(fields[8])) == (report.bytes, report.bits_per_second)
        assert fields[5].replace("-1", "SUM") == report.stream_id.removeprefix("*")
        if report.direction == "received" and len(fields) > 9:
            assert [int(fields[10]), int(fields[11]), int(fields[13])] == [
                report.lost_packets,
                report.packets,
                report.out_of_order,
            ]
        elif report.direction == "sent":
            assert report.lost_packets is None
            assert report.jitter_ms is None


@pytest.mark.parametrize("version", VERSIONS)
def test_both_ends_agree_on_addresses(version: str) -> None:
    """From 2.0.14a on a server's row begins with the client; local stays local."""
    for side in ("client", "server"):
        records = read(output(version, "csv_udp_loss10", side))
        (connected,) = (r for r in records if isinstance(r, Connected))
        assert ("10.77.0.1" if side == "server" else "10.77.0.2") == connected.local_ip


@pytest.mark.parametrize("version", VERSIONS)
def test_loss(version: str) -> None:
    """The summary's loss is what was dropped."""
    source = output(version, "csv_udp_loss10", "server")
    (summary,) = summaries(read(source))
    assert abs((summary.lost_packets or 0) - source.truth["dropped_data_datagrams"]) <= 1
    assert len(intervals(read(source))) in {2, 3, 4}


def test_the_old_client_prints_the_report_as_a_row() -> None:
    """2.0.13a: addresses swapped, 14 fields."""
    records = read(output("2.0.13a", "csv_udp_P2", "client"))
    assert [("4", 1), ("3", 0)] == [
        (r.stream_id, r.lost_packets) for r in records if isinstance(r, ServerReport)
    ]


def test_text_among_rows() -> None:
    """2.0.14a prints Sent and the report in text."""
    records = read(output("2.0.14a", "csv_udp_loss10", "client"))
    assert [3004] == [r.datagrams for r in records if isinstance(r, Sent)]
    assert [298] == [r.lost_packets for r in records if isinstance(r, ServerReport)]


def test_enhanced_rows() -> None:
    """2.2.1 -e names its columns; reads and writes have fields of their own."""
    (summary,) = summaries(read(output("2.2.1", "csv_udp_e", "server")))
    assert 2003 == summary.packets_received
    assert {"reads": 2003, "read_timeouts": 0, "reads_truncated": 0} == dict(summary.details)
    (summary,) = summaries(read(output("2.2.1", "csv_udp_e", "client")))
    assert (2002, 0, None) == (summary.writes, summary.write_errors, summary.jitter_ms)


@pytest.mark.parametrize(
    "row",
    [
        "20261120083933,10.77.0.1,x,10.77.0.2,33884,3,0.0-1.0,1311240,10489920",
        "20261120083933,10.77.0.1,1,10.77.0.2,33884,3,0.0:1.0,1311240,10489920",
        "20261120083933,10.77.0.1,1,10.77.0.2,33884,3,nan-1.0,1311240,10489920",
        "20261120083933,10.77.0.1,1,10.77.0.2,33884,3,0.0-1.0,,",
    ],
)
def test_a_broken_row_is_a_notice(row: str) -> None:
    """A row that is none does not raise."""
    (notice,) = read_text(row, csv=True)
    assert isinstance(notice, Notice)
    assert "unknown-line" == notice.kind
