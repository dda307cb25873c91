"""The columns of one report line, after ``sec``, as named figures; knows no stream and no time.

Columns are told by their shape, not by the version: how many slashes a word has and what follows
it. So an unknown build is read right or not at all, never mis-scaled. Rare columns go to
``details``, under these names:

``reads``, ``read_distribution``, ``read_timeouts``, ``reads_truncated``, ``reads_printed``,
``in_progress_bytes``, ``in_progress_packets``, ``in_progress_packets_bracketed``,
``burst_count``, ``burst_size``, ``burst_transfer_ms``, ``burst_duty_cycle_percent``,
``frames_received``, ``frames_lost``, ``frame_latency_{mean,min,max,stdev}_ms``,
``frames_sent``, ``frames_missed``, ``frames_slipped``, ``write_timeouts``,
``in_flight_bytes``, ``in_flight_packets``, ``cwnd_packets``,
``write_time_{mean,min,max,stdev}_ms``, ``write_time_count``, ``datagrams``,
``bounceback_count``, ``bounceback_{mean,min,max,stdev}_ms``, ``responses_per_second``,
``request_bytes``, ``reply_bytes``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.parsers.iperf2.words import (
    BOUNCEBACK,
    LATENCY,
    RECEIVER_COLUMNS,
    SENDER_COLUMNS,
    read_columns,
    read_congestion,
    read_distribution,
    read_spread,
)
from pyperf2.core.units import BITS_PER_SECOND_OF, BYTES_OF, finite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Figures = dict[str, Any]
    Reader = Callable[[Sequence[str], Figures, Figures], None]

# 2.0.13a "0/ 1002 (0%)  0.003/ 0.002/ 0.030/ 0.001 ms": these blanks are padding
_PADDING: Final = re.compile(r"/ +")

_PREFIX_WORDS: Final = 4  # transfer, its unit, bandwidth, its unit
# 2.0.13a counts the bytes of an interval in 31 bits when it works out the bandwidth.
_OVERFLOW_BYTES: Final = 2**31
_OVERFLOW_MIN_SECONDS: Final = 0.5
_OVERFLOW_MISMATCH: Final = 0.25


def read_figures(columns: str, seconds: float) -> tuple[Figures, bool] | None:
    """Read what stands after ``sec``.

    Args:
        columns: the line from ``sec`` on, without it.
        seconds: length of the interval, to mend an overflown bandwidth.

    Returns:
        The figures by field name of ``Report``, and whether every column was understood;
        None where the line does not even begin with a transfer and a bandwidth.
    """
    if "/ " in columns:
        columns = _PADDING.sub("/", columns)
    words = columns.split()
    try:
        figures = _transfer_and_bandwidth(words, seconds)
    except (KeyError, IndexError, ValueError, OverflowError):
        return None
    words = words[_PREFIX_WORDS:]
    if words and words[-1] == "(omit)":  # 2.2.5 --omit
        figures["omitted"] = True
        words.pop()
    if not words:
        return figures, True
    details: Figures = {}
    try:
        _READERS[_shape_of_line(words)](words, figures, details)
    except (KeyError, IndexError, ValueError):
        understood = False
    else:
        understood = True
    if details:
        figures["details"] = details
    return figures, understood


def _transfer_and_bandwidth(words: Sequence[str], seconds: float) -> Figures:
    """Read ``1.40 MBytes  11.8 Mbits/sec``."""
    transfer = float(words[0])
    size = round(transfer * BYTES_OF[words[1]])
    scale = BITS_PER_SECOND_OF[words[3]]
    bandwidth = finite(words[2])
    return {
        "bytes": size,
        "bits_per_second": None if bandwidth is None else mended(bandwidth * scale, size, seconds),
        "transfer": transfer,
        "transfer_unit": words[1],
        "bandwidth": bandwidth,
        "bandwidth_unit": words[3],
    }


def mended(rate: float, size: int, seconds: float) -> float:
    """Give a bandwidth as it was, where 2.0.13a has printed another.

    ``[  3] 0.00-1.00 sec  2.09 GBytes  -16449011712.00 bits/sec``: above 2^31 bytes the bandwidth
    is wrong, below zero or not; transfer and time are right.
    """
    if (rate < 0 or size >= _OVERFLOW_BYTES) and seconds > 0:
        computed = size * 8 / seconds
        wrong = abs(rate - computed) > _OVERFLOW_MISMATCH * computed
        if rate < 0 or (wrong and seconds >= _OVERFLOW_MIN_SECONDS):
            return computed
    return rate


def _shape_of_line(words: Sequence[str]) -> tuple[int | str, str]:
    """Tell the kind of line by its first word's slashes and by what follows it."""
    first = words[0]
    second = words[1] if len(words) > 1 else ""
    if second == "ms":
        mark = "ms"
    elif second.startswith("("):
        mark = "("
    elif ":" in second:
        mark = ":"
    else:
        mark = ""
    return ("=" if "=" in first else first.count("/")), mark


