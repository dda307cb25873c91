"""The account of one stream: what was sent, what arrived, what is lost, and how sure that is.

A receiver's account is its own counts (``core/counting.py``), its last line, and what the sender
says of itself; a sender's is its writes. Reconciling them is a pure function of the three, made
anew whenever a result is asked for.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pyperf2.core.counting import NOTHING, Count, Counter, plus, profile_for, profile_like
from pyperf2.core.ending import Tail
from pyperf2.core.outage import Estimator
from pyperf2.core.totals import Totals
from pyperf2.core.zero import Zero

if TYPE_CHECKING:
    from pyperf2.core.binary import Version
    from pyperf2.core.clock import Clock
    from pyperf2.core.counting import Profile
    from pyperf2.core.gaps import Outage, Stall
    from pyperf2.core.records import Connected, Interval, OutOfOrder, Summary
    from pyperf2.core.sender import Sender
    from pyperf2.core.whole import Whole

_TWICE: Final = 2
_SAME_END_S: Final = 0.005  # 2.2.5 prints two decimals
_COARSE_END_S: Final = 0.055  # 2.0.x prints one decimal
_ROUNDED_S: Final = 1e-6
_STOP_SLACK_S: Final = 0.06  # between the two ends' clocks, and for what is on the way
_SURE_RATE: Final = 0.01
_STOP_DOUBT: Final = 2  # datagrams; how far the clock may be off at an end
_FIN_NOISE: Final = 1.5  # datagrams
_FIN_AS_DATA: Final = 0.5  # datagrams; less, and FINs come about as fast as data
_CONNECTED_LAG_S: Final = 0.0002  # from the first datagram to the "connected" line


class ReceiverAccount:
    """Counts what a receiver prints of one UDP stream."""

    def __init__(
        self,
        version: Version | None,
        *,
        nominal: float | None = None,
        datagram_length: int | None = None,
        ends_first: bool = False,
    ) -> None:
        """Begin; ``nominal`` is the offered load in packets per second, where known.

        ``ends_first``: it is the receiver that ends the test.
        """
        self._nominal = nominal
        self._ends_first = ends_first
        self._length = datagram_length
        self._guesses = version is None
        self._count_as(profile_for(version))
        self._sum = NOTHING
        self._late_told = 0  # by the late lines of all intervals, time-outs included
        self._doubtful = 0
        self._last: Interval | None = None
        self._last_count: Count | None = None  # None: it was whole
        self._whole = 0  # datagrams in whole intervals that are not in the sum yet
        self._zero = Zero()
        self._tail: Tail | None = None  # known when the stream has ended
        # What the end started from, while the final line's late line may change it.
        self._final: Summary | None = None
        self._before_end: tuple[Count, Estimator] | None = None

    def _count_as(self, profile: Profile) -> None:
        self._profile = profile
        self._counter = Counter(profile, datagram_length=self._length)
        self._estimator = Estimator(profile, nominal=self._nominal)

    def connected(self, connected: Connected) -> None:
        """Take the line that begins the stream."""
        self._estimator.first_sequence = connected.first_sequence
        if connected.arrived.wall_ns and not self._profile.closer_is_counted:
            self._zero.place(connected.arrived, _CONNECTED_LAG_S)

    def feed(self, interval: Interval) -> Count:
        """Count one interval and give what it adds."""
        if self._guesses and self._last is None:
            first = self._estimator.first_sequence
            self._count_as(profile_like(interval))
            self._estimator.first_sequence = first
        count = self._counter.count(interval, expected=self._expected(interval))
        self._doubtful += self._doubt(interval, count)
        if self._tail is not None:  # what was taken for the final line was none
            self._tail, self._doubtful = None, self._doubtful + max(count.received, 1)
        self._last, self._last_count = interval, count
        self._sum = plus(self._sums, count)
        self._late_told += interval.out_of_order or 0
        start, end = interval.start, interval.end
        self._estimator.feed(start, end, count, spread_ms=_spread_ms(interval))
        if count.late:
            self._amend(0, count.late, interval)
        self._zero.place(interval.arrived, end)
        return count

    def steady_at(self, start: float) -> tuple[Clock, int] | None:
        """Give clock and highest number if all was as it should be until ``start``; else None."""
        last = self._last
        if last is None or last.end != start or self._tail or self._profile.total_keeps_losses:
            return None
        return self._estimator.steady()

    def take_whole(self, whole: Whole, last: Interval) -> None:
        """Count intervals in which nothing was lost or late, as ``feed`` does."""
        self._estimator.take_whole(whole)
        self._last, self._last_count, self._whole = last, None, self._whole + whole.span
        self._zero.place_all(whole.arrivals())

    @property
    def _sums(self) -> Count:
        """All counts so far."""
        if self._whole:
            self._sum = plus(self._sum, Count(self._whole, self._whole, 0, 0))
            self._whole = 0
        return self._sum

    def _doubt(self, interval: Interval, count: Count) -> int:
        """Bound what figures that cannot be, or a missing line, may hide."""
        doubt = 0
        if count.doubtful:
            doubt = max(round((self.rate or 0.0) * interval.seconds), 1)
        if self._last is not None:
            skipped = abs(interval.start - self._last.end)
            if skipped > interval.seconds / 2:
                doubt += max(round((self.rate or 0.0) * skipped), 1)
        return doubt

    def late(self, late: OutOfOrder) -> Count | None:
        """Take the late line of the interval just fed; give its count again, now whole."""
        if self._tail is not None:
            self._late_at_end(late)
            return None
        if self._last is None:
            return None
        interval, before = self._last, self._count_of(self._last)
        if (late.start, late.end) != (interval.start, interval.end):
            return None
        count = self._counter.recount(
            replace(interval, out_of_order=late.count), expected=self._expected(interval)
        )
        self._sum = plus(self._sums, count, before)
        self._late_told += late.count - (interval.out_of_order or 0)
        self._amend(count.gap - before.gap, count.late - before.late, interval)
        self._last = replace(interval, out_of_order=late.count)
        self._last_count = count
        return count

    def _count_of(self, last: Interval) -> Count:
        packets = last.packets or 0
        return self._last_count or Count(packets, packets, 0, 0)

    def _expected(self, interval: Interval) -> float | None:
        return None if self.rate is None else self.rate * interval.seconds

    def _late_at_end(self, late: OutOfOrder) -> None:
        """Take the late line of the final line: it changes what that one meant."""
        if self._final is None or (late.start, late.end) != (self._final.start, self._final.end):
            return
        final = replace(self._final, out_of_order=late.count)
        if self._before_end is not None:
            self._sum, self._estimator = self._before_end
            self.finish(final)
            return
        tail = Tail.of(self._profile, final, self._sums, self._late_told)
        if tail.late and tail.received == tail.late:  # they came, and nothing new behind them
            self._take_late(tail)

    def _take_late(self, tail: Tail) -> None:
        count = Count(0, tail.late, 0, tail.late, unsure=tail.unsure)
        self._sum = plus(self._sums, count)
        self._late_told += tail.late
        self._estimator.amend(0, tail.late, None)

    def _amend(self, extra_gap: int, late: int, interval: Interval) -> None:
        """Enter what came late, or twice; the delays tell which, where they are told."""
        blind = self._profile.delays_without_late
        self._estimator.amend(extra_gap, late, None if blind else _spread_ms(interval), whole=blind)

    def finish(self, final: Summary | None) -> None:
        """Learn that no interval follows, and what the last line adds to those there were."""
        tail = Tail.of(self._profile, final, self._sums, self._late_told)
        self._doubtful += tail.less
        self._final = final
        if final is not None and tail.received > tail.late:
            if final.out_of_order is None:
                self._before_end = (self._sums, deepcopy(self._estimator))
            # Builds leave the end of a run, or all of a short one, to the final line.
            start = self._last.end if self._last else 0.0
            count = tail.count()
            self._sum = plus(self._sums, count)
            end = self._fine_end(final, count.span)
            self._estimator.feed(start, end or final.end, count, coarse=end is not None)
            if count.late:
                self._estimator.amend(0, count.late, None)
            tail = replace(tail, received=0, gap=0, late=0)
        elif final is not None and tail.late:
            self._take_late(tail)
            tail = replace(tail, received=0, late=0)
        elif final is not None and self._last is not None and not tail.fin:
            interval, count = self._last, self._count_of(self._last)
            together = abs(final.end - interval.end) <= _SAME_END_S
            if together and count.received and self._profile.final_total_extra:
                if self._reads_fin_twice(interval):
                    self._sum = plus(self._sums, Count(0, 0, 1, 0), Count(0, 1, 0, 0))
                    self._estimator.amend(1, 0, None)
                alone = count.gap > 0 and count.received == 1 and self._estimator.reopen()
                reopened = count.gap if alone else 0
                tail = replace(tail, fin_within=True, last_gap=count.gap, reopened=reopened)
        self._tail = tail
        self._estimator.finish()

    def _reads_fin_twice(self, interval: Interval) -> bool:
        """Whether a FIN in the interval is in its arrivals twice, hidden by late ones so far."""
        if self._profile.final_read_extra < _TWICE or interval.packets_received is None:
            return False
        hidden = bool(interval.out_of_order) and not self._counter.fin_read_twice
        return hidden and "in_progress_packets" not in interval.details

    def _fine_end(self, final: Summary, span: int) -> float | None:
        """Give when the last datagram came, by the clock, where the end is but rounded.

        2.0.x and 2.2.5 print one decimal or two.
        """
        by_clock = self._estimator.time_of_next(span)
        if by_clock is None or abs(round(final.end, 2) - final.end) > _ROUNDED_S:
            return None
        return by_clock if abs(by_clock - final.end) <= _COARSE_END_S else None

    @property
    def doubtful(self) -> int:
        """How many datagrams figures that cannot be may hide; 0 where all is as it must be."""
        return self._doubtful

    @property
    def counted(self) -> int:
        """How many are lost by what was printed so far, less those that came after all."""
        return self._sums.gap - self._estimator.given_back

    def recent_outages(self) -> list[Outage]:
        """Give the last few outages confirmed, on the stream's clock."""
        return self._estimator.recent()

    @property
    def rate(self) -> float | None:
        """Datagrams per second, as the clock sees it."""
        return self._estimator.clock.rate

    @property
    def stalls(self) -> tuple[Stall, ...]:
        """Deficits that were made up for without loss."""
        return tuple(self._estimator.shortfall.stalls)

    def totals(self, final: Summary | None, sender: Sender | None) -> Totals:
        """Reconcile counts, final line and sender."""
        sums, doubt = self._sums, self._doubtful
        tail = self._tail or Tail(highest=sums.span)
        sent = self._sent_by(sender)
        arrived, highest = sums.received, tail.highest
        behind = tail.gap  # lost after the last interval
        fin_doubt = on_the_way = 0
        fin, fin_within = tail.fin, tail.fin_within
        if sent is not None:
            fin_within = bool(self._profile.final_total_extra) and not fin and highest > sent
        if fin_within:
            arrived, highest, fin = arrived - 1, highest - 1, sent is not None
        if self._tail is None:
            pass
        elif sent is not None and (fin or self._listened(sender, final)):
            behind += sent - highest  # less what repeated FINs have added
            on_the_way = 0 if fin else self._on_the_way(sent - highest, final)
            doubt += on_the_way
        elif sent is not None:
            behind += min(self._estimator.missing(self._end(final)), max(sent - highest, 0))
            doubt += _STOP_DOUBT + (self._interval_packets() if final is None else 0)
        elif fin or fin_within:
            fin_doubt = self._fin_doubt(tail, final, highest)
            sent = highest if fin else None
        else:  # it ended without a word from the sender
            doubt += self._estimator.missing(self._end(final))
        doubt += fin_doubt
        gaps = max(sums.gap + behind, 0)
        lost = gaps - min(self._estimator.given_back, gaps)
        if sums.late or sums.unsure:
            floor = max(gaps - sums.late, sent - arrived if sent is not None else 0) - sums.unsure
            doubt += max(lost - max(floor, 0), gaps + sums.unsure - lost)
        if sent is not None:
            doubt = min(doubt, max(lost, sent - lost))
            doubt = max(doubt, 0 if sums.late else arrived + lost - sent)
        # A FIN's number tells what was lost before it, though not whether it was the first FIN.
        told = sent is not None or bool(tail.reopened or tail.gap)
        duplicate: int | None = 0
        if sums.late:
            duplicate = max(arrived + lost - sent, 0) if sent is not None else None
        return Totals(
            sent=sent,
            received=arrived - (duplicate or 0),
            lost=lost,
            lost_error=doubt,
            out_of_order=max(sums.late - (duplicate or 0), 0),
            duplicate=duplicate,
            leading=self._estimator.leading,
            trailing=max(behind + tail.reopened, 0) if told else None,
            fin_doubt=fin_doubt,
            on_the_way=on_the_way,
            repeated_fins=max(-behind - tail.reopened, 0),
        )

    def _on_the_way(self, behind: int, final: Summary | None) -> int:
        """Give how many of those behind the last one may just have come too late.

        iperf3's client ends a test by itself. What it was short of then was lost before.
        """
        if not self._ends_first or self._estimator.missing(self._end(final)):
            return 0
        return max(behind, 0)

    def _sent_by(self, sender: Sender | None) -> int | None:
        """Give the data datagrams sent; a build that was guessed is the sender's, too."""
        if sender is None or sender.told is None or not self._guesses:
            return sender.datagrams if sender else None
        return max(sender.told - self._profile.sent_extra, 0)

    def _end(self, final: Summary | None) -> float:
        return final.end if final else self._estimator.end

    def _interval_packets(self) -> int:
        seconds = self._last.seconds if self._last else 0.0
        return round((self.rate or 0.0) * seconds)

    def _listened(self, sender: Sender | None, final: Summary | None) -> bool:
        """Whether the receiver was still there when the sender ended."""
        if sender is None or sender.datagrams is None:
            return False
        if self._profile.late_is_negative and final is not None:
            return True  # iperf3's control connection ends both sides together
        rate, lead_s, until = self.rate, 0.0, sender.end_s
        if rate:
            lead_s = self._estimator.leading / rate
        if rate and self._estimator.clock.rate_doubt < _SURE_RATE:
            until = max(until, sender.datagrams / rate)
        return self._end(final) + _STOP_SLACK_S >= until - lead_s

    def _fin_doubt(self, tail: Tail, final: Summary | None, highest: int) -> int:
        """Bound what repeated FINs may have added to the last number, with no sender to ask.

        Each bears a number, as if it were data, but they are sent much more slowly.
        """
        before = tail.last_gap
        if final is None or not before:
            return 0
        expected = self._estimator.clock.number_at(final.end)
        each = self._profile.fin_every_s * (self.rate or 0.0) - 1.0
        if expected is None or each <= _FIN_AS_DATA or not self._estimator.grounded:
            return before
        slack = _FIN_NOISE + highest * self._estimator.clock.rate_doubt
        return min(before, max(int((expected - highest + slack) / each), 0))

    def outages(
        self, final: Summary | None, sender: Sender | None, *, stream_ended: bool
    ) -> tuple[Outage, ...]:
        """Give the outages, on the wall clock too, those of a stalled sender marked."""
        totals = self.totals(final, sender) if stream_ended else Totals()
        found = self._estimator.outages(
            sender,
            trailing=0 if totals.on_the_way else totals.trailing,
            ended=stream_ended,
            repeated_fins=totals.repeated_fins,
            fin_doubt=totals.fin_doubt,
        )
        rate = self._estimator.clock.rate
        lead_s = self._estimator.leading / rate if rate else 0.0
        uneven = sender.uneven if sender else ()
        return tuple(
            replace(
                outage,
                begin_at=self._zero.at(outage.begin_s),
                end_at=self._zero.at(outage.end_s) if outage.complete else None,
                suspect=any(
                    begin < outage.end_s + lead_s and outage.begin_s + lead_s < end
                    for begin, end in uneven
                ),
            )
            for outage in found
        )


def _spread_ms(interval: Interval) -> float | None:
    if interval.latency_max_ms is None or interval.latency_min_ms is None:
        return None
    return interval.latency_max_ms - interval.latency_min_ms
