"""What became of one flow at one receiver: a stream's result, seen from the event on.

Terms and sections are those of RFC 6412: a flow stands for a route, and its *loss of connectivity
period* is loss-derived, lost datagrams by offered load. The *arrival gap* is the time without a
datagram.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pyperf2.core.book import is_sum
from pyperf2.core.figures import Figure, greatest, total
from pyperf2.core.zero import Zero
from pyperf2.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from pyperf2.core.gaps import Outage
    from pyperf2.core.records import Interval
    from pyperf2.core.results import Result, StreamResult

Status = Literal["untouched", "recovered", "not sustained", "never recovered", "no data"]

# A silent interval shows an outage of TCP; shorter than two of them, it may fall between.
_UNSEEN_INTERVALS: Final = 2
# Second 0 of a stream is placed on the wall clock by the arrival of a line: measured, to 0.5 ms.
_WALL_S: Final = 0.0005


class Sample(NamedTuple):
    """What arrived in one interval; times in seconds of the stream."""

    start_s: float
    end_s: float
    bits_per_second: float | None
    packets_per_second: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOutcome:
    """One flow at one receiver.

    Attributes:
        flow: its name.
        receiver: which of its receivers; several streams of one are told apart by ``stream_id``.
        status: ``untouched``; ``recovered`` and stayed clean; ``not sustained``: an outage ended
            too late to see whether that lasts; ``never recovered``: dark, or losing, at the end;
            ``no data``: nothing was ever received.
        offered_pps: offered load in datagrams per second, where it is known.
        interval_s: length of its report intervals.
        packets_sent: over the whole run, as are all counts; None where it cannot be known.
        packets_lost: within ±``packets_lost_error``.
        outages: since the event.
        earlier: before the event; the steady state has none.
        convergence_s: route-specific convergence time (3.6.3), from the convergence event instant
            until its last outage ended (RFC 6413, 4.1, equation 2); None where none has.
        zero_at: wall clock of second 0 of the stream.
        samples: what arrived, interval by interval.
    """

    flow: str
    receiver: str
    status: Status
    stream_id: str | None = None
    protocol: str = "udp"
    offered_pps: float | None = None
    interval_s: float = 0.0
    packets_sent: int | None = None
    packets_received: int | None = None
    packets_lost: int | None = None
    packets_lost_error: int | None = None
    packets_lost_leading: int | None = None
    packets_lost_trailing: int | None = None
    packets_out_of_order: int | None = None
    packets_duplicate: int | None = None
    bytes: int | None = None
    outages: tuple[Outage, ...] = ()
    earlier: tuple[Outage, ...] = ()
    convergence_s: Figure | None = None
    zero_at: datetime | None = None
    samples: tuple[Sample, ...] = ()

    @property
    def label(self) -> str:
        """What reports call it where a flow may have several receivers."""
        return f"{self.flow} at {self.receiver}"

    @property
    def hit(self) -> bool:
        """Whether there was an outage since the event."""
        return bool(self.outages)

    @property
    def never_recovered(self) -> bool:
        """Whether it was not whole, or not for long enough to tell, when the test ended."""
        return self.status in {"not sustained", "never recovered", "no data"}

    @property
    def suspect(self) -> bool:
        """Whether the sender itself stalled in an outage, which may be none of the network."""
        return any(outage.suspect for outage in self.outages)

    @property
    def lost(self) -> Figure | None:
        """Datagrams lost, with their error; None for TCP."""
        if self.packets_lost is None:
            return None
        return Figure(float(self.packets_lost), float(self.packets_lost_error or 0))

    @property
    def loss_of_connectivity_s(self) -> Figure | None:
        """The route loss of connectivity period, of all outages since the event together.

        By 3.6.5, equation 8, lost datagrams by offered load. None where nothing was received. Of
        TCP it is rate-derived, and what is shorter than two intervals may go unseen.
        """
        if self.status == "no data":
            return None
        unseen = 0.0
        if self.protocol == "tcp":
            unseen = 0.0 if self.outages else _UNSEEN_INTERVALS * self.interval_s
        elif self.packets_lost_error and self.offered_pps:
            unseen = self.packets_lost_error / self.offered_pps
        lasted = total(Figure(one.duration_s, one.duration_error_s) for one in self.outages)
        return lasted._replace(error=lasted.error + unseen)

    @property
    def longest_s(self) -> Figure | None:
        """The longest of the outages since the event; None where there was none."""
        return greatest(Figure(one.duration_s, one.duration_error_s) for one in self.outages)

    @property
    def arrival_gap_s(self) -> Figure | None:
        """Time without a datagram since the event, less the packet time between any two.

        The time-based loss method (RFC 6414, 3.6.1). None where there was no outage.
        """
        if not self.outages:
            return None
        return total(_gap(one) for one in self.outages)


def refuse_unknown_flows(asked: Sequence[str] | None, there: Collection[str]) -> None:
    """Refuse to take only flows that there are not; None takes all.

    Raises:
        OptionError: a name of none of them, no name, or a text in place of names.
    """
    if asked is None:
        return
    if isinstance(asked, str) or not asked:
        raise OptionError(f"flows={asked!r}: a list of names is wanted, or None for all flows")
    missing = [name for name in asked if name not in there]
    if missing:
        names = ", ".join(sorted(set(there))) or "none"
        raise OptionError(f"there is no flow {missing[0]!r}; there are: {names}")


def _gap(outage: Outage) -> Figure:
    error = outage.begin_error_s + outage.end_error_s
    if outage.method == "contained":  # where it is, is unsure, and not how long it was
        error = min(error, 2 * outage.duration_error_s)
    return Figure(outage.end_s - outage.begin_s, error)


def begin_of(outage: Outage) -> Figure | None:
    """Give when an outage began, in seconds since the epoch."""
    return _on_the_wall(outage.begin_at, outage.begin_error_s)


def end_of(outage: Outage) -> Figure | None:
    """Give when an outage ended, in seconds since the epoch; None while it is on."""
    return _on_the_wall(outage.end_at, outage.end_error_s)


def _on_the_wall(at: datetime | None, error_s: float) -> Figure | None:
    return None if at is None else Figure(at.timestamp(), error_s + _WALL_S)


def outcomes_of(
    flow: str,
    receiver: str,
    result: Result,
    *,
    event: Figure | None,
    stopped_s: float,
    recovery_s: float,
    offered_pps: float | None = None,
) -> list[FlowOutcome]:
    """Judge what one receiver has of a flow: an outcome for each stream, or one without data.

    Args:
        flow: the flow's name.
        receiver: the receiver's.
        result: what it received.
        event: the convergence event instant, in seconds since the epoch; None if there was none.
        stopped_s: when its sender was told to stop, likewise.
        recovery_s: how long it must have been clean to count as recovered.
        offered_pps: datagrams per second, where they were announced.
    """
    streams = [
        stream
        for key, stream in result.streams.items()
        if not is_sum(key) and _receives(stream) and stream.interval_count
    ]
    if not streams:
        none = FlowOutcome(flow=flow, receiver=receiver, status="no data", protocol=result.protocol)
        return [none]
    return [
        _outcome(
            FlowOutcome(
                flow=flow,
                receiver=receiver if len(streams) == 1 else f"{receiver} #{stream.stream_id}",
                status="untouched",
                protocol=result.protocol,
                offered_pps=offered_pps,
            ),
            stream,
            event,
            stopped_s - recovery_s,
        )
        for stream in streams
    ]


def _outcome(
    blank: FlowOutcome, stream: StreamResult, event: Figure | None, clean_since_s: float
) -> FlowOutcome:
    zero = _zero_of(stream.intervals)
    placed = [_placed(outage, zero) for outage in stream.outages]
    since = tuple(one for one in placed if event is not None and _ends_after(one, event))
    last = stream.summary or (stream.intervals[-1] if stream.intervals else None)
    return replace(
        blank,
        stream_id=stream.stream_id,
        status=_status(since, clean_since_s),
        protocol=last.protocol if last else blank.protocol,
        interval_s=max((one.seconds for one in stream.intervals), default=0.0),
        packets_sent=stream.packets_sent,
        packets_received=stream.packets_received,
        packets_lost=stream.packets_lost,
        packets_lost_error=stream.packets_lost_error,
        packets_lost_leading=stream.packets_lost_leading,
        packets_lost_trailing=stream.packets_lost_trailing,
        packets_out_of_order=stream.packets_out_of_order,
        packets_duplicate=stream.packets_duplicate,
        bytes=stream.bytes,
        outages=since,
        earlier=tuple(one for one in placed if one not in since),
        convergence_s=_convergence(since, event),
        zero_at=zero.at(0.0),
        samples=tuple(_sample(one) for one in stream.intervals if not one.omitted),
    )


def _receives(stream: StreamResult) -> bool:
    known = [*stream.intervals[:1], *([stream.summary] if stream.summary else [])]
    return all(report.direction == "received" for report in known)


def _zero_of(intervals: Sequence[Interval]) -> Zero:
    """Give where second 0 of a stream is, by when its lines arrived."""
    zero = Zero()
    for one in intervals:
        zero.place(one.arrived, one.end)
    return zero


def _placed(outage: Outage, zero: Zero) -> Outage:
    """Give an outage its place on the wall clock, if it has none."""
    if outage.begin_at is not None:
        return outage
    end_at = zero.at(outage.end_s) if outage.complete else None
    return replace(outage, begin_at=zero.at(outage.begin_s), end_at=end_at)


def _ends_after(outage: Outage, event: Figure) -> bool:
    end = end_of(outage)
    return end is None or end.high >= event.low


def _status(since: Sequence[Outage], clean_since_s: float) -> Status:
    if not since:
        return "untouched"
    ends = [end_of(outage) for outage in since]
    known = [end.value for end in ends if end is not None]
    if len(known) < len(ends) or not all(outage.complete for outage in since):
        return "never recovered"
    return "recovered" if max(known) <= clean_since_s else "not sustained"


def _convergence(since: Sequence[Outage], event: Figure | None) -> Figure | None:
    """Give the time from the event to the end of the last outage; None while one is on."""
    ends = [end_of(outage) for outage in since]
    last = greatest(end for end in ends if end is not None)
    if event is None or last is None or None in ends:
        return None
    return Figure(last.value - event.value, last.error + event.error)


def _sample(interval: Interval) -> Sample:
    packets = interval.packets_received
    if packets is None and interval.packets is not None:
        packets = interval.packets - (interval.lost_packets or 0)
    rate = packets / interval.seconds if packets is not None and interval.seconds > 0 else None
    return Sample(interval.start, interval.end, interval.bits_per_second, rate)
