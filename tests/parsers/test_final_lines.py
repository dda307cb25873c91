"""The final line is told from an interval in every case; directions and ids are right."""

from __future__ import annotations

from typing import Any

import pytest

from pyperf2.core.records import Connected, Interval, Notice, Sent, ServerReport, Summary
from tests.parsers.corpus import intervals, output, read, read_text, reports, summaries

ONE = "[  3] {}-{} sec  1.40 MBytes  11.8 Mbits/sec   0.001 ms 0/1000 (0%)"


def kinds(text: str, **how: Any) -> list[str]:
    """Return ``Interval 0-1`` and so on for each report."""
    return [
        f"{type(r).__name__} {r.stream_id} {r.start:g}-{r.end:g}"
        for r in reports(read_text(text, **how))
    ]


def lines(*bounds: tuple[str, str]) -> str:
    """Return lines of one stream with these bounds."""
    return "\n".join(ONE.format(*pair) for pair in bounds)


def test_a_normal_run() -> None:
    """Intervals, then the line from 0."""
    text = lines(("0.0000", "1.0000"), ("1.0000", "2.0000"), ("0.0000", "2.0014"))
    assert ["Interval 3 0-1", "Interval 3 1-2", "Summary 3 0-2.0014"] == kinds(text)


def test_one_interval_printed_twice() -> None:
    """≥2.0.14a: two lines with the same bounds are an interval and a summary, 101 lost is 101."""
    assert ["Interval 3 0-1", "Summary 3 0-1"] == kinds(
        lines(("0.0000", "1.0000"), ("0.0000", "1.0000"))
    )


@pytest.mark.parametrize("end", ["0.7", "1.0"])
def test_one_interval_printed_once(end: str) -> None:
    """2.0.5 and 2.0.13a: one line is both."""
    found = reports(read_text(lines((" 0.0", f" {end}"))))
    assert [Interval, Summary] == [type(r) for r in found]
    assert found[0].bytes == found[1].bytes


def test_a_single_line_longer_than_the_interval_is_only_the_summary() -> None:
    """2.0.5 without a complete interval, ``-n`` tests, sums at the end of ``-d``."""
    assert ["Summary 3 0-3"] == kinds(lines((" 0.0", " 3.0")))


@pytest.mark.parametrize("interval", [0, None])
def test_without_intervals_the_only_line_is_the_summary(interval: float | None) -> None:
    """No ``-i``: one Summary, no Interval; the same where the interval is unknown."""
    assert ["Summary 3 0-2"] == kinds(lines(("0.0", "2.0")), report_interval=interval)


def test_an_unknown_interval_holds_the_first_line_back() -> None:
    """The second line tells what the first one was; what belongs to it waits with it."""
    text = f"""
{ONE.format("0.0000", "1.0000")}
[  3] 0.0000-1.0000 sec  2 datagrams received out-of-order
{ONE.format("1.0000", "2.0000")}
{ONE.format("0.0000", "2.0014")}
"""
    found = read_text(text, report_interval=None)
    assert ["Interval", "OutOfOrder", "Interval", "Summary"] == [type(r).__name__ for r in found]


def test_2_0_13_leaves_its_last_interval_out() -> None:
    """Intervals 0-1, 1-2, then 0-3."""
    text = lines(("0.00", "1.00"), ("1.00", "2.00"), ("0.00", "3.00"))
    assert ["Interval 3 0-1", "Interval 3 1-2", "Summary 3 0-3"] == kinds(text)


def test_short_tails_and_early_stops() -> None:
    """2.0.14a prints the last millisecond, 2.1.8 a real part; both are intervals."""
    text = lines(("0.0000", "1.0000"), ("1.0000", "1.4983"), ("0.0000", "1.4983"))
    assert ["Interval 3 0-1", "Interval 3 1-1.4983", "Summary 3 0-1.4983"] == kinds(text)


def test_a_final_line_that_ends_before_the_last_interval() -> None:
    """2.2.1 [ *1] 2.0000-3.0000, then 0.0000-2.9995."""
    text = lines(("0.0000", "1.0000"), ("1.0000", "2.0000"), ("0.0000", "1.9995"))
    assert "Summary 3 0-1.9995" == kinds(text)[-1]


