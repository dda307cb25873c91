"""Each kind of report line, as each version prints it: the figures one reads with the eye."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2.core.records import ServerReport
from tests.parsers.columns_tcp import TCP
from tests.parsers.columns_udp import UDP
from tests.parsers.corpus import read_text, reports

if TYPE_CHECKING:
    from pyperf2.core.records import Report

CASES = [*TCP, *UDP]


@pytest.mark.parametrize(
    ("how", "line", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_columns(how: dict[str, Any], line: str, expected: dict[str, Any]) -> None:
    """Each column of the line stands in its own field, in base units."""
    report = reports(read_text(line, **how))[0]
    found = {name: getattr(report, name) for name in expected}
    expected = dict(expected)
    details = expected.pop("details", None)
    if details is not None:
        assert details == found.pop("details")
    assert expected == pytest.approx(found)


@pytest.mark.parametrize("line", [c[2] for c in CASES], ids=[c[0] for c in CASES])
def test_no_figure_is_infinite_or_not_a_number(line: str) -> None:
    """What iperf prints as nan or inf is None here: results stay valid JSON."""
    for report in reports(read_text(line)):
        for name in report.__dataclass_fields__:
            value = getattr(report, name)
            assert not isinstance(value, float) or math.isfinite(value), name


def total_of(*lines: str) -> Report:
    """Return the sum's report among lines."""
    return next(r for r in reports(read_text("\n".join(lines))) if r.stream_id == "SUM")


def test_sum_of_a_2_0_13_receiver_is_no_loss() -> None:
    """2.0.13a prints Write/Err in the sum of its receivers: ``0/0  900 pps`` says nothing."""
    total = total_of(
        "[  3] 0.00-1.00 sec   435 KBytes  3.56 Mbits/sec   0.001 ms    0/  301 (0%)"
        "  0.003/ 0.001/ 0.006/ 0.001 ms  302 pps  172582.14",
        "[SUM] 0.00-1.00 sec  1.27 MBytes  10.6 Mbits/sec  0/0      900 pps",
    )
    assert (None, None, None) == (total.lost_packets, total.packets, total.writes)
    assert 900.0 == total.packets_per_second


def test_sum_of_a_2_1_8_receiver_is_loss() -> None:
    """2.1.8 prints lost/total there, under a heading that says Write/Err."""
    total = total_of(
        "[  3] 0.0000-1.0000 sec   434 KBytes  3.55 Mbits/sec   0.003 ms 1/303 (0.33%)"
        " 0.004/0.002/0.039/0.003 ms 302 pps 302/0(0) pkts 112005",
        "[ ID] Interval            Transfer     Bandwidth      Write/Err  PPS",
        "[SUM] 0.0000-1.0000 sec  1.27 MBytes  10.7 Mbits/sec  102/903      806 pps",
    )
    assert (102, 903, None) == (total.lost_packets, total.packets, total.writes)
    assert "received" == total.direction


def test_the_servers_report_keeps_no_made_up_columns() -> None:
    """2.2.1: ``1000 pps 1000/0(0) pkts 0/0/0`` is printed for any 3 s test."""
    *_, report = read_text(
        "[  1] Server Report:\n"
        "[  1] 0.0000-3.0014 sec  4.21 MBytes  11.8 Mbits/sec   0.000 ms 12/3002 (0%)"
        " 0.006/0.001/0.015/0.002 ms 1000 pps 1000/0(0) pkts 0/0/0 264960",
        role="client",
    )
    assert isinstance(report, ServerReport)
    assert (12, 3002, None) == (report.lost_packets, report.packets, report.packets_received)
    assert "reads" not in report.details
