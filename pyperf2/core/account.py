"""The account of one stream: what was sent, what arrived, what is lost, and how sure that is.

A receiver's account is its own counts (``core/counting.py``), its last line, and what the sender
says of itself; a sender's is its writes. Reconciling them is a pure function of the three, made
anew whenever a result is asked for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from pyperf2.core.counting import Count, Counter, profile_for
from pyperf2.core.outage import Estimator

if TYPE_CHECKING:
    from pyperf2.core.binary import Version
    from pyperf2.core.counting import Profile
    from pyperf2.core.gaps import Outage
    from pyperf2.core.outage import Stall
    from pyperf2.core.records import Connected, Interval, OutOfOrder, Sent, Summary

_UNEVEN_WRITES: Final = 3  # datagrams; a sender that keeps its rate stays within
_MAX_UNEVEN: Final = 1_000
_FIN_RETRY_PACKETS: Final = 4  # at 1000 pps: iperf2 repeats its FIN every 10 ms, at worst 4
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_CONNECTED_LAG_S: Final = 0.0002  # from the first datagram to the "connected" line


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What a sender says of itself, for the receiver's account.

    Attributes:
        datagrams: data datagrams it sent; None while it sends.
        uneven: intervals (begin, end) in seconds in which it did not keep its rate.
    """

    datagrams: int | None = None
    uneven: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What became of a stream's datagrams; None where it cannot be known.

    ``lost_error`` bounds ``lost`` on both sides; 0 is exact. ``leading`` were lost before the
    first that arrived, ``trailing`` behind the last.
    """

    sent: int | None = None
    received: int | None = None
    lost: int | None = None
    lost_error: int = 0
    out_of_order: int | None = None
    duplicate: int | None = None
    leading: int = 0
    trailing: int | None = None


class ReceiverAccount:
    """Counts what a receiver prints of one UDP stream."""

    def __init__(
        self,
        version: Version | None,
        *,
        nominal: float | None = None,
        datagram_length: int | None = None,
    ) -> None:
        """Begin; ``nominal`` is the offered load in packets per second, where known."""
        self._profile: Profile = profile_for(version)
        self._counter = Counter(self._profile, datagram_length=datagram_length)
        self._estimator = Estimator(
            nominal=nominal, closer_is_counted=self._profile.closer_is_counted
        )
        self._span = self._received = self._gap = self._late = 0
        self._doubtful = 0
        self._last: tuple[Interval, Count] | None = None
        self._zero_ns: int | None = None  # wall clock of stream time 0
        self._tail: _Tail | None = None  # known when the stream has ended

    def connected(self, connected: Connected) -> None:
        """Take the line that begins the stream."""
        self._estimator.first_sequence = connected.first_sequence
        if connected.arrived.wall_ns and not self._profile.closer_is_counted:
            self._zero_ns = connected.arrived.wall_ns - round(_CONNECTED_LAG_S * 1e9)

    def feed(self, interval: Interval) -> Count:
        """Count one interval and give what it adds."""
        count = self._counter.count(interval)
        self._doubtful += self._doubt(interval, count)
        self._last = (interval, count)
        self._add(count)
        self._estimator.feed(interval.start, interval.end, count)
        if count.late:
            self._estimator.amend(0, count.late, _spread_ms(interval))
        if interval.arrived.wall_ns:
            zero_ns = interval.arrived.wall_ns - round(interval.end * 1e9)
            self._zero_ns = min(self._zero_ns or zero_ns, zero_ns)
        return count

    def _doubt(self, interval: Interval, count: Count) -> int:
        """Bound what figures that cannot be, or a missing line, may hide."""
        doubt = int(count.doubtful)
        if self._last is not None:
            skipped = abs(interval.start - self._last[0].end)
            if skipped > interval.seconds / 2:
                doubt += max(round((self.rate or 0.0) * skipped), 1)
        return doubt

    def late(self, late: OutOfOrder) -> Count | None:
        """Take the late line of the interval just fed; give its count again, now whole."""
        if self._last is None:
            return None
        interval, before = self._last
        if (late.start, late.end) != (interval.start, interval.end):
            return None
        count = self._counter.recount(replace(interval, out_of_order=late.count))
        self._add(count, before)
        self._estimator.amend(
            count.gap - before.gap, count.late - before.late, _spread_ms(interval)
        )
        self._last = (interval, count)
        return count

    def finish(self, final: Summary | None) -> None:
        """Learn that no interval follows, and what the last line adds to those there were."""
        tail = _Tail.of(self._profile, final, self._span, self._received, self._gap)
        if final is not None and tail.received:
            # Builds leave the end of a run, or all of a short one, to the final line.
            start = self._last[0].end if self._last else 0.0
            count = Count(tail.received + tail.gap, tail.received, tail.gap, 0)
            self._add(count)
            self._estimator.feed(start, final.end, count)
            tail = replace(tail, received=0, gap=0)
        self._tail = tail
        self._estimator.finish()

    @property
    def doubtful(self) -> int:
        """How many datagrams figures that cannot be may hide; 0 where all is as it must be."""
        return self._doubtful

    @property
    def given_back(self) -> int:
        """Datagrams that were counted as lost and came after all."""
        return self._estimator.late()

    def recent_outages(self) -> list[Outage]:
        """Give the last few outages confirmed, on the stream's clock."""
        return self._estimator.recent()

    @property
    def rate(self) -> float | None:
        """Datagrams per second, as the clock sees it."""
        return self._estimator.rate

    @property
    def stalls(self) -> tuple[Stall, ...]:
        """Deficits that were made up for without loss."""
        return tuple(self._estimator.stalls)

    def totals(self, final: Summary | None, sender: Sender | None) -> Totals:
        """Reconcile counts, final line and sender."""
        tail = self._tail or _Tail(highest=self._span)
        sent = sender.datagrams if sender else None
        doubt = self._doubtful
        arrived = self._received
        behind = tail.gap  # lost after the last interval
        if sent is not None and self._tail is not None:
            behind += sent - tail.highest  # less what repeated FINs have added
            if tail.highest > sent and not tail.fin:
                # The FIN itself has closed the last interval, and counts there as an arrival.
                arrived -= 1
                behind += 1
        elif tail.fin:
            sent = tail.highest
            doubt += self._fin_doubt(tail, final)
        elif self._tail is not None:  # it ended without a word from the sender
            doubt += self._estimator.missing(final.end if final else self._estimator.end)
        gaps = max(self._gap + behind, 0)
        lost = gaps - min(self._estimator.late(), gaps)
        if self._late:
            floor = max(gaps - self._late, sent - arrived if sent is not None else 0, 0)
            doubt += max(lost - floor, gaps - lost)
        duplicate: int | None = 0
        if self._late:
            duplicate = max(arrived + lost - sent, 0) if sent is not None else None
        return Totals(
            sent=sent,
            received=arrived - (duplicate or 0),
            lost=lost,
            lost_error=doubt,
            out_of_order=max(self._late - (duplicate or 0), 0),
            duplicate=duplicate,
            leading=self._estimator.leading,
            trailing=max(behind, 0) if sent is not None else None,
        )

    def _fin_doubt(self, tail: _Tail, final: Summary | None) -> int:
        """Bound what repeated FINs may have added to the last number, with no sender to ask."""
        missing = self._estimator.missing(final.end) if final else 0
        short = missing - tail.gap
        return min(round(short / _FIN_RETRY_PACKETS), tail.gap) if short > _FIN_RETRY_PACKETS else 0

    def outages(
        self, final: Summary | None, sender: Sender | None, *, stream_ended: bool
    ) -> tuple[Outage, ...]:
        """Give the outages, on the wall clock too, those of a stalled sender marked."""
        trailing = self.totals(final, sender).trailing if stream_ended else None
        found = self._estimator.outages(trailing=trailing, ended=stream_ended)
        rate = self._estimator.rate
        lead_s = self._estimator.leading / rate if rate else 0.0
        uneven = sender.uneven if sender else ()
        return tuple(
            replace(
                outage,
                begin_at=self._at(outage.begin_s),
                end_at=self._at(outage.end_s) if outage.complete else None,
                suspect=any(
                    begin < outage.end_s + lead_s and outage.begin_s + lead_s < end
                    for begin, end in uneven
                ),
            )
            for outage in found
        )

    def _at(self, stream_s: float) -> datetime | None:
        if self._zero_ns is None:
            return None
        microseconds = self._zero_ns // 1000 + round(stream_s * 1e6)
        return _EPOCH + timedelta(microseconds=microseconds)

    def _add(self, count: Count, instead_of: Count | None = None) -> None:
        for sign, one in ((1, count), (-1, instead_of)):
            if one is not None:
                self._span += sign * one.span
                self._received += sign * one.received
                self._gap += sign * one.gap
                self._late += sign * one.late


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tail:
    """What the final line adds to the intervals.

    ``fin``: the sender's FIN had arrived, so that ``highest`` is the last number it sent.
    """

    highest: int
    received: int = 0
    gap: int = 0
    fin: bool = False

    @classmethod
    def of(
        cls, profile: Profile, final: Summary | None, span: int, received: int, gap: int
    ) -> _Tail:
        """Read the final line; what it takes off for late arrivals is put back."""
        if final is None or final.packets is None or final.lost_packets is None:
            return cls(highest=span)
        if profile.late_is_negative:
            highest = max(span, final.packets)
            return cls(highest=highest, received=highest - span)
        read = final.packets_received
        if read is not None:
            fin = read > received
            highest = final.packets - (profile.final_total_extra if fin else 0)
            more = read - (profile.final_read_extra if fin else 0) - received
        else:
            fin = final.packets > span
            highest = final.packets - (profile.final_total_extra if fin else 0)
            # Late arrivals are taken off Lost, down to 0: then the intervals know better.
            gaps = final.lost_packets + (final.out_of_order or 0) if final.lost_packets else gap
            more = highest - span - max(gaps - gap, 0)
        highest = max(highest, span)
        more = min(max(more, 0), highest - span)
        return cls(highest=highest, received=more, gap=highest - span - more, fin=fin)


