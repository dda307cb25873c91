"""Each kind of report line, as each version prints it: the figures one reads with the eye."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2.core.records import ServerReport
from tests.parsers.corpus import read_text, reports

if TYPE_CHECKING:
    from pyperf2.core.records import Report

# (what it is, how it was printed, the line, what it says)
CASES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "2.0.5 UDP server",
        {},
        "[  3]  0.0- 1.0 sec   122 KBytes  1000 Kbits/sec   0.008 ms    0/   85 (0%)",
        {
            "stream_id": "3",
            "start": 0.0,
            "end": 1.0,
            "bytes": 124928,
            "bits_per_second": 1e6,
            "transfer": 122.0,
            "transfer_unit": "KBytes",
            "bandwidth": 1000.0,
            "bandwidth_unit": "Kbits/sec",
            "jitter_ms": 0.008,
            "lost_packets": 0,
            "packets": 85,
            "packets_received": None,
            "direction": "received",
            "protocol": "udp",
        },
    ),
    (
        "2.0.5 TCP client",
        {"role": "client", "protocol": "tcp"},
        "[  3]  0.0- 1.0 sec  2.06 GBytes  17.7 Gbits/sec",
        {"bytes": 2211908157, "bits_per_second": 17.7e9, "direction": "sent", "jitter_ms": None},
    ),
    (
        "2.0.13a UDP server -e",
        {},
        (
            "[  3] 0.00-1.00 sec  1.29 MBytes  10.8 Mbits/sec   0.004 ms   93/ 1011 (9.2%)"
            "  0.007/ 0.001/ 0.227/ 0.014 ms  918 pps  202385.93"
        ),
        {
            "lost_packets": 93,
            "packets": 1011,
            "latency_mean_ms": 0.007,
            "latency_min_ms": 0.001,
            "latency_max_ms": 0.227,
            "latency_stdev_ms": 0.014,
            "packets_per_second": 918.0,
            "netpower": 202385.93,
            "packets_received": None,
        },
    ),
    (
        "2.0.14a UDP server -e",
        {},
        (
            "[  3] 0.0000-1.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.000 ms    0/ 1002 (0%)"
            "  0.003/ 0.002/ 0.018/ 0.001 ms 1002 pps 4.34 Byte 499150.00"
        ),
        {
            "packets_per_second": 1002.0,
            "netpower": 499150.0,
            "details": {"in_progress_bytes": 4.34},
        },
    ),
    (
        "2.1.8 UDP server -e",
        {},
        (
            "[  1] 0.0000-1.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.003 ms 503/1001 (50%)"
            " 0.002/0.001/0.040/0.002 ms 1004 pps 498/1(3) pkts 599732"
        ),
        {
            "lost_packets": 503,
            "packets": 1001,
            "packets_received": 498,
            "packets_per_second": 1004.0,
            "netpower": 599732.0,
            "details": {"in_progress_packets": 1, "in_progress_packets_bracketed": 3},
        },
    ),
    (
        "2.2.1 UDP server -e",
        {},
        (
            "[  1] 0.0000-1.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.001 ms 0/1000 (0%)"
            " 0.004/0.002/0.015/0.002 ms 1000 pps 1000/2/1 366401"
        ),
        {
            "packets_received": 1000,
            "netpower": 366401.0,
            "details": {"reads": 1000, "read_timeouts": 2, "reads_truncated": 1},
        },
    ),
    (
        "2.2.5 UDP server -e --trip-times",
        {},
        (
            "[  1] 0.00-1.00 sec  1.40 MBytes  11.7 Mbits/sec   0.001 ms 8/1007 (0.80%)"
            " 0.008/0.002/0.281/0.010 ms 1001 pps 999/0(0) pkts 1000/0/0 185327"
        ),
        {
            "lost_packets": 8,
            "packets_received": 999,
            "netpower": 185327.0,
            "details": {
                "in_progress_packets": 0,
                "in_progress_packets_bracketed": 0,
                "reads": 1000,
                "read_timeouts": 0,
                "reads_truncated": 0,
            },
        },
    ),
    (
        "2.2.1 UDP server -e, nothing arrived",
        {},
        (
            "[  1] 2.0000-3.0000 sec  0.000 Bytes  0.000 bits/sec   0.000 ms 0/0 (0%) -/-/-/- ms"
            " 0 pps 0/2/0"
        ),
        {
            "bytes": 0,
            "bits_per_second": 0.0,
            "packets": 0,
            "packets_received": 0,
            "latency_mean_ms": None,
            "latency_stdev_ms": None,
        },
    ),
    (
        "2.1.8 UDP server, nothing arrived",
        {},
        "[  1] 2.0000-3.0000 sec  0.000 Bytes  0.000 bits/sec  31.331 ms 0/0 (-nan%)",
        {"lost_packets": 0, "packets": 0, "jitter_ms": 31.331},
    ),
    (
        "2.0.13a isochronous UDP server -e",
        {},
        (
            "[  3] 0.00-1.00 sec  2.41 MBytes  20.2 Mbits/sec   0.001 ms    0/ 1761 (0%)"
            "  0.002/ 0.001/ 0.022/ 0.002 ms 1761 pps  1092886.62   62/0"
        ),
        {"netpower": 1092886.62, "details": {"frames_received": 62, "frames_lost": 0}},
    ),
    (
        "2.1.8 isochronous UDP server --trip-times",
        {},
        (
            "[  1] 0.0000-1.0000 sec  2.39 MBytes  20.0 Mbits/sec   0.001 ms 0/1741 (0%)"
            " 0.003/0.001/0.389/0.010 ms 1769 pps   61/0  0.261/0.139/0.485/0.060 ms 807976"
        ),
        {
            "latency_max_ms": 0.389,
            "netpower": 807976.0,
            "packets_received": None,
            "details": {
                "frames_received": 61,
                "frames_lost": 0,
                "frame_latency_mean_ms": 0.261,
                "frame_latency_min_ms": 0.139,
                "frame_latency_max_ms": 0.485,
                "frame_latency_stdev_ms": 0.060,
            },
        },
    ),
    (
        "2.0.13a UDP client -e",
        {"role": "client"},
        "[  3] 0.00-1.00 sec  1.40 MBytes  11.8 Mbits/sec  1001/7     1001 pps",
        {"writes": 1001, "write_errors": 7, "packets_per_second": 1001.0, "direction": "sent"},
    ),
    (
        "2.2.1 UDP client -e",
        {"role": "client"},
        "[  1] 0.0000-1.0000 sec  1.40 MBytes  11.8 Mbits/sec  1000/3/2    1000 pps",
        {
            "writes": 1000,
            "write_errors": 3,
            "packets_per_second": 1000.0,
            "lost_packets": None,
            "details": {"write_timeouts": 2},
        },
    ),
    (
        "2.2.1 isochronous UDP client",
        {"role": "client"},
        "[  1] 0.0000-1.0000 sec  124 KBytes  1.01 Mbits/sec  88/0      88 pps    4/38/2",
        {"writes": 88, "details": {"frames_sent": 4, "frames_missed": 38, "frames_slipped": 2}},
    ),
    (
        "2.0.13a TCP client -e",
        {"role": "client", "protocol": "tcp"},
        (
            "[  3] 0.00-1.00 sec  1.09 GBytes  9.36 Gbits/sec  17081/0         17     1119K/123 us"
            "  7564.03"
        ),
        {
            "writes": 17081,
            "write_errors": 0,
            "retransmits": 17,
            "cwnd": 1119,
            "snd_cwnd_bytes": 1119 * 1024,
            "rtt_us": 123,
            "rttvar_us": None,
            "netpower": 7564.03,
        },
    ),
    (
        "2.0.13a TCP client -e, four-digit round-trip time",
        {"role": "client", "protocol": "tcp"},
        (
            "[  3] 0.00-1.00 sec  7.50 MBytes  62.9 Mbits/sec  60/0          0      103K/4527 us"
            "  1586.51"
        ),
        {"cwnd": 103, "rtt_us": 4527, "rttvar_us": None},
    ),
    (
        "2.0.13a TCP client -e, no window",
        {"role": "client", "protocol": "tcp"},
        (
            "[  3] 0.00-3.00 sec  1.78 GBytes  5.10 Gbits/sec  47348/0      28712       -1K/135 us"
            "  4718134.34"
        ),
        {"cwnd": None, "snd_cwnd_bytes": None, "rtt_us": 135, "retransmits": 28712},
    ),
    (
        "2.0.14a TCP client -e, the summary that sampled nothing",
        {"role": "client", "protocol": "tcp"},
        "[  3] 0.0000-3.0000 sec  6.49 GBytes  18.6 Gbits/sec  0/0          0       NA/0 us  0.00",
        {"writes": None, "retransmits": None, "cwnd": None, "rtt_us": None, "netpower": None},
    ),
    (
        "2.1.8 TCP client -e",
        {"role": "client", "protocol": "tcp"},
        (
            "[  1] 0.0000-1.0000 sec  2.37 GBytes  20.4 Gbits/sec  19412/0      11156"
            "      410K/37(17) us  68766749"
        ),
        {
            "retransmits": 11156,
            "cwnd": 410,
            "snd_cwnd_bytes": 419840,
            "rtt_us": 37,
            "rttvar_us": 17,
            "netpower": 68766749.0,
        },
    ),
    (
        "2.2.1 TCP client -e: the window is the second column",
        {"role": "client", "protocol": "tcp"},
        (
            "[  1] 0.0000-1.0000 sec  2.24 GBytes  19.3 Gbits/sec  18378/0      5132"
            "        63K(45)/1151K(818)/32(11) us  75272194"
        ),
        {
            "cwnd": 1151,
            "snd_cwnd_bytes": 1151 * 1024,
            "rtt_us": 32,
            "rttvar_us": 11,
            "netpower": 75272194.0,
            "details": {
                "in_flight_bytes": 63 * 1024,
                "in_flight_packets": 45,
                "cwnd_packets": 818,
            },
        },
    ),
    (
        "2.1.8 TCP client --tcp-write-times",
        {"role": "client", "protocol": "tcp"},
        (
            "[  1] 0.0000-1.0000 sec  7.50 MBytes  62.9 Mbits/sec  60/0          0"
            "       45K/4026 us  1953  18.024/0.006/123.989/43.431 ms (60)"
        ),
        {
            "cwnd": 45,
            "rtt_us": 4026,
            "netpower": 1953.0,
            "details": {
                "write_time_mean_ms": 18.024,
                "write_time_min_ms": 0.006,
                "write_time_max_ms": 123.989,
                "write_time_stdev_ms": 43.431,
                "write_time_count": 60,
            },
        },
    ),
    (
        "2.2.1 isochronous TCP client",
        {"role": "client", "protocol": "tcp"},
        (
            "[  1] 0.0000-1.0000 sec  2.38 MBytes  20.0 Mbits/sec  61/0        0"
            "      302K(214)/23(2) us         61/1/2       108697"
        ),
        {
            "cwnd": 302,
            "rtt_us": 23,
            "rttvar_us": 2,
            "netpower": 108697.0,
            "details": {
                "cwnd_packets": 214,
                "frames_sent": 61,
                "frames_missed": 1,
                "frames_slipped": 2,
            },
        },
    ),
    (
        "2.0.13a TCP server -e",
        {"protocol": "tcp"},
        (
            "[  4] 0.00-1.00 sec  1.05 GBytes  9.02 Gbits/sec  26143"
            "    801:57:13:10339:6000:36:23:8874"
        ),
        {
            "direction": "received",
            "details": {
                "reads": 26143,
                "read_distribution": (801, 57, 13, 10339, 6000, 36, 23, 8874),
            },
        },
    ),
    (
        "2.2.1 TCP server -e, whose last interval repeats all reads",
        {"protocol": "tcp"},
        "[  1] 2.0000-3.0001 sec  1.95 KBytes  16.0 Kbits/sec  60=20:0:0:0:0:0:0:0",
        {
            "details": {
                "reads": 20,
                "reads_printed": 60,
                "read_distribution": (20, 0, 0, 0, 0, 0, 0, 0),
            },
        },
    ),
    (
        "2.1.8 TCP server --trip-times",
        {"protocol": "tcp"},
        (
            "[  1] 0.0000-1.0000 sec  2.00 GBytes  17.2 Gbits/sec  0.450/0.022/4.801/0.844 ms"
            " (16395/131072)  945 KByte 4774063  3=1:2:0:0:0:0:0:0"
        ),
        {
            "latency_mean_ms": 0.450,
            "latency_max_ms": 4.801,
            "netpower": 4774063.0,
            "details": {
                "burst_count": 16395,
                "burst_size": 131072,
                "in_progress_bytes": 945 * 1024.0,
                "reads": 3,
                "read_distribution": (1, 2, 0, 0, 0, 0, 0, 0),
            },
        },
    ),
    (
        "2.1.8 TCP server, power not a number",
        {"protocol": "tcp"},
        (
            "[  1] 0.0000-1.0000 sec  2.38 MBytes  20.0 Mbits/sec  0.000/0.000/0.000/0.000 ms (0/0)"
            " NAN  62=2:1:59:0:0:0:0:0"
        ),
        {"netpower": None, "latency_mean_ms": 0.0},
    ),
    (
        "2.1.8 TCP server --burst-size",
        {"protocol": "tcp"},
        (
            "[  1] 0.0000-0.5005 sec   256 KBytes  4.19 Mbits/sec   0.195 ms (0.039%)"
            "    3=0:1:0:0:0:1:0:1  2686"
        ),
        {
            "jitter_ms": None,
            "netpower": 2686.0,
            "details": {
                "burst_transfer_ms": 0.195,
                "burst_duty_cycle_percent": 0.039,
                "reads": 3,
                "read_distribution": (0, 1, 0, 0, 0, 1, 0, 1),
            },
        },
    ),
    (
        "2.1.8 bounceback client",
        {"role": "client", "protocol": "tcp"},
        (
            "[  1] 0.0000-1.0000 sec  1.95 KBytes  16.0 Kbits/sec    10=0.068/0.023/0.212/0.053 ms"
            "    2   28K/31 us    14599 rps"
        ),
        {
            "retransmits": 2,
            "cwnd": 28,
            "rtt_us": 31,
            "details": {
                "bounceback_count": 10,
                "bounceback_mean_ms": 0.068,
                "bounceback_min_ms": 0.023,
                "bounceback_max_ms": 0.212,
                "bounceback_stdev_ms": 0.053,
                "responses_per_second": 14599.0,
            },
        },
    ),
    (
        "2.2.5 bounceback client, final line",
        {"role": "client", "protocol": "tcp"},
        (
            "[  1] 0.00-3.01 sec  5.86 KBytes  15.9 Kbits/sec    30=0.058/0.019/0.412/0.078 ms    0"
            "   -(-)/-(-)    Tx=2.93 KByte Rx=1000 Byte  RPS=17351"
        ),
        {
            "cwnd": None,
            "rtt_us": None,
            "details": {
                "bounceback_count": 30,
                "bounceback_mean_ms": 0.058,
                "bounceback_min_ms": 0.019,
                "bounceback_max_ms": 0.412,
                "bounceback_stdev_ms": 0.078,
                "request_bytes": 3000,
                "reply_bytes": 1000,
                "responses_per_second": 17351.0,
            },
        },
    ),
    (
        "2.1.8 -f K",
        {},
        "[  1] 0.0000-1.0000 sec  1437 KBytes  1437 KBytes/sec   0.001 ms 0/1001 (0%)",
        {"bytes": 1437 * 1024, "bits_per_second": 1437 * 1024 * 8, "bandwidth_unit": "KBytes/sec"},
    ),
    (
        "2.2.5 --omit",
        {"role": "client", "protocol": "tcp"},
        "[  1] 0.00-1.00 sec  1.84 GBytes  15.8 Gbits/sec  (omit)",
        {"omitted": True, "bits_per_second": 15.8e9},
    ),
    (
        "2.1.8 sum of receivers",
        {},
        "[SUM] 0.0000-1.0000 sec  1.27 MBytes  10.6 Mbits/sec   2/906 (0.22%)",
        {"stream_id": "SUM", "lost_packets": 2, "packets": 906, "jitter_ms": None},
    ),
    (
        "2.0.5 sum of receivers: no loss at all",
        {},
        "[SUM]  0.0- 1.0 sec  1.26 MBytes  10.6 Mbits/sec",
        {"stream_id": "SUM", "lost_packets": None, "packets": None},
    ),
    (
        "2.2.1 sum of receivers -e --trip-times",
        {},
        (
            "[SUM-2] 0.0000-1.0000 sec   861 KBytes  7.06 Mbits/sec  1/600 (0%)"
            "  0.003/0.002/0.058  599/0       602 pps"
        ),
        {
            "stream_id": "SUM",
            "lost_packets": 1,
            "packets": 600,
            "packets_received": 599,
            "packets_per_second": 602.0,
            "latency_max_ms": 0.058,
            "latency_stdev_ms": None,
        },
    ),
    (
        "2.2.1 sum of senders -e",
        {"role": "client"},
        "[SUM-3] 0.0000-1.0000 sec  1.26 MBytes  10.6 Mbits/sec  900/1      900 pps",
        {"stream_id": "SUM", "writes": 900, "write_errors": 1, "lost_packets": None},
    ),
    (
        "2.1.8 sum of TCP senders -e",
        {"role": "client", "protocol": "tcp"},
        "[SUM] 0.0000-1.0000 sec  3.58 GBytes  30.8 Gbits/sec  29339/0      9665",
        {"writes": 29339, "retransmits": 9665},
    ),
    (
        "2.1.8 full duplex, both halves",
        {},
        "[FD1] 0.0000-1.0000 sec  2.81 MBytes  23.5 Mbits/sec 2001    2003 pps",
        {"stream_id": "FD1", "packets_per_second": 2003.0, "details": {"datagrams": 2001}},
    ),
    (
        "2.0.14a report of a 2.0.5 server",
        {},
        "[  3] 0.0000-1961.0003 sec  15.1 PBytes  69.5 Tbits/sec  5131.072 ms    0/    0 (-nan%)",
        {"bytes": round(15.1 * 2**50), "bits_per_second": 69.5e12},
    ),
    (
        "2.0.13a and 2.1.8 together: the FIN taken for data",
        {},
        (
            "[  3] 0.00-3.00 sec  1.40 MBytes  11.8 Mbits/sec   0.001 ms"
            " 2147477940/2147480648 (1e+02%)  0.022/2000.000/577000.000/ 0.000 ms  inf pps"
        ),
        {
            "lost_packets": 2147477940,
            "packets": 2147480648,
            "latency_max_ms": 577000.0,
            "packets_per_second": None,
        },
    ),
    (
        "2.0.14a negative total",
        {},
        "[  3] 1.0000-2.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.001 ms    0/  -49 (-0%)",
        {"lost_packets": 0, "packets": -49},
    ),
    (
        "2.0.14a no time at all",
        {},
        "[  3] 0.0000-0.0000 sec  1.44 KBytes  -nan bits/sec   0.000 ms 2002/ 2003 (1e+02%)",
        {"bytes": 1475, "bits_per_second": None, "bandwidth": None},
    ),
    (
        "2.0.13a bandwidth below zero",
        {"protocol": "tcp"},
        "[  4]  0.0- 1.0 sec  2.11 GBytes  -16252934016.00 bits/sec",
        {"bytes": 2265595249, "bits_per_second": 8 * 2265595249.0, "bandwidth": -16252934016.0},
    ),
    (
        "2.0.13a bandwidth overflown, but above zero",
        {"protocol": "tcp"},
        "[  4] 0.00-3.01 sec  5.78 GBytes  5.08 Gbits/sec",
        {"bits_per_second": 6206227743 * 8 / 3.01},
    ),
]


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
