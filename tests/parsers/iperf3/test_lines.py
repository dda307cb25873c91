"""Each kind of report line, as each version prints it: the figures one reads with the eye."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pyperf2.core.messages import message
from pyperf2.core.records import Interval, Notice, Report, ServerReport, Summary
from tests.parsers.iperf3.recorded import of, read_text

if TYPE_CHECKING:
    from tests.parsers.iperf3.recorded import Side

TCP_TX = "[ ID] Interval           Transfer     Bitrate         Retr  Cwnd"
TCP_RX = "[ ID] Interval           Transfer     Bitrate"
UDP_TX = "[ ID] Interval           Transfer     Bitrate         Total Datagrams"
UDP_RX = "[ ID] Interval           Transfer     Bitrate         Jitter    Lost/Total Datagrams"
ROLE_TCP = "[ ID][Role] Interval           Transfer     Bitrate         Retr  Cwnd"
ROLE_UDP = (
    "[ ID][Role] Interval           Transfer     Bitrate         Jitter    Lost/Total Datagrams"
)

# (what it is, role, heading, line, kind, what it says)
CASES: list[tuple[str, Side, str, str, type[Report], dict[str, Any]]] = [
    (
        "3.22 TCP sender",
        "client",
        TCP_TX,
        "[  4]   0.00-1.00   sec  1.49 GBytes  12.8 Gbits/sec  5743    351 KBytes       ",
        Interval,
        {
            "stream_id": "4",
            "start": 0.0,
            "end": 1.0,
            "protocol": "tcp",
            "direction": "sent",
            "bytes": round(1.49 * 2**30),
            "bits_per_second": 12.8e9,
            "transfer": 1.49,
            "transfer_unit": "GBytes",
            "bandwidth": 12.8,
            "bandwidth_unit": "Gbits/sec",
            "retransmits": 5743,
            "cwnd": 351,
            "snd_cwnd_bytes": 351 * 1024,
            "omitted": False,
        },
    ),
    (
        "3.22 TCP sender, a window of megabytes",
        "client",
        TCP_TX,
        "[  4]   0.00-1.00   sec  1.37 GBytes  11.7 Gbits/sec  915   2.80 MBytes       ",
        Interval,
        {"retransmits": 915, "cwnd": 2867, "snd_cwnd_bytes": round(2.80 * 2**20)},
    ),
    (
        "3.22 TCP sender, sum",
        "client",
        TCP_TX,
        "[SUM]   0.00-1.00   sec  4.36 GBytes  37.3 Gbits/sec  39805             ",
        Interval,
        {"stream_id": "SUM", "retransmits": 39805, "cwnd": None, "direction": "sent"},
    ),
    (
        "3.22 TCP sender, omitted",
        "client",
        TCP_TX,
        "[  4]   0.00-1.00   sec  1.53 GBytes  13.2 Gbits/sec  4478    337 KBytes       (omitted)",
        Interval,
        {"omitted": True, "retransmits": 4478},
    ),
    (
        "3.22 TCP receiver",
        "server",
        TCP_RX,
        "[  5]   0.00-1.00   sec  1.49 GBytes  12.8 Gbits/sec                  ",
        Interval,
        {"protocol": "tcp", "direction": "received", "retransmits": None},
    ),
    (
        "3.22 TCP server that sends",
        "server",
        TCP_TX,
        "[  5]   0.00-3.00   sec  5.84 GBytes  16.7 Gbits/sec  7745            sender",
        Summary,
        {"direction": "sent", "retransmits": 7745},
    ),
    (
        "3.22 the server's view at a client",
        "client",
        TCP_TX,
        "[  4]   0.00-3.00   sec  5.28 GBytes  15.1 Gbits/sec                  receiver",
        ServerReport,
        {"direction": "received", "stream_id": "4"},
    ),
    (
        "3.22 UDP sender",
        "client",
        UDP_TX,
        "[  4]   0.00-1.00   sec  1.19 MBytes  10.0 Mbits/sec  1001  ",
        Interval,
        {"protocol": "udp", "direction": "sent", "writes": 1001, "packets": 1001},
    ),
    (
        "3.22 UDP receiver",
        "server",
        UDP_RX,
        "[  5]   0.00-1.00   sec  1.08 MBytes  9.07 Mbits/sec  0.004 ms  93/1000 (9.3%)  ",
        Interval,
        {"jitter_ms": 0.004, "lost_packets": 93, "packets": 1000, "packets_received": None},
    ),
    (
        "3.18 a late datagram",
        "server",
        UDP_RX,
        "[  5]   1.00-2.00   sec  1.19 MBytes  10.0 Mbits/sec  0.028 ms  -1/998 (-0.1%)  ",
        Interval,
        {"lost_packets": -1, "packets": 998},
    ),
    (
        "3.18 duplicates",
        "server",
        UDP_RX,
        "[  5]   1.00-2.00   sec   189 KBytes  1.55 Mbits/sec  0.028 ms  -60/100 (-60%)  ",
        Interval,
        {"lost_packets": -60, "packets": 100},
    ),
    (
        "3.22 UDP summary of a sender: 0/N is no loss",
        "client",
        UDP_RX,
        "[  4]   0.00-3.00   sec  3.58 MBytes  10.0 Mbits/sec  0.000 ms  0/3000 (0%)  sender",
        Summary,
        {"writes": 3000, "packets": 3000, "lost_packets": None, "jitter_ms": None},
    ),
    (
        "3.22 the server's loss at a client",
        "client",
        UDP_RX,
        "[  5]   0.00-3.00   sec  3.22 MBytes  9.00 Mbits/sec  0.008 ms  299/3001 (10%)  receiver",
        ServerReport,
        {"lost_packets": 299, "packets": 3001, "jitter_ms": 0.008, "writes": None},
    ),
    (
        "3.18 the other side's count is missing",
        "client",
        UDP_RX,
        "[  5]   0.00-3.00   sec  3.22 MBytes  9.00 Mbits/sec  0.012 ms  Unknown/3001  receiver",
        ServerReport,
        {"lost_packets": None, "packets": 3001},
    ),
    (
        "3.12 no number",
        "server",
        UDP_RX,
        "[  5]   3.00-3.00   sec  0.00 Bytes  -nan bits/sec  -nan ms  0/0 (-nan%)  ",
        Interval,
        {"bytes": 0, "bits_per_second": None, "jitter_ms": None, "lost_packets": 0, "packets": 0},
    ),
    (
        "3.22 --bidir, TCP client sends",
        "client",
        ROLE_TCP,
        "[  4][TX-C]   0.00-1.00   sec  1.51 GBytes  13.0 Gbits/sec  180   2.07 MBytes       ",
        Interval,
        {"stream_id": "4", "direction": "sent", "retransmits": 180},
    ),
    (
        "3.22 --bidir, TCP client receives",
        "client",
        ROLE_TCP,
        "[  6][RX-C]   0.00-1.00   sec  1.93 GBytes  16.6 Gbits/sec                  ",
        Interval,
        {"stream_id": "6", "direction": "received"},
    ),
    (
        "3.22 --bidir, UDP server sends: no jitter under Jitter",
        "server",
        ROLE_UDP,
        "[  6][TX-S]   0.00-1.00   sec  1.19 MBytes  10.0 Mbits/sec            1001  ",
        Interval,
        {"direction": "sent", "writes": 1001, "protocol": "udp", "jitter_ms": None},
    ),
    (
        "3.22 --bidir, the server's count at the client",
        "client",
        ROLE_UDP,
        "[  6][RX-C]   0.00-3.00   sec  3.58 MBytes  10.0 Mbits/sec  0.000 ms  0/3002 (0%)  sender",
        ServerReport,
        {"stream_id": "6", "direction": "sent", "writes": 3002},
    ),
    (
        "3.9 --bidir -P 2, sum",
        "server",
        ROLE_TCP,
        "[SUM][TX-S]   0.00-1.00   sec  2.15 GBytes  18.5 Gbits/sec  44027             ",
        Interval,
        {"stream_id": "SUM-TX", "direction": "sent", "retransmits": 44027},
    ),
    (
        "3.12 -f M",
        "server",
        UDP_RX,
        "[  5]   0.00-1.00   sec  1.19 MBytes  1.19 MBytes/sec  0.005 ms  0/1000 (0%)  ",
        Interval,
        {"bits_per_second": pytest.approx(1.19 * 2**20 * 8), "bandwidth_unit": "MBytes/sec"},
    ),
    (
        "a title with brackets",
        "client",
        UDP_TX,
        "run [2]: x:  [  4]   0.00-1.00   sec  1.19 MBytes  10.0 Mbits/sec  1001  ",
        Interval,
        {"stream_id": "4", "writes": 1001},
    ),
]


@pytest.mark.parametrize(
    ("role", "heading", "line", "kind", "told"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_report_lines(
    role: Side, heading: str, line: str, kind: type[Report], told: dict[str, Any]
) -> None:
    """One line, one report; nothing is left over."""
    records = read_text(f"{heading}\n{line}", role=role)
    (report,) = of(Report, records)
    assert kind is type(report)
    assert told == {name: getattr(report, name) for name in told}
    assert [] == of(Notice, records)


def test_old_scripts_find_their_keys() -> None:
    """What an iperf3 sender wrote are its datagrams; a receiver's keys are all there."""
    sent = read_text(f"{UDP_TX}\n{CASES[7][3]}", role="client")
    told = message(of(Interval, sent)[0])
    assert 1001 == told["packets_written"]
    assert 1001 == told["packets"]
    assert None is told["packets_error"]
    received = read_text(f"{UDP_RX}\n{CASES[8][3]}")
    told = message(of(Interval, received)[0])
    assert (93, 907, 1000) == (
        told["packets_lost"],
        told["packets_received"],
        told["packets_total"],
    )
    assert (0.004, "ms") == (told["jitter"], told["jitter_unit"])
    tcp = message(of(Interval, read_text(f"{TCP_TX}\n{CASES[0][3]}", role="client"))[0])
    assert (5743, 351, 351 * 1024) == (tcp["retry"], tcp["cwnd"], tcp["snd_cwnd"])


