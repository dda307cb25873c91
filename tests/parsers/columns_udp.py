"""Lines of UDP reports, version by version, and the figures one reads in them with the eye."""

from __future__ import annotations

from typing import Any

# (what it is, how it was printed, the line, what it says)
UDP: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
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