def _received(words: Sequence[str], figures: Figures, details: Figures) -> None:
    """UDP receiver: jitter and loss, with ``-e`` latency and more.

    2.1.8   0.003 ms 0/1001 (0%) 0.002/0.001/0.040/0.002 ms 1004 pps 1001/0(0) pkts 599732
    2.0.13a 0.004 ms   93/ 1011 (9.2%)  0.007/ 0.001/ 0.227/ 0.014 ms  918 pps  202385.93
    The percentage is never read: ``(1e+02%)``, ``(-nan%)``, 2.2.1 always ``(0%)`` in its report.
    """
    loss = words[2]
    if loss[0] == "(":
        _burst(words, figures, details)
        return
    figures["protocol"] = "udp"
    figures["direction"] = "received"
    figures["jitter_ms"] = finite(words[0])
    lost, _, total = loss.partition("/")
    figures["lost_packets"] = int(lost)
    figures["packets"] = int(total)
    if len(words) > 4:  # noqa: PLR2004 - jitter, ms, lost/total, percentage
        read_spread(words[4], LATENCY, figures)
        figures["packets_per_second"] = finite(words[6])
        if words[7] != "pps":
            raise ValueError(words[7])
        read_columns(words[8:], RECEIVER_COLUMNS, figures, details)


def _burst(words: Sequence[str], figures: Figures, details: Figures) -> None:
    """TCP receiver of ``--burst-size``: one line a burst; t0 may stay 0 (2.1.8).

    2.1.8 0.377 ms (0.075%)    5=2:0:0:1:0:1:1:0  1008173
    """
    figures["direction"] = "received"
    details["burst_transfer_ms"] = finite(words[0])
    details["burst_duty_cycle_percent"] = finite(words[2].strip("(%)"))
    read_columns(words[3:], RECEIVER_COLUMNS, figures, details)


def _received_sum(words: Sequence[str], figures: Figures, details: Figures) -> None:
    """Sum of UDP receivers, without jitter.

    2.1.8  2/906 (0.22%)
    2.2.1  1/904 (0.11%)  0.004/0.002/0.009  903 pps
    2.2.1  0/600 (0%)  0.003/0.002/0.058  600/0       602 pps
    """
    figures["protocol"] = "udp"
    figures["direction"] = "received"
    lost, _, total = words[0].partition("/")
    figures["lost_packets"] = int(lost)
    figures["packets"] = int(total)
    if len(words) > 2:  # noqa: PLR2004 - lost/total, percentage
        read_spread(words[2], LATENCY, figures)
        if words[-1] != "pps":
            raise ValueError(words[-1])
        figures["packets_per_second"] = finite(words[-2])
        for word in words[3:-2]:
            received, _, in_progress = word.partition("/")
            figures["packets_received"] = int(received)
            details["in_progress_packets"] = int(in_progress)


def _writes(words: Sequence[str], figures: Figures, details: Figures) -> None:
    """A sender with ``-e``.

    UDP 2.1.8   1000/0     1002 pps          2.2.1  1000/0/0    1000 pps
        2.2.1   1741/0    1741 pps   61/0/0 (isochronous)
    TCP 2.0.13a 17081/0          0     1119K/123 us  7564.03
        2.1.8   19412/0      11156      410K/37(17) us  68766749
        2.2.1   18378/0      5132        7K(5)/418K(296)/32(11) us  75272194
        2.1.8   60/0          0       45K/4026 us  1953  18.024/0.006/123.989/43.431 ms (60)
    sum 2.1.8   29339/0      9665
    """
    figures["direction"] = "sent"
    counts = [int(count) for count in words[0].split("/")]
    figures["writes"], figures["write_errors"] = counts[:2]
    if len(counts) > 2:  # noqa: PLR2004 - Write/Err/Timeo
        details["write_timeouts"] = counts[2]
    if words[2:3] == ["pps"]:
        figures["packets_per_second"] = finite(words[1])
        read_columns(words[3:], SENDER_COLUMNS, figures, details)
        return
    figures["retransmits"] = int(words[1])
    if len(words) > 2:  # noqa: PLR2004 - writes, retries
        read_congestion(words[2], figures, details)
        read_columns(words[3:], SENDER_COLUMNS, figures, details)
        if words[2].startswith("NA/"):
            # 2.0.14a [  3] 0.0000-3.0000 sec  6.49 GBytes  18.6 Gbits/sec  0/0  0  NA/0 us  0.00:
            # it sampled nothing for its summary; the zeros are no figures.
            for name in ("writes", "write_errors", "retransmits", "rtt_us", "netpower"):
                figures[name] = None


