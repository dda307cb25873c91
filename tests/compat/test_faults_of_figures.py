"""Faults 4 to 8 of the old package, in what it read, counted and kept: none of them comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import replay

if TYPE_CHECKING:
    from pyperf2 import LossEvent, StreamResult

CONNECTED = "[  1] local 10.0.0.1 port 5001 connected with 10.0.0.2 port 40000"
PPS = 1000


def recorded(*rows: tuple[float, float, int, int], **options: Any) -> StreamResult:
    """Return the stream of a 2.1.8 server with ``-e`` that printed (start, end, lost, total)…

    A datagram is 1470 bytes; the last row is the final line.
    """
    lines = [CONNECTED]
    for start, end, lost, total in rows:
        got = total - lost
        size, rate = got * 1470 / 1024, got * 1470 * 8 / 1000 / max(end - start, 1e-9)
        latency = "0.005/0.001/0.020/0.002" if total else "-/-/-/-"
        lines.append(
            f"[  1] {start:.4f}-{end:.4f} sec  {size:.4g} KBytes  {rate:.4g} Kbits/sec   0.001 ms "
            f"{lost}/{total} (1%) {latency} ms {got} pps {got}/0(0) pkts 299000"
        )
    options = {"report_interval": 1, "version": "2.1.8", **options}
    result = replay(lines, **options)
    assert () == result.notices
    return result.streams["1"]


def only_event(stream: StreamResult) -> LossEvent:
    """Return the one event of a stream; it is closed."""
    (event,) = stream.loss_events
    assert "stable" == event.status
    assert event.end is not None
    return event


# --- 1: the life of a process -------------------------------------------------------------


def test_fault_4_the_summary_of_one_interval_is_no_second_one() -> None:
    """101 lost are 101."""
    stream = recorded((0, 1, 101, 1001), (0, 1.0002, 101, 1002))
    assert 1 == len(stream.intervals)
    assert 101 == stream.packets_lost
    assert 101 == only_event(stream).packets_lost_confirmed


def test_fault_4_an_event_open_at_the_end_is_closed() -> None:
    """``event_end`` is set when the stream ends."""
    event = only_event(recorded((0, 1, 0, 1000), (1, 2, 7, 1000), (0, 2.0002, 7, 2001)))
    assert (1, 2) == (event.begin, event.end)
    assert 2 == event.to_dict()["event_end"]


@pytest.mark.parametrize("counter", [None, True])
@pytest.mark.parametrize("bandwidth", ["", "1000pps"])
def test_fault_5_an_outage_over_a_border_is_counted_once(
    counter: bool | None,  # noqa: FBT001 - the option's own values
    bandwidth: str,
) -> None:
    """499 stay 499, and 901 stay 901, however the losses are looked at."""
    for lost, before in ((499, 750), (901, 450)):
        total = 1000 - before + 1000
        stream = recorded(
            (0, 1, 0, 1000), (1, 2, 0, before), (2, 3, lost, total), (3, 4, 0, 1000),
            (0, 4.0002, lost, 4001),
            use_iperf_loss_counter=counter, bandwidth=bandwidth,
        )  # fmt: skip
        assert lost == stream.packets_lost
        event = only_event(stream)
        assert lost == event.packets_lost_confirmed
        assert lost == event.to_dict()["total_packets_lost_since_event_start"]


def test_fault_5_an_outage_of_more_than_an_interval() -> None:
    """1.5 s in the recommended mode: told live as dark, in the end with its true count."""
    stream = recorded(
        (0, 1, 0, 1000), (1, 2, 0, 500), (2, 3, 0, 0), (3, 4, 1500, 2500), (4, 5, 0, 1000),
        (0, 5.0002, 1500, 5001), bandwidth="1000pps",
    )  # fmt: skip
    event = only_event(stream)
    assert 1500 == stream.packets_lost == event.packets_lost_confirmed
    assert event.end == 4


def test_fault_5_an_outage_until_the_end() -> None:
    """1750 are missing: known about at once, and exactly with the client's own count."""
    rows = ((0, 1, 0, 1000), (1, 2, 0, 250), (2, 3, 0, 0), (0, 3.0, 0, 1250))
    event = only_event(recorded(*rows, bandwidth="1000pps"))
    assert pytest.approx(1750, abs=2) == event.to_dict()["total_packets_lost_since_event_start"]
    assert event.estimated