@pytest.mark.parametrize(
    ("line", "kind", "level"),
    [
        ("iperf3: error - the server is busy running a test. try again later", "busy", "error"),
        ("iperf3: SERVER ERROR - unable to bind to device", "bind-failed", "error"),
        ("iperf3: error - received an unknown control message", "iperf", "error"),
        ("iperf3: error - unable to set TCP_CONGESTION: Supplied …", "bad-value", "error"),
        ("iperf3: parameter error - bad TOS value (must be …)", "bad-value", "error"),
        ("iperf3: error - test authorization failed", "iperf", "error"),
        (
            "iperf3: interrupt - the server has terminated by signal Interrupt(2)",
            "iperf",
            "warning",
        ),
        ("iperf3: the client has terminated", "reset", "warning"),
        ("iperf3: OUT OF ORDER - incoming packet = 7", "warning", "warning"),
        ("WARNING: Size of data read does not correspond", "warning", "warning"),
        ("double free or corruption (fasttop)", "crashed", "error"),
        ("who knows", "unknown-line", "info"),
    ],
)
def test_remarks(line: str, kind: str, level: str) -> None:
    """Wordings that no recording holds."""
    assert [(kind, level)] == [(n.kind, n.level) for n in of(Notice, read_text(line))]


@pytest.mark.parametrize(
    "line",
    [
        "[  5]   0.00-1.00   sec",
        "[  5]   x-1.00   sec  1.19 MBytes  10.0 Mbits/sec",
        "[  5]   0.00-1e99   sec  1.19 MBytes  10.0 Mbits/sec",
        "[  5]   0.00-1.00   sec  1.19 Furlongs  10.0 Mbits/sec",
        "[  5] what is this",
        "[5000000000] 0.00-1.00 sec  1.19 MBytes  10.0 Mbits/sec",
        "Server listening on the moon",
        "Server listening on 0xff",
    ],
)
def test_lines_no_sane_grammar_matches(line: str) -> None:
    """They are notices."""
    assert ["unknown-line"] == [n.kind for n in of(Notice, read_text(line))]


def test_unread_columns_are_told() -> None:
    """What could be read is a record; that there was more is a notice."""
    line = "[  5]   0.00-1.00   sec  1.19 MBytes  10.0 Mbits/sec  something new"
    records = read_text(line)
    assert 1 == len(of(Interval, records))
    assert ["unknown-line"] == [n.kind for n in of(Notice, records)]
