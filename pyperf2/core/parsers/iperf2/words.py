"""Single columns of a report line, each told by its look; knows no line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.units import BYTES_OF, finite, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Figures = dict[str, Any]
    Column = Callable[[str, Figures, Figures], None]

# 2.2.1 "418K(296)", "32(11)", bounceback "0K(0)"; "NA", "-1K" and "-(-)" do not match
_COUNTED: Final = re.compile(r"(\d+)([KMG]?)(?:\((\d+)\))?\Z", re.ASCII)

_SPREAD: Final = ("mean", "min", "max", "stdev")
LATENCY: Final = tuple(f"latency_{name}_ms" for name in _SPREAD)
BOUNCEBACK: Final = tuple(f"bounceback_{name}_ms" for name in _SPREAD)
_FRAME_LATENCY: Final = tuple(f"frame_latency_{name}_ms" for name in _SPREAD)
_WRITE_TIME: Final = tuple(f"write_time_{name}_ms" for name in _SPREAD)


def read_spread(word: str, names: Sequence[str], into: Figures) -> None:
    """Read ``mean/min/max/stdev`` (or without stdev); ``-`` stands for none."""
    values = word.split("/")
    if not 2 < len(values) <= len(names):  # noqa: PLR2004 - sums have no stdev
        raise ValueError(word)
    for name, value in zip(names, values, strict=False):
        into[name] = finite(value)


def read_congestion(word: str, figures: Figures, details: Figures) -> None:
    """Read ``Cwnd/RTT(var)`` or, from 2.2 on, ``InF(pkts)/Cwnd(pkts)/RTT(var)``."""
    parts = word.replace("K/(", "K(").split("/")  # 2.2.1 bounceback: "0K/(0)/0(0)"
    if len(parts) > 2:  # noqa: PLR2004 - the third column came with 2.2
        in_flight = _COUNTED.match(parts[0])
        if in_flight:
            details["in_flight_bytes"] = parse_size(in_flight[1] + in_flight[2])
            if in_flight[3]:
                details["in_flight_packets"] = int(in_flight[3])
    cwnd, rtt = _COUNTED.match(parts[-2]), _COUNTED.match(parts[-1])
    if cwnd:
        figures["cwnd"] = int(cwnd[1])
        figures["snd_cwnd_bytes"] = parse_size(cwnd[1] + cwnd[2])
        if cwnd[3]:
            details["cwnd_packets"] = int(cwnd[3])
    if rtt:
        figures["rtt_us"] = int(rtt[1])
        if rtt[3]:
            figures["rttvar_us"] = int(rtt[3])


def _shape(word: str) -> int | str:
    """Tell the kind of a column by its look."""
    if "=" in word:
        return "="
    at = word.find("(")
    if at >= 0:
        return "x(" if at else "("
    return word.count("/") or ("unit" if word in BYTES_OF else 0)


def read_columns(
    words: Sequence[str],
    columns: Mapping[int | str, Column],
    figures: Figures,
    details: Figures,
) -> None:
    """Read trailing columns; raises KeyError or ValueError at one that is none of ``columns``."""
    for word in words:
        if word not in _UNITS:
            columns[_shape(word)](word, figures, details)


_UNITS: Final = frozenset({"ms", "us", "pkts"})  # said by the names


def _netpower(word: str, figures: Figures, _details: Figures) -> None:
    """Any bare number is the network power, unless a unit follows (see ``_in_progress``)."""
    float(word)  # garbage is refused; NAN is a number that is none
    figures["netpower"] = finite(word)


def _in_progress(unit: str, figures: Figures, details: Figures) -> None:
    """2.0.14a ``4.34 Byte 499150.00``: the number before a unit was no network power."""
    value = figures.pop("netpower")
    details["in_progress_bytes"] = None if value is None else value * BYTES_OF[unit]


def _rx_in_progress(word: str, figures: Figures, details: Figures) -> None:
    """2.1.8 ``1001/0(0)``: received / in progress."""
    received, _, in_progress = word.partition("/")
    inside, _, bracketed = in_progress.rstrip(")").partition("(")
    figures["packets_received"] = int(received)
    details["in_progress_packets"] = int(inside)
    details["in_progress_packets_bracketed"] = int(bracketed)


def _read_timeout_truncated(word: str, figures: Figures, details: Figures) -> None:
    """2.2.1 ``1000/0/0``: a read is a datagram (in the final line the FIN is one more)."""
    reads, timeouts, truncated = map(int, word.split("/"))
    figures.setdefault("packets_received", reads)
    details["reads"] = reads
    details["read_timeouts"] = timeouts
    details["reads_truncated"] = truncated


def _frames_received(word: str, _figures: Figures, details: Figures) -> None:
    """2.1.8 isochronous ``61/0``: frames received / lost."""
    received, lost = map(int, word.split("/"))
    details["frames_received"] = received
    details["frames_lost"] = lost


def _frame_latency(word: str, _figures: Figures, details: Figures) -> None:
    """2.1.8 isochronous ``0.261/0.139/0.485/0.060``."""
    read_spread(word, _FRAME_LATENCY, details)


def _burst_count(word: str, _figures: Figures, details: Figures) -> None:
    """2.1.8 ``(16395/131072)``: bursts and their mean size."""
    count, size = map(int, word.strip("()").split("/"))
    details["burst_count"] = count
    details["burst_size"] = size


def read_distribution(word: str, _figures: Figures, details: Figures) -> None:
    """Read ``reads=bin:bin:…``, eight bins of read sizes."""
    reads, _, bins = word.partition("=")
    counts = tuple(map(int, bins.split(":")))
    details["reads"] = int(reads)
    details["read_distribution"] = counts
    if int(reads) != sum(counts):
        # 2.2.1 [  1] 2.0000-3.0001 sec  … 60=20:0:0:0:0:0:0:0: the last interval prints the reads
        # of the whole test; the bins are right.
        details["reads"] = sum(counts)
        details["reads_printed"] = int(reads)


def _frames_sent(word: str, _figures: Figures, details: Figures) -> None:
    """2.1.8 isochronous ``61/0/0``: frames sent / missed / slipped."""
    sent, missed, slipped = map(int, word.split("/"))
    details["frames_sent"] = sent
    details["frames_missed"] = missed
    details["frames_slipped"] = slipped


def _write_time(word: str, _figures: Figures, details: Figures) -> None:
    """2.1.8 --tcp-write-times ``18.024/0.006/123.989/43.431``."""
    read_spread(word, _WRITE_TIME, details)


def _write_time_count(word: str, _figures: Figures, details: Figures) -> None:
    """2.1.8 --tcp-write-times ``(60)``."""
    details["write_time_count"] = int(word.strip("()"))


RECEIVER_COLUMNS: Final[Mapping[int | str, Column]] = {
    0: _netpower,
    1: _frames_received,
    2: _read_timeout_truncated,
    3: _frame_latency,
    "unit": _in_progress,
    "x(": _rx_in_progress,
    "(": _burst_count,
    "=": read_distribution,
}
SENDER_COLUMNS: Final[Mapping[int | str, Column]] = {
    0: _netpower,
    2: _frames_sent,
    3: _write_time,
    "(": _write_time_count,
}
