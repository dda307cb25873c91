"""The line of a UDP receiver with ``-e``, recognised at a glance: most of what a test prints.

Only what is counted is read; the long way (``text.py``) reads every line, this one too, and to an
equal record: that is tested. What looks a little different goes the long way.
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
# 2.2.1 … 0.003 ms 0/1001 (0%) 0.002/0.001/0.040/0.002 ms 1000 pps 1000/0/0 599732
# 2.2.1 … ms 1000 pps 1000/0(0) pkts 1000/0/0 599732
_LINE: Final = re.compile(
    rb"""\[[ ]{0,2}\d{1,6}\][ ]{1,3}\d{1,11}\.\d{1,4}-\d{1,11}\.\d{1,4}[ ]sec[ ]+
    \d{1,6}(?:\.\d{1,3})?[ ][KMG]?Bytes[ ]+\d{1,6}(?:\.\d{1,3})?[ ][KMG]?bits/sec[ ]+
    \d{1,9}\.\d{3}[ ]ms[ ]+\d{1,9}/\d{1,9}[ ]\([^ )]*\)[ ]+
    \d{1,9}\.\d{3}/\d{1,9}\.\d{3}/\d{1,9}\.\d{3}/\d{1,9}\.\d{3}[ ]ms[ ]+\d{1,9}[ ]pps
    (?:[ ]+\d{1,9}/\d{1,9}\(\d{1,9}\)[ ]pkts)?(?:[ ]+\d{1,9}/\d{1,9}/\d{1,9})?
    (?<!pps)(?:[ ]+\d{1,15}(?:\.\d{1,2})?)?[ ]*\Z""",
    re.VERBOSE,
)
# A line without its digits: where it is that of a line of this form, the next one with the same
# need not be compared with the pattern.
_DIGITS: Final = b"0123456789"
_LONGEST: Final = 250  # no figure of a line this short is absurd
_MOST: Final = 1000
_known: dict[bytes, bool] = {}
_sizes: dict[bytes, int] = {}  # at a steady rate the same few come again and again
_RATES: Final = {unit.encode(): (unit, scale) for unit, scale in BITS_PER_SECOND_OF.items()}
_NO_SENDER: Final = (None,) * 8  # what only senders print

# label, start, end, bytes, lost, total, received
Glance: TypeAlias = tuple[str, float, float, int, int, int, int]


def glance(line: bytes) -> Glance | None:
    """Read what has to be counted; None where the line has another form."""
    bare = line.translate(None, _DIGITS)
    if not (_known.get(bare) or _learn(line, bare)):
        return None
    head, _, rest = line.partition(b"]")
    words = rest.split()
    start, _, end = words[0].partition(b"-")
    lost, _, total = words[8].partition(b"/")
    received, _, _ = words[14].partition(b"/")
    try:
        return (
            head[1:].strip().decode(),
            float(start),
            float(end),
            _size(words[2] + b" " + words[3]),
            int(lost),
            int(total),
            int(received),
        )
    except ValueError:  # where there is a figure in others, there is none in this one
        return None


def _learn(line: bytes, bare: bytes) -> bool:
    """Compare a line with the pattern, and remember what it looks like."""
    if bare in _known:
        return False
    is_one = len(line) <= _LONGEST and _LINE.match(line) is not None
    if len(_known) < _MOST:
        _known[bare] = is_one
    return is_one


def _size(printed: bytes) -> int:
    size = _sizes.get(printed)
    if size is None:
        transfer, unit = printed.decode().split(" ")
        size = round(float(transfer) * BYTES_OF[unit])
        if len(_sizes) < _MOST:
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
        size = _size(words[2] + b" " + words[3])
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