def _reads(words: Sequence[str], figures: Figures, details: Figures) -> None:
    """TCP receiver with ``-e``: 2.0.14a ``26338=1046:82:12:10149:4270:40:13:10726``."""
    figures["direction"] = "received"
    read_columns(words, RECEIVER_COLUMNS, figures, details)


def _reads_2_0_13(words: Sequence[str], figures: Figures, details: Figures) -> None:
    """TCP receiver with ``-e``: 2.0.13a ``26143    801:57:13:10339:6000:36:23:8874``."""
    figures["direction"] = "received"
    read_distribution(f"{words[0]}={words[1]}", figures, details)


def _burst_latency(words: Sequence[str], figures: Figures, details: Figures) -> None:
    """TCP receiver with ``--trip-times``, and the summary of ``--burst-size``.

    2.1.8   0.450/0.022/4.801/0.844 ms (16395/131072)  945 KByte 4774063  34103=12181:387:…
    2.2.1   0.063/0.037/0.162/0.020 ms (60/41667) 39725  62=2:1:59:0:0:0:0:0
    2.1.8   0.195/0.146/0.377/0.091 ms  16=2:1:0:1:0:2:1:5
    """
    figures["direction"] = "received"
    read_spread(words[0], LATENCY, figures)
    read_columns(words[1:], RECEIVER_COLUMNS, figures, details)


def _datagrams(words: Sequence[str], figures: Figures, details: Figures) -> None:
    """Both halves of a full-duplex UDP test: 2.1.8 ``2001    2003 pps``."""
    if words[2] != "pps":
        raise ValueError(words[2])
    details["datagrams"] = int(words[0])
    figures["packets_per_second"] = finite(words[1])


def _bounceback(words: Sequence[str], figures: Figures, details: Figures) -> None:
    """Bounceback client.

    2.1.8 10=0.068/0.023/0.212/0.053 ms    0   28K/31 us    14599 rps
    2.2.1 10=0.063/0.041/0.137/0.037 ms    0   0K/(0)/0(0) us  Tx=1000 Byte Rx=1000 Byte  RPS=15949
    2.2.1 30=0.042/0.015/0.151/0.037 ms    0   -(-)/-(-)    Tx=2.93 KByte Rx=2.93 KByte  RPS=24058
    """
    figures["direction"] = "sent"
    count, _, times = words[0].partition("=")
    details["bounceback_count"] = int(count)
    read_spread(times, BOUNCEBACK, details)
    figures["retransmits"] = int(words[2])
    read_congestion(words[3], figures, details)
    for word, following in _pairs(words[4:]):
        name, _, value = word.partition("=")
        if name == "RPS":
            details["responses_per_second"] = finite(value)
        elif name in _BOUNCED:
            details[_BOUNCED[name]] = round(float(value) * BYTES_OF[following])
        elif following == "rps":
            details["responses_per_second"] = finite(word)


_BOUNCED: Final = {"Tx": "request_bytes", "Rx": "reply_bytes"}


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each word with the one that follows it."""
    return zip(words, [*words[1:], ""], strict=True)


_READERS: Final[dict[tuple[int | str, str], Reader]] = {
    (0, "ms"): _received,
    (0, ":"): _reads_2_0_13,
    (0, ""): _datagrams,
    (1, "("): _received_sum,
    (1, ""): _writes,
    (2, ""): _writes,
    (3, "ms"): _burst_latency,
    ("=", "ms"): _bounceback,
    ("=", ""): _reads,
}
