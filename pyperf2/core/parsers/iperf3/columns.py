"""The columns of one text line, after ``sec``, as named figures; knows no stream and no test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.parsers.iperf3.ledger import datagrams_sent
from pyperf2.core.units import BITS_PER_SECOND_OF, BYTES_OF, finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.core.records import Protocol

    Figures = dict[str, Any]

_PREFIX_WORDS: Final = 4  # transfer, its unit, bitrate, its unit
_JITTER_WORDS: Final = 4  # jitter, its unit, lost/total, percentage
_CWND_WORDS: Final = 3  # retransmits, window, its unit
_MAX_DIGITS: Final = 20
_KBYTE: Final = 1024
_UNKNOWN: Final = "Unknown"

# The last word of a line, and what it means.
SENDER: Final = "sender"
RECEIVER: Final = "receiver"
OMITTED: Final = "(omitted)"
_TAGS: Final = frozenset({SENDER, RECEIVER, OMITTED})


def read_figures(columns: str, protocol: Protocol) -> tuple[Figures, str | None, bool] | None:
    """Read what stands after ``sec``.

    Args:
        columns: the line from ``sec`` on, without it.
        protocol: of the test; a lone number is Retr with TCP, Total Datagrams with UDP.

    Returns:
        The figures by field name of ``Report`` (with ``direction`` where columns tell it), the
        tag at the end, and whether every column was understood; None where the line does not
        even begin with a transfer and a bitrate.
    """
    words = columns.split()
    tag = words.pop() if words and words[-1] in _TAGS else None
    try:
        figures = _transfer_and_bitrate(words)
    except (LookupError, ValueError, OverflowError):
        return None
    words = words[_PREFIX_WORDS:]
    if tag == OMITTED:
        figures["omitted"] = True
    understood = bool(words) or protocol == "tcp"
    if words:
        read: Figures = {}
        try:
            _read_columns(words, protocol, tag, read)
        except (LookupError, ValueError, OverflowError):
            understood = False
        figures.update(read)
    return figures, tag, understood


def _transfer_and_bitrate(words: Sequence[str]) -> Figures:
    """Read ``1.19 MBytes  10.0 Mbits/sec``."""
    transfer = float(words[0])
    bitrate = finite(words[2])
    scale = BITS_PER_SECOND_OF[words[3]]
    return {
        "bytes": round(transfer * BYTES_OF[words[1]]),
        "bits_per_second": None if bitrate is None else bitrate * scale,
        "transfer": transfer,
        "transfer_unit": words[1],
        "bandwidth": bitrate,
        "bandwidth_unit": words[3],
    }


def _read_columns(
    words: Sequence[str], protocol: Protocol, tag: str | None, figures: Figures
) -> None:
    """Read what follows the bitrate.

    3.12  TCP sender    12353    450 KBytes          final and sum: 27096
    3.18  UDP sender    1001
    3.12  UDP receiver  0.005 ms  82/1001 (8.2%)     final of a sender: 0.000 ms  0/3000 (0%)
    3.18                0.012 ms  Unknown/3001       where the other side's count is missing
    """
    if words[1:2] == ["ms"]:
        _read_udp(words, tag, figures)
        return
    count = _count(words[0])
    figures["direction"] = "sent"
    if protocol == "udp":
        if len(words) > 1:
            raise ValueError(words[1])
        figures.update(datagrams_sent(count))
        return
    figures["retransmits"] = count
    if len(words) >= _CWND_WORDS:
        window = finite(words[1])
        scale = BYTES_OF[words[2]]
        if window is not None:
            figures["snd_cwnd_bytes"] = round(window * scale)
            figures["cwnd"] = round(window * scale / _KBYTE)
    if len(words) not in (1, _CWND_WORDS):
        raise ValueError(words[-1])


def _read_udp(words: Sequence[str], tag: str | None, figures: Figures) -> None:
    """Read jitter and loss; the percentage is never read."""
    lost, slash, total = words[2].partition("/")
    whole = words[3].endswith("%)") if len(words) == _JITTER_WORDS else lost == _UNKNOWN
    if not slash or not whole:
        raise ValueError(words[-1])
    figures["protocol"] = "udp"
    if tag == SENDER:
        # It always says "0.000 ms  0/N": a sender knows what it sent, nothing else.
        figures["direction"] = "sent"
        figures.update(datagrams_sent(_count(total)))
        return
    figures["direction"] = "received"
    figures["packets"] = _count(total)
    figures["lost_packets"] = None if lost == _UNKNOWN else _count(lost)
    figures["jitter_ms"] = finite(words[0])


def _count(text: str) -> int:
    """Return a whole number of sane length; it may be negative (late datagrams)."""
    if len(text) > _MAX_DIGITS or not text.isascii():
        raise ValueError(text)
    return int(text)
