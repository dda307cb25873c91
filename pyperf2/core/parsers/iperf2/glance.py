"""The line of a UDP receiver with ``-e`` that lost nothing: most of what a test prints.

It is recognised at a glance, and only what is counted is read. The long way (``text.py``) reads
every line, this one too, and to an equal record: that is tested. What looks a little different
goes the long way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pyperf2.core.parsers.iperf2.columns import mended
from pyperf2.core.records import Interval
from pyperf2.core.units import BITS_PER_SECOND_OF, BYTES_OF
from pyperf2.core.unread import setters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pyperf2.core.records import Instant

# 2.1.8 [  1] 1.0000-2.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.003 ms 0/1001 (0%)
#           0.002/0.001/0.040/0.002 ms 1004 pps 1001/0(0) pkts 599732
# 2.2.1 … 0.003 ms 0/1001 (0%) 0.002/0.001/0.040/0.002 ms 1000 pps 1001/0/0 599732
# 2.2.1 … ms 1000 pps 1001/0(0) pkts 1001/0/0 599732
_WHOLE: Final = re.compile(
    rb"(\[ *\d+\]) +(\d+\.\d+)-(\d+\.\d+) sec"
    rb" +(\d+\.?\d* [KMG]?Bytes) +\d+\.?\d* [KMG]?bits/sec"
    rb" +\d+\.\d+ ms +0/(\d+) \([^ )]*\)"
    rb" +\d+\.\d+/\d+\.\d+/\d+\.\d+/\d+\.\d+ ms +\d+ pps"
    rb" +\5/\d+(?:\(\d+\) pkts|/\d+)(?: +\d+/\d+/\d+)?(?: +\d+\.?\d*)? *\Z"
).match
_LONGEST: Final = 200  # no figure of a line this short is absurd
_MOST_SIZES: Final = 1000
_sizes: dict[bytes, int] = {}  # at a steady rate the same few come again and again
_RATES: Final = {unit.encode(): (unit, scale) for unit, scale in BITS_PER_SECOND_OF.items()}
_NO_SENDER: Final = (None,) * 8  # what only senders print

# The label in its brackets, start, end, transfer, datagrams: as printed.
Glance: TypeAlias = tuple[bytes, bytes, bytes, bytes, bytes]


def glance(line: bytes) -> Glance | None:
    """Give what has to be counted, if nothing was lost and nothing late; else None."""
    found = _WHOLE(line) if len(line) <= _LONGEST else None
    return None if found is None else found.groups()  # type: ignore[return-value]  # all five


def size_of(printed: bytes) -> int:
    """Give the bytes in ``1.40 MBytes``."""
    size = _sizes.get(printed)
    if size is None:
        transfer, unit = printed.decode().split(" ")
        size = round(float(transfer) * BYTES_OF[unit])
        if len(_sizes) < _MOST_SIZES:
            _sizes[printed] = size
    return size


class UdpReceived:
    """The form of these lines."""

    later = (
        "protocol", "direction", "omitted", "bytes", "lost_packets", "packets",
        "packets_received", "out_of_order", "run_number", "bits_per_second", "transfer",
        "transfer_unit", "bandwidth", "bandwidth_unit", "jitter_ms", "packets_per_second",
        "latency_mean_ms", "latency_min_ms", "latency_max_ms", "latency_stdev_ms", "netpower",
        "details", "writes", "write_errors", "retransmits", "cwnd", "snd_cwnd_bytes", "rtt_us",
        "rttvar_us", "pmtu",
    )  # fmt: skip
    put = setters(Interval, later)

    def interval(self, line: bytes, stream_id: str, arrived: Instant) -> Interval:
        """Give the interval of such a line, again."""
        start, _, end = line.partition(b"]")[2].split(None, 1)[0].partition(b"-")
        return interval_of(line, stream_id, float(start), float(end), arrived)

    def read(self, interval: Interval, line: bytes) -> Iterable[Any]:
        """Read all the rest."""
        _, _, rest = line.partition(b"]")
        words = rest.split()
        lost, _, total = words[8].partition(b"/")
        received, _, _ = words[14].partition(b"/")
        rate = float(words[4])
        rate_unit, scale = _RATES[words[5]]
        size = size_of(words[2] + b" " + words[3])
        return (
            "udp",
            "received",
            False,
            size,
            int(lost),
            int(total),
            int(received),
            None,
            1,
            mended(rate * scale, size, interval.end - interval.start),
            float(words[2]),
            words[3].decode(),
            rate,
            rate_unit,
            float(words[6]),
            float(words[12]),
            *map(float, words[10].split(b"/")),
            *_columns_behind(words[14:]),
            *_NO_SENDER,
        )


def _columns_behind(words: list[bytes]) -> tuple[float | None, Mapping[str, int]]:
    """Read what stands behind ``pps``: network power, and columns of details."""
    details: dict[str, int] = {}
    netpower = None
    for word in words:
        if word.endswith(b")"):
            inside, _, bracketed = word[:-1].partition(b"/")[2].partition(b"(")
            details["in_progress_packets"] = int(inside)
            details["in_progress_packets_bracketed"] = int(bracketed)
        elif b"/" in word:
            reads, timeouts, truncated = map(int, word.split(b"/"))
            details["reads"] = reads
            details["read_timeouts"] = timeouts
            details["reads_truncated"] = truncated
        elif word != b"pkts":
            netpower = float(word)
    return netpower, details


_FORM: Final = UdpReceived()


def _maker() -> Callable[[bytes, str, float, float, Instant], Interval]:
    new = object.__new__
    names = ("form", "line", "stream_id", "start", "end", "arrived")
    put_form, put_line, put_stream, put_start, put_end, put_arrived = setters(Interval, names)

    def make(line: bytes, stream_id: str, start: float, end: float, arrived: Instant) -> Interval:
        made = new(Interval)
        put_form(made, _FORM)
        put_line(made, line)
        put_stream(made, stream_id)
        put_start(made, start)
        put_end(made, end)
        put_arrived(made, arrived)
        return made

    return make


interval_of = _maker()
