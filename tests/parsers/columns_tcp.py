"""Lines of TCP reports, version by version, and the figures one reads in them with the eye."""

from __future__ import annotations

from typing import Any

# (what it is, how it was printed, the line, what it says)
TCP: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "2.0.5 TCP client",
        {"role": "client", "protocol": "tcp"},
        "[  3]  0.0- 1.0 sec  2.06 GBytes  17.7 Gbits/sec",
        {"bytes": 2211908157, "bits_per_second": 17.7e9, "direction": "sent", "jitter_ms": None},
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
        "2.1.8 sum of TCP senders -e",
        {"role": "client", "protocol": "tcp"},
        "[SUM] 0.0000-1.0000 sec  3.58 GBytes  30.8 Gbits/sec  29339/0      9665",
        {"writes": 29339, "retransmits": 9665},
    ),
]