def test_ids_used_again_without_a_final_line() -> None:
    """A line from 0 that cannot be the sum of the others begins a stream."""
    text = lines(
        ("0.0000", "1.0000"), ("1.0000", "2.0000"), ("2.0000", "3.0000"), ("0.0000", "1.0000")
    )
    assert ["Interval 3#2 0-1", "Summary 3#2 0-1"] == kinds(text)[-2:]


def test_intervals_that_round_to_nothing() -> None:
    """2.2.5 -i 0.005 prints 0.00-0.01 and again 0.00-0.01: no summaries."""
    text = lines(("0.00", "0.01"), ("0.00", "0.01"), ("0.01", "0.01"), ("0.00", "0.30"))
    found = kinds(text, report_interval=0.005)
    assert ["Interval", "Interval", "Interval", "Summary"] == [k.split()[0] for k in found]


def test_2_0_5_raises_the_interval_to_half_a_second() -> None:
    """-i 0.1 is read as 0.5: the first line is no summary."""
    text = lines((" 0.0", " 0.5"), (" 0.5", " 1.0"), (" 0.0", " 1.0"))
    found = kinds(text, report_interval=0.1)
    assert ["Interval", "Interval", "Summary"] == [k.split()[0] for k in found]


def test_bursts_all_start_at_0() -> None:
    """2.1.8 --burst-size: each burst is an interval, the final line has other columns."""
    records = read(output("2.1.8", "tcp_burst", "server"))
    assert (6, 1) == (len(intervals(records)), len(summaries(records)))
    assert 3.0004 == summaries(records)[0].end


def test_three_clients_under_one_id() -> None:
    """2.0.14a: ids 3, 4, 3 for three clients; the last is ``3#2``."""
    records = read(output("2.0.14a", "udp_seq3", "server"))
    assert ["3", "4", "3#2"] == [r.stream_id for r in records if isinstance(r, Connected)]
    assert ["3", "4", "3#2"] == [s.stream_id for s in summaries(records)]


def test_a_connected_line_that_comes_late() -> None:
    """With -i 0.01 the first interval stands before it; it is the same stream."""
    records = read(output("2.0.14a", "udp_i0.01", "client"))
    assert {"3"} == {i.stream_id for i in intervals(records)}


def test_both_halves_under_one_id() -> None:
    """2.0.14a --full-duplex: the half against the connection is ``*3``, as in newer builds."""
    records = read(output("2.0.14a", "tcp_fd_e", "client"))
    assert {"3": "sent", "*3": "received", "FD3": "sent"} == {
        s.stream_id: s.direction for s in summaries(records)
    }


@pytest.mark.parametrize(
    ("version", "scenario", "side", "directions"),
    [
        ("2.1.8", "tcp_R", "client", {"*1": "received"}),
        ("2.1.8", "tcp_R", "server", {"1": "sent"}),
        ("2.0.14a", "tcp_R", "client", {"3": "received"}),
        ("2.1.8", "udp_R", "server", {"1": "sent"}),
        ("2.2.1", "udp_R_e", "client", {"*1": "received"}),
        ("2.1.8", "tcp_fd", "client", {"1": "sent", "*1": "received"}),
        ("2.1.8", "tcp_fd", "server", {"1": "received", "*1": "sent"}),
        ("2.0.13a", "tcp_d", "server", {"4": "received", "6": "sent"}),
        ("2.0.13a", "tcp_d", "client", {"4": "sent", "5": "received"}),
        ("2.0.13a", "tcp_r", "server", {"4": "received", "4#2": "sent"}),
        ("2.0.13a", "tcp_r", "client", {"4": "sent", "4#2": "received"}),
        ("2.0.13a", "udp_d", "server", {"3": "received", "5": "sent"}),
        ("2.1.8", "tcp_r", "client", {"1": "sent", "2": "received"}),
        ("2.1.8", "udp_r", "server", {"1": "received", "*2": "sent"}),
    ],
)
def test_directions(version: str, scenario: str, side: Any, directions: dict[str, str]) -> None:
    """Who sends is told by columns, by the role, by the ports, by (reverse) and by the star."""
    records = read(output(version, scenario, side))
    found = {r.stream_id: r.direction for r in intervals(records)}
    assert directions == {k: v for k, v in found.items() if not k.startswith(("SUM", "FD"))}


