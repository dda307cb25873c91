"""A result → one figure of it, to be held against a limit; knows no limit.

A figure that cannot be had is None, with the reason: what nobody measured has not passed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pyperf2.core.book import is_sum
from pyperf2.core.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyperf2.core.records import Direction, Interval
    from pyperf2.core.results import Result, StreamResult

_SEAM_S: Final = 0.02  # iperf3 prints hundredths: two ends may differ by one


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure of a result.

    Attributes:
        figure: with its bounds; None where there is none, and ``reason`` says why.
        reason: see above.
        doubt: why a limit that is kept is not kept for certain.
        excuse: why a limit that is exceeded is not exceeded for certain.
    """

    figure: Figure | None
    reason: str = ""
    doubt: str = ""
    excuse: str = ""


def bitrates(result: Result) -> dict[Direction, float]:
    """Give the mean bits per second of each direction, all its streams together."""
    rates: dict[Direction, float] = defaultdict(float)
    for one in own_streams(result):
        if one.bytes and one.duration_s > 0:
            rates[_direction(one, result)] += one.bytes * 8 / one.duration_s
    return dict(rates)


def slowest(result: Result) -> Measured:
    """The bitrate of the slower direction; of the only one, usually."""
    return _rate(result, least=True)


def fastest(result: Result) -> Measured:
    """The bitrate of the faster direction."""
    return _rate(result, least=False)


def asymmetry(result: Result) -> Measured:
    """By how many per cent one direction is slower than the other."""
    rates = bitrates(result)
    if len(rates) < 2:  # noqa: PLR2004 - directions
        return Measured(None, "there are no two directions; bidir or full_duplex have them")
    return Measured(Figure(100 * (1 - min(rates.values()) / max(rates.values()))))


def lost(result: Result) -> Measured:
    """Datagrams lost, all streams together."""
    streams = _receiving(result)
    if not streams or any(one.packets_lost is None for one in streams):
        return Measured(None, "only the receiver of UDP knows what is lost")
    figure = Figure(
        float(sum(one.packets_lost or 0 for one in streams)),
        float(sum(one.packets_lost_error or 0 for one in streams)),
    )
    return Measured(figure, doubt=_open_end(streams))


def loss_percent(result: Result) -> Measured:
    """Datagrams lost, in per cent of those sent."""
    told = lost(result)
    if told.figure is None:
        return told
    sent = sum(
        one.packets_sent or (one.packets_received or 0) + (one.packets_lost or 0)
        for one in _receiving(result)
    )
    if not sent:
        return Measured(None, "no datagram was sent")
    share = Figure(100 * told.figure.value / sent, 100 * told.figure.error / sent)
    return Measured(share, doubt=told.doubt)


def jitter(result: Result) -> Measured:
    """The greatest jitter of an interval, in milliseconds."""
    return _worst(result, "jitter_ms", "only the receiver of UDP knows the jitter")


def latency(result: Result) -> Measured:
    """The greatest latency, in milliseconds; of an interval's mean where no maximum is told."""
    worst = _worst(result, "latency_max_ms", "")
    if worst.figure is not None:
        return worst
    return _worst(result, "latency_mean_ms", "iperf told no latency: iperf2's receivers of UDP do")


def fewest_intervals(result: Result) -> Measured:
    """The intervals of the stream that has fewest."""
    counts = [one.interval_count for one in own_streams(result)]
    return Measured(Figure(float(min(counts)))) if counts else Measured(None, _NO_STREAM)


def most_intervals(result: Result) -> Measured:
    """The intervals of the stream that has most."""
    counts = [one.interval_count for one in own_streams(result)]
    return Measured(Figure(float(max(counts)))) if counts else Measured(None, _NO_STREAM)


def gaps(result: Result) -> Measured:
    """How many intervals are missing, or moved nothing."""
    streams = [one for one in own_streams(result) if one.intervals]
    if not streams:
        return Measured(None, "there are no intervals")
    found = 0
    for one in streams:
        found += sum(each.bytes == 0 for each in one.intervals)
        ends = pairwise(one.intervals)
        found += sum(after.start - before.end > _SEAM_S for before, after in ends)
    return Measured(Figure(float(found)), doubt=_forgotten(result))


def outage(result: Result) -> Measured:
    """The longest outage, in milliseconds."""
    streams = _receiving(result)
    if not streams:
        return Measured(None, "only a receiver sees outages")
    listed = [each for one in streams for each in one.outages]
    if not listed:
        return Measured(Figure.between(0.0, _unseen_ms(streams, result)), doubt=_open_end(streams))
    longest = max(listed, key=lambda each: each.duration_s)
    figure = Figure(longest.duration_s * 1000, longest.duration_error_s * 1000)
    excuse = "the sender itself had stalled" if longest.suspect else ""
    return Measured(figure, excuse=excuse)


def retransmits(result: Result) -> Measured:
    """TCP segments sent again, all streams together."""
    figures = [_retransmits(one) for one in own_streams(result)]
    known = [one for one in figures if one is not None]
    if not known:
        return Measured(None, "only the sender of TCP knows what it sent again")
    return Measured(Figure(float(sum(known))))


def traffic(result: Result) -> Measured:
    """Bytes that were moved."""
    moved = sum(one.bytes or 0 for one in own_streams(result))
    return Measured(Figure(float(moved)) if moved else None, "no traffic was seen")


_NO_STREAM: Final = "there is no stream"


def _rate(result: Result, *, least: bool) -> Measured:
    rates: Mapping[Direction, float] = bitrates(result)
    if not rates:
        return Measured(None, "no traffic was seen")
    return Measured(Figure((min if least else max)(rates.values())))


def _worst(result: Result, name: str, reason: str) -> Measured:
    told = [getattr(each, name) for each in _reports(result)]
    known = [float(figure) for figure in told if figure is not None]
    if not known:
        return Measured(None, reason)
    return Measured(Figure(max(known)), doubt=_forgotten(result))


def _reports(result: Result) -> Iterator[Interval]:
    for one in own_streams(result):
        yield from one.intervals


def own_streams(result: Result) -> list[StreamResult]:
    """Give the streams themselves: their sums would count everything twice."""
    return [one for one in result.streams.values() if not is_sum(one.stream_id)]


def _receiving(result: Result) -> list[StreamResult]:
    return [one for one in own_streams(result) if _direction(one, result) == "received"]


def _direction(stream: StreamResult, result: Result) -> Direction:
    for report in (stream.summary, *stream.intervals[:1]):
        if report is not None:
            return report.direction
    return "sent" if result.role == "client" else "received"


def _retransmits(stream: StreamResult) -> int | None:
    if stream.summary is not None and stream.summary.retransmits is not None:
        return stream.summary.retransmits
    known = [one.retransmits for one in stream.intervals if one.retransmits is not None]
    return sum(known) if known else None


def _open_end(streams: list[StreamResult]) -> str:
    known = (one.packets_lost is None or one.packets_lost_trailing is not None for one in streams)
    return "" if all(known) else "what was lost at the very end is not known without the sender"


def _unseen_ms(streams: list[StreamResult], result: Result) -> float:
    """How long an outage may be and not be seen: without sequence numbers, up to two intervals."""
    if result.protocol != "tcp":
        return 0.0
    lengths = (each.seconds for one in streams for each in one.intervals)
    return 2000 * max(lengths, default=0.0)


def _forgotten(result: Result) -> str:
    missing = sum(one.interval_count - len(one.intervals) for one in own_streams(result))
    return f"{missing} intervals were not kept (history)" if missing else ""