def test_fault_5_each_event_counts_for_itself() -> None:
    """What was lost before, in an event that is closed, is not taken off or added."""
    stream = recorded(
        (0, 1, 0, 1000), (1, 2, 30, 1000), (2, 3, 0, 1000), (3, 4, 5, 1000), (4, 5, 0, 1000),
        (0, 5.0002, 35, 5001),
    )  # fmt: skip
    told = [(e.event_number, e.begin, e.end, e.packets_lost_confirmed) for e in stream.loss_events]
    assert [(0, 1, 2, 30), (1, 3, 4, 5)] == told


# --- 6: streams, late datagrams, TCP --------------------------------------------------------


def test_fault_6_each_stream_has_its_own_baseline() -> None:
    """One of 1000 a second and one of 100: neither is measured by the other."""
    slow = CONNECTED.replace("[  1]", "[  2]").replace("40000", "40001")
    lines = [CONNECTED, slow]
    for second in range(3):
        for label, count in ((1, 1000), (2, 100)):
            lines.append(
                f"[  {label}] {second}.0000-{second + 1}.0000 sec  {count * 1.4355:.3g} KBytes  "
                f"{count * 11.76:.4g} Kbits/sec   0.001 ms 0/{count} (0%)"
            )
    result = replay(lines, report_interval=1, use_iperf_loss_counter=False, version="2.1.8")
    assert [(), ()] == [result.streams[key].loss_events for key in "12"]


def test_fault_6_late_datagrams_are_given_back() -> None:
    """Ten that are late are not lost."""
    rows = ("0/1000", 1000), ("10/1000", 990), ("0/1000", 1010)
    lines = [CONNECTED] + [
        f"[  1] {second}.0000-{second + 1}.0000 sec  {count * 1.4355:.4g} KBytes  11.8 Mbits/sec   "
        f"0.001 ms {lost} (1%) 0.005/0.001/0.020/0.002 ms {count} pps {count}/0/0 299130"
        for second, (lost, count) in enumerate(rows)
    ]
    late = "[  1] 2.0000-3.0000 sec  10 datagrams received out-of-order"
    end = "[  1] 0.0000-3.0002 sec  4.21 MBytes  11.8 Mbits/sec   0.001 ms 0/3001 (0%)"
    lines += [late, end, late.replace("2.0000-3.0000", "0.0000-3.0002")]
    stream = replay(lines, report_interval=1, version="2.2.1").streams["1"]
    assert stream.packets_lost is not None
    assert stream.packets_lost_error is not None
    # iperf does not tell a late one from a second copy: what it proves lost is nothing.
    assert 0 == stream.packets_lost - stream.packets_lost_error
    assert 10 == (stream.packets_out_of_order or 0) + (stream.packets_duplicate or 0)


def test_fault_6_a_silent_tcp_stream_raises_an_event() -> None:
    """A second without a byte is a stall."""
    rows = ["1.25 MBytes  10.5 Mbits/sec", "0.000 Bytes  0.000 bits/sec"]
    lines = [CONNECTED] + [
        f"[  1] {second}.0000-{second + 1}.0000 sec  {rows[second == 1]}" for second in range(4)
    ]
    stream = replay(lines, protocol="tcp", report_interval=1, version="2.1.8").streams["1"]
    event = only_event(stream)
    assert ("stall", 1, 2) == (event.kind, event.begin, event.end)


# --- 7: what builds print -------------------------------------------------------------------


def test_fault_7_2_0_5_is_understood() -> None:
    """One decimal, blanks within the interval, the socket as id."""
    stream = replay(
        ["[  3] local 10.0.0.1 port 5001 connected with 10.0.0.2 port 40000",
         "[ ID] Interval       Transfer     Bandwidth        Jitter   Lost/Total Datagrams",
         "[  3]  0.0- 1.0 sec  1.26 MBytes  10.6 Mbits/sec   0.008 ms  100/ 1000 (10%)",
         "[  3]  1.0- 2.0 sec  1.40 MBytes  11.8 Mbits/sec   0.008 ms    0/ 1000 (0%)",
         "[  3]  0.0- 2.0 sec  2.66 MBytes  11.2 Mbits/sec   0.008 ms  100/ 2000 (5%)"],
        version="2.0.5", report_interval=1,
    ).streams["3"]  # fmt: skip
    assert [(100, 1000), (0, 1000)] == [(i.lost_packets, i.packets) for i in stream.intervals]
    assert stream.summary is not None
    assert 2000 == stream.summary.packets


