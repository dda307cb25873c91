"""Intervals → loss events, under a policy; one detector per stream, constant memory.

An event begins with the first lossy interval and ends with the first clean one. What iperf
counted is *confirmed*; what is only inferred from a shortfall is an *estimate*, kept apart,
and replaced as soon as iperf counts the gap: the datagrams of an outage over an interval
border stand in both, but are lost once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from pyperf2.core.messages import received

if TYPE_CHECKING:
    from pyperf2.core.records import Instant, Interval

LOSING: Final = "losing packets"
LOSING_ALL: Final = "losing all packets"
CONTINUED: Final = " (cont.)"
STABLE: Final = "stable"

# No interval holds a billion datagrams; such figures are wrapped counters (2.0.13a with -U).
_LARGEST_COUNT: Final = 10**9
# A datagram sent on an interval's border falls to either side: a shortfall of one is no loss.
_BORDER_PACKETS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LossPolicy:
    """The three knobs, and the offered load where it is known in packets per second.

    ``use_iperf_loss_counter``: True trusts iperf's counter alone, False compares what was
    expected with what arrived, None does the first and, where ``expected_pps`` is known, the
    second too. An interval with ``loss_threshold`` or fewer lost raises no event, nor do the
    first ``warmup_intervals`` of a stream.
    """

    use_iperf_loss_counter: bool | None = None
    loss_threshold: int = 0
    warmup_intervals: int = 0
    expected_pps: float | None = None

    @property
    def infers(self) -> bool:
        """Whether a shortfall that iperf does not count is reported as an estimate."""
        if self.use_iperf_loss_counter is None:
            return self.expected_pps is not None
        return not self.use_iperf_loss_counter


@dataclass(frozen=True, slots=True, kw_only=True)
class LossEvent:
    """One state of a loss event; the last one (``status`` "stable") has an ``end``.

    ``packets_lost`` and ``packets_received`` are those of the interval that brought this
    state; the ``…_confirmed`` and ``…_estimated`` totals run since the event began. Times are
    seconds on iperf's clock of the stream; ``kind`` is "stall" for a silent TCP stream, whose
    datagrams cannot be counted.
    """

    event_number: int
    stream_id: str
    status: str
    kind: Literal["loss", "stall"] = "loss"
    packets_lost: int
    packets_received: int | None
    packets_lost_confirmed: int
    packets_lost_estimated: int
    begin: float
    end: float | None = None
    started: Instant
    current: Instant
    ended: Instant | None = None

    @property
    def packets_lost_since_start(self) -> int:
        """The confirmed count once there is one, the estimate until then."""
        return self.packets_lost_confirmed or self.packets_lost_estimated

    @property
    def estimated(self) -> bool:
        """Whether nothing of the event has been counted by iperf yet."""
        return self.packets_lost_confirmed == 0

    def to_dict(self, *, stream_name: str | None = None) -> dict[str, Any]:
        """Give the message that packet-loss callbacks get."""
        return {
            "event_number": self.event_number,
            "stream_id": self.stream_id,
            "stream_name": stream_name,
            "status": self.status,
            "total_packets_lost_since_event_start": self.packets_lost_since_start,
            "packets_lost": self.packets_lost,
            "packets_received": self.packets_received,
            "event_begin": self.begin,
            "event_end": self.end,
            "timestamp_start": self.started.at().isoformat(),
            "timestamp_current": self.current.at().isoformat(),
            "timestamp_end": self.ended.at().isoformat() if self.ended else None,
            "kind": self.kind,
            "estimated": self.estimated,
            "packets_lost_confirmed": self.packets_lost_confirmed,
            "packets_lost_estimated": self.packets_lost_estimated,
        }


def counted_loss(interval: Interval) -> int:
    """Datagrams that iperf knows to be lost in an interval; 0 where its figures are absurd.

    Total is the span of sequence numbers, so what is missing is Total less what arrived.
    Where arrivals are printed this also undoes iperf 2.1's habit of calling a receive
    time-out a late datagram and taking it off Lost.
    """
    total, lost = interval.packets, interval.lost_packets
    if total is None or lost is None or not 0 <= total <= _LARGEST_COUNT:
        return 0
    if interval.packets_received is not None:
        lost = total - interval.packets_received
    return lost if 0 <= lost <= total else 0


class LossDetector:
    """The event machine of one stream: feed it intervals in order, close it at the end."""

    __slots__ = ("_baseline_pps", "_event", "_numbers", "_policy", "_seen", "expected_packets")

    def __init__(self, policy: LossPolicy, *, numbers: EventNumbers) -> None:
        """Start stable; ``numbers`` counts the events of all streams of an instance."""
        self._policy = policy
        self._numbers = numbers
        self._seen = 0
        self._baseline_pps = 0.0
        self._event: LossEvent | None = None
        self.expected_packets: float | None = None

    @property
    def losing(self) -> bool:
        """Whether an event is open."""
        return self._event is not None

    def feed(self, interval: Interval) -> LossEvent | None:
        """Judge one interval; None where nothing began, went on or ended."""
        self._seen += 1
        if interval.direction != "received":
            return None
        stalled = interval.protocol == "tcp"
        if stalled:
            confirmed, estimated, dark = 0, 0, interval.bytes == 0
        else:
            confirmed, estimated, dark = self._judge(interval)
        if self._seen <= self._policy.warmup_intervals:
            return None
        lossy = dark or max(confirmed, estimated) > self._policy.loss_threshold
        if lossy:
            return self._lossy(interval, confirmed, estimated, dark=dark, stalled=stalled)
        return self._clean(interval)

    def close(self, now: Instant, end: float) -> LossEvent | None:
        """End an event that is still open when the stream ends."""
        if self._event is None:
            return None
        event, self._event = self._event, None
        return replace(
            event, status=STABLE, packets_lost=0, end=end, current=now, ended=now
        )  # fmt: skip

    def _judge(self, interval: Interval) -> tuple[int, int, bool]:
        """Give (confirmed, estimated, dark) of a UDP interval, and learn the steady rate."""
        arrived = received(interval) or 0
        confirmed = counted_loss(interval)
        dark = interval.packets == 0 and arrived <= 0
        expected = self._expected(interval)
        if interval.seconds > 0 and confirmed == 0 and not dark:
            self._baseline_pps = max(self._baseline_pps, arrived / interval.seconds)
        if self._policy.use_iperf_loss_counter is False:
            confirmed = 0
        estimated = 0
        if dark:
            estimated = expected
        elif self._policy.infers and confirmed == 0 and expected - arrived > _BORDER_PACKETS:
            estimated = expected - arrived
        return confirmed, estimated, dark

    def _expected(self, interval: Interval) -> int:
        rate = self._policy.expected_pps or self._baseline_pps
        self.expected_packets = rate * interval.seconds
        return round(self.expected_packets)

    def _lossy(
        self, interval: Interval, confirmed: int, estimated: int, *, dark: bool, stalled: bool
    ) -> LossEvent:
        before = self._event
        status = LOSING_ALL if dark else LOSING
        begun = before or LossEvent(
            event_number=self._numbers.take(),
            stream_id=interval.stream_id,
            status=status,
            kind="stall" if stalled else "loss",
            packets_lost=0,
            packets_received=None,
            packets_lost_confirmed=0,
            packets_lost_estimated=0,
            begin=interval.start,
            started=interval.arrived,
            current=interval.arrived,
        )
        self._event = replace(
            begun,
            status=status + (CONTINUED if before else ""),
            packets_lost=confirmed or estimated,
            packets_received=received(interval),
            packets_lost_confirmed=begun.packets_lost_confirmed + confirmed,
            # The gap that iperf counts now holds whatever was only inferred before.
            packets_lost_estimated=0 if confirmed else begun.packets_lost_estimated + estimated,
            current=interval.arrived,
        )
        return self._event

    def _clean(self, interval: Interval) -> LossEvent | None:
        if self._event is None:
            return None
        event, self._event = self._event, None
        return replace(
            event,
            status=STABLE,
            packets_lost=0,
            packets_received=received(interval),
            end=interval.start,
            current=interval.arrived,
            ended=interval.arrived,
        )


class EventNumbers:
    """Numbers the loss events of one run, from 0 on."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        """Start at 0."""
        self._next = 0

    def take(self) -> int:
        """Give the next number."""
        number, self._next = self._next, self._next + 1
        return number