def test_sent_names_the_sending_half() -> None:
    """2.1.8 server: ``[  1] Sent`` of a full-duplex test means ``[ *1]``."""
    records = read(output("2.1.8", "udp_fd", "server"))
    assert [("*1", 3003)] == [(r.stream_id, r.datagrams) for r in records if isinstance(r, Sent)]


def test_server_reports_of_a_dual_test() -> None:
    """2.1.8 -d: the server's sending half gets a report from the client."""
    records = read(output("2.1.8", "udp_d", "server"))
    assert [("*2", 0, 3002)] == [
        (r.stream_id, r.lost_packets, r.packets) for r in records if isinstance(r, ServerReport)
    ]


def test_the_report_of_an_old_server_follows_at_once() -> None:
    """2.0.5 prints no heading between ``Server Report:`` and the report."""
    text = """
[  3] local 10.77.0.2 port 42315 connected with 10.77.0.1 port 22010
[  3]  0.0- 1.0 sec   123 KBytes  1.01 Mbits/sec
[  3]  1.0- 2.0 sec   122 KBytes  1000 Kbits/sec
[  3]  0.0- 3.0 sec   369 KBytes  1.00 Mbits/sec
[  3] Sent 257 datagrams
[  3] Server Report:
[  3]  0.0- 3.0 sec   369 KBytes  1.00 Mbits/sec   0.013 ms    0/  257 (0%)
[  3]  0.0- 3.0 sec  1 datagrams received out-of-order
"""
    found = read_text(text, role="client")
    assert [
        "Connected", "Interval", "Interval", "Summary", "Sent", "ServerReport", "OutOfOrder",
    ] == [type(r).__name__ for r in found]  # fmt: skip


def test_a_short_client_run_has_its_summary_before_sent() -> None:
    """2.0.13a -n: one line of 0.7 s, then Sent: the summary does not wait for the end."""
    names = [type(r).__name__ for r in read(output("2.0.13a", "udp_n", "client"))]
    assert ["Connected", "Interval", "Summary", "Sent", "ServerReport"] == names


def test_a_refused_connection_is_no_stream() -> None:
    """2.1.8 says ``local 0.0.0.0 port 0 connected with`` of it."""
    records = read(output("2.1.8", "err_refused_tcp_e", "client"))
    assert ["refused"] == [r.kind for r in records if isinstance(r, Notice)]
    assert 1 == len(records)


def test_connected_flags() -> None:
    """Everything in brackets is kept; peer, connect time and first number have own fields."""
    (connected,) = read_text(
        "[  1] local fd77::2%h2vc port 59862 connected with fd77::1 port 22380 (trip-times)"
        " (sock=3) (peer 2.2.2-master) (icwnd/mss/irtt=14/1448/37) (ct=0.10 ms) (seq no=2)"
        " on 2026-11-20 08:55:38.145 (UTC)"
    )
    assert isinstance(connected, Connected)
    assert (
        "fd77::2",
        "h2vc",
        "fd77::1",
        22380,
        "2.2.2-master",
        0.10,
        2,
        ("trip-times", "sock=3", "icwnd/mss/irtt=14/1448/37"),
    ) == (
        connected.local_ip,
        connected.interface,
        connected.remote_ip,
        connected.remote_port,
        connected.peer_version,
        connected.connect_time_ms,
        connected.first_sequence,
        connected.flags,
    )


@pytest.mark.parametrize(
    ("line", "local"),
    [
        ("[  1] local *.*.*.1 port 5001 connected with *.*.*.2 port 33662", "*.*.*.1"),
        ("(null)local 10.0.0.1%eth0 port 5001 connected with 10.0.0.2 port 4 (sock=4)", "10.0.0.1"),
    ],
)
def test_odd_connected_lines(line: str, local: str) -> None:
    """--hide-ips, and the 2.1.8 server that prints ``(null)`` for its id."""
    (connected,) = read_text(line)
    assert isinstance(connected, Connected)
    assert local == connected.local_ip