@pytest.mark.parametrize(
    ("version", "columns", "expected"),
    [
        ("2.0.13a", "17081/0   0    1119K/4527 us  7564.03", (17081, 0, 1119 * 1024, 4527, None)),
        ("2.0.14a", "13454/0          0      364K/36 us  48980879.89",
         (13454, 0, 364 * 1024, 36, None)),
        ("2.1.8", "10/0          3     1151K/1639(3084) us  800", (10, 3, 1151 * 1024, 1639, 3084)),
        ("2.2.1", "11/0/0         2       63K(1)/1151K(18)/76(32) us  17023",
         (11, 2, 1151 * 1024, 76, 32)),
    ],
)  # fmt: skip
def test_fault_7_a_tcp_clients_columns(
    version: str, columns: str, expected: tuple[int, int, int, int, int | None]
) -> None:
    """cwnd, rtt and var whole, in each version's own form."""
    line = f"[  1] 0.0000-1.0000 sec  1.25 MBytes  10.5 Mbits/sec  {columns}"
    lines = [CONNECTED, line, line.replace("0.0000-1.0000", "1.0000-2.0000")]
    result = replay(lines, role="client", protocol="tcp", version=version, report_interval=1)
    first = result.streams["1"].intervals[0]
    assert expected == (
        first.writes, first.retransmits, first.snd_cwnd_bytes, first.rtt_us, first.rttvar_us
    )  # fmt: skip
    assert () == result.notices
    assert first.netpower is not None


def test_fault_7_a_2_2_sender_and_net_pwr() -> None:
    """``1000/0/0`` are writes, errors and time-outs; NetPwr of the receiver is a number."""
    head = "[  1] 0.0000-1.0000 sec  1.40 MBytes  11.8 Mbits/sec  "
    loss = "0.001 ms 3/1003 (0.3%) 0.005/0.001/0.020/0.002 ms 1000 pps 1000/0/0 299130"
    writes = "1000/0/0     1000 pps"
    sent = replay([CONNECTED, head + writes], role="client", version="2.2.1", report_interval=1)
    got = replay([CONNECTED, head + loss], role="server", version="2.2.1", report_interval=1)
    (first,) = sent.streams["1"].intervals
    assert (1000, 0, 1000) == (first.writes, first.write_errors, first.packets_per_second)
    (first,) = got.streams["1"].intervals
    assert (3, 1003, 1000, 299130) == (
        first.lost_packets, first.packets, first.packets_received, first.netpower
    )  # fmt: skip


def test_fault_7_sums_reports_and_late_counts_are_kept() -> None:
    """``[SUM]``, the Server Report, out-of-order lines: each has its place."""
    client = replay(
        [CONNECTED,
         "[  1] 0.0000-1.0000 sec  1.40 MBytes  11.8 Mbits/sec  1000/0     1000 pps",
         "[SUM] 0.0000-1.0000 sec  2.80 MBytes  23.5 Mbits/sec  2000/0     2000 pps",
         "[  1] 0.0000-1.0011 sec  1.41 MBytes  11.8 Mbits/sec  1002/0     1000 pps",
         "[  1] Sent 1004 datagrams",
         "[  1] Server Report:",
         "[  1] 0.0000-1.0010 sec  1.40 MBytes  11.7 Mbits/sec   0.000 ms 5/1003 (0.5%)",
         "[  1] 0.0000-1.0010 sec  2 datagrams received out-of-order"],
        role="client", version="2.1.8", report_interval=1,
    )  # fmt: skip
    assert {"1", "SUM"} == set(client.streams)
    report = client.streams["1"].server_report
    assert report is not None
    assert (5, 1003, 2) == (report.lost_packets, report.packets, report.out_of_order)
    assert 1004 == client.streams["1"].datagrams_sent
    assert () == client.notices


# --- 8: the rest ----------------------------------------------------------------------------


def test_fault_8_history_is_bounded_if_asked() -> None:
    """With ``history`` memory does not grow, and the totals stay exact."""
    rows = [(float(n), n + 1.0, 1, PPS) for n in range(500)]
    stream = recorded(*rows, (0, 500.0002, 500, 500 * PPS + 1), history=10)
    assert (10, 500, 500) == (len(stream.intervals), stream.interval_count, stream.packets_lost)