@dataclass(slots=True)
class SenderAccount:
    """Watches whether a sender keeps its rate; constant memory."""

    nominal: float | None = None
    profile: Profile = field(default_factory=lambda: profile_for(None))
    _uneven: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_MAX_UNEVEN))
    _writes: int = 0
    _seconds: float = 0.0
    _datagrams: int | None = None

    def feed(self, interval: Interval) -> None:
        """Compare an interval's writes with the rate."""
        if interval.writes is None or interval.seconds <= 0:
            return
        rate = self.nominal or (self._writes / self._seconds if self._seconds else None)
        if rate and abs(interval.writes - rate * interval.seconds) > _UNEVEN_WRITES:
            self._uneven.append((interval.start, interval.end))
        self._writes += interval.writes
        self._seconds += interval.seconds

    def sent(self, sent: Sent) -> None:
        """Take the sender's own count, the FIN taken off."""
        self._datagrams = max(sent.datagrams - self.profile.sent_extra, 0)

    def snapshot(self) -> Sender:
        """Give what the receiver's account needs."""
        return Sender(datagrams=self._datagrams, uneven=tuple(self._uneven))


def _spread_ms(interval: Interval) -> float | None:
    if interval.latency_max_ms is None or interval.latency_min_ms is None:
        return None
    return interval.latency_max_ms - interval.latency_min_ms
