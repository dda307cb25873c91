"""Intervals → loss events, under a policy; one detector per stream, constant memory.

An event begins with the first lossy interval and ends with the first clean one. What iperf
counted is *confirmed*; what is only inferred from a shortfall is an *estimate*, kept apart,
and replaced as soon as iperf counts the gap: the datagrams of an outage over an interval
border stand in both, but are lost once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.core.counting import Count
    from pyperf2.core.records import Instant, Interval

LOSING: Final = "losing packets"
LOSING_ALL: Final = "losing all packets"
CONTINUED: Final = " (cont.)"
STABLE: Final = "stable"

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
    datagrams cannot be counted. ``outage_s`` is what the loss so far amounts to at the stream's
    rate; where it began and ended is known once a clean interval has confirmed it.
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
    run_number: int = 1
    outage_s: float | None = None
    outage_error_s: float | None = None
    outage_begin_s: float | None = None
    outage_end_s: float | None = None

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
            "run_number": self.run_number,
            "estimated": self.estimated,
            "packets_lost_confirmed": self.packets_lost_confirmed,
            "packets_lost_estimated": self.packets_lost_estimated,
            "outage_ms": _milliseconds(self.outage_s),
            "outage_error_ms": _milliseconds(self.outage_error_s),
            "outage_begin": self.outage_begin_s,
            "outage_end": self.outage_end_s,
        }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


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

    def feed(self, interval: Interval, count: Count | None) -> LossEvent | None:
        """Judge one interval of a receiver; None where nothing began, went on or ended.

        Args:
            interval: as printed.
            count: what it adds to the account; None for TCP, which has none.
        """
        self._seen += 1
        verdict = self._judge(interval, count)
        if self._seen <= self._policy.warmup_intervals:
            return None
        if verdict.dark or verdict.lost > self._policy.loss_threshold:
            return self._lossy(interval, verdict)
        return self._clean(interval, verdict)

    @property
    def infers(self) -> bool:
        """Whether an interval in which nothing was lost may begin an event: it falls short."""
        return self._policy.infers

    def calm(self, start: float, ends: Sequence[float], packets: Sequence[int]) -> int:
        """Tell how many of these intervals, in which nothing was lost, begin no event.

        Args:
            start: of the first, in seconds of the stream.
            ends: of each; the next one begins there.
            packets: that arrived in each.
        """
        baseline = self._baseline_pps
        for index, (end, arrived) in enumerate(zip(ends, packets, strict=True)):
            seconds, start = end - start, end
            if round((self._policy.expected_pps or baseline) * seconds) - arrived > _BORDER_PACKETS:
                return index
            if arrived > baseline * seconds:
                baseline = arrived / seconds
        return len(ends)

    def take_calm(self, start: float, ends: Sequence[float], packets: Sequence[int]) -> None:
        """Take such intervals as ``feed`` does."""
        before = baseline = self._baseline_pps
        seconds = 0.0
        for end, arrived in zip(ends, packets, strict=True):
            seconds, start = end - start, end
            before = baseline
            if arrived > baseline * seconds:
                baseline = arrived / seconds
        self._seen += len(ends)
        self._baseline_pps = baseline
        self.expected_packets = (self._policy.expected_pps or before) * seconds

    def close(self, now: Instant, end: float) -> LossEvent | None:
        """End an event that is still open when the stream ends."""
        if self._event is None:
            return None
        event, self._event = self._event, None
        return replace(event, status=STABLE, packets_lost=0, end=end, current=now, ended=now)

    def recount(self, more: int) -> None:
        """Correct the open event by the late line of its last interval.

        ``more`` were lost than its own line showed; fewer, if some came after all.
        """
        if self._event is not None and more:
            confirmed = max(self._event.packets_lost_confirmed + more, 0)
            self._event = replace(self._event, packets_lost_confirmed=confirmed)

    def _judge(self, interval: Interval, count: Count | None) -> _Verdict:
        """Weigh one interval, and learn the steady rate."""
        if count is None:
            return _Verdict(0, 0, 0, None, interval.bytes == 0)
        arrived, confirmed = count.received, count.gap
        dark = not count.doubtful and count.span == 0 and arrived == 0
        expected = self._expected(interval)
        if interval.seconds > 0 and confirmed == 0 and not dark:
            self._baseline_pps = max(self._baseline_pps, arrived / interval.seconds)
        short = expected - arrived if dark or expected - arrived > _BORDER_PACKETS else 0
        if self._policy.use_iperf_loss_counter is False:
            lost = short
        else:
            short = short if dark or (self._policy.infers and confirmed == 0) else 0
            lost = confirmed or short
        return _Verdict(lost, confirmed, 0 if confirmed else short, arrived, dark)

    def _expected(self, interval: Interval) -> int:
        rate = self._policy.expected_pps or self._baseline_pps
        self.expected_packets = rate * interval.seconds
        return round(self.expected_packets)

    def _lossy(self, interval: Interval, verdict: _Verdict) -> LossEvent:
        before = self._event
        status = LOSING_ALL if verdict.dark else LOSING
        begun = before or LossEvent(
            event_number=self._numbers.take(),
            stream_id=interval.stream_id,
            status=status,
            kind="stall" if verdict.received is None else "loss",
            packets_lost=0,
            packets_received=None,
            packets_lost_confirmed=0,
            packets_lost_estimated=0,
            begin=interval.start,
            started=interval.arrived,
            current=interval.arrived,
            run_number=interval.run_number,
        )
        self._event = replace(
            _told(begun, interval, verdict),
            status=status + (CONTINUED if before else ""),
            packets_lost=verdict.lost,
        )
        return self._event

    def _clean(self, interval: Interval, verdict: _Verdict) -> LossEvent | None:
        if self._event is None:
            return None
        event, self._event = self._event, None
        if event.packets_lost_estimated and verdict.confirmed:
            event = _told(event, interval, verdict)  # the gap of what was only inferred so far
        return replace(
            event,
            status=STABLE,
            packets_lost=0,
            packets_received=verdict.received,
            end=interval.start,
            current=interval.arrived,
            ended=interval.arrived,
        )


class _Verdict(NamedTuple):
    """What the policy makes of one interval; ``received`` is None for TCP."""

    lost: int
    confirmed: int
    estimated: int
    received: int | None
    dark: bool


def _told(event: LossEvent, interval: Interval, verdict: _Verdict) -> LossEvent:
    """Add an interval to an event; a gap that iperf counts holds what was inferred before."""
    estimated = event.packets_lost_estimated + verdict.estimated
    return replace(
        event,
        packets_received=verdict.received,
        packets_lost_confirmed=event.packets_lost_confirmed + verdict.confirmed,
        packets_lost_estimated=0 if verdict.confirmed else estimated,
        current=interval.arrived,
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
