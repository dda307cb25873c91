"""Intervals → outages: when each began and ended, how long it was, within which bounds.

Streaming, constant memory. An outage shows twice: as a gap in the numbers, counted in the
interval that holds the first datagram after it, and as a deficit of the sequence clock at the
boundaries in between. With a deficit at the boundary before the gap, the last datagram before the
outage is exactly number S there: the outage is *located* to a packet. Without one it lies within
one interval: *contained*, as it is if a stall may have made the deficit (``core/shortfall.py``). A
deficit that is made up for without a gap is a *stall*; three or more lossy intervals in a row are
*degraded*.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from pyperf2.core.clock import Clock
from pyperf2.core.gaps import CLOSER_JITTER_S, DEFICIT_PACKETS, JITTER_S, Gap, open_outage
from pyperf2.core.late import give_back
from pyperf2.core.listing import without_fins
from pyperf2.core.pace import Pace
from pyperf2.core.periods import Periods
from pyperf2.core.shortfall import Shortfall
from pyperf2.core.start import FIRST, Start

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperf2.core.counting import Count, Profile
    from pyperf2.core.gaps import Outage
    from pyperf2.core.sender import Sender
    from pyperf2.core.whole import Whole

JUMP_PACKETS: Final = 1.6
_UNPROVEN_POINTS: Final = 2  # boundaries; a rate that rests on no more may be a cut-short one's


class Estimator:
    """The outages of one stream; feed it the counts of its intervals in order."""

    def __init__(self, profile: Profile, *, nominal: float | None = None) -> None:
        """Begin; ``nominal`` is the offered load in packets per second, where known."""
        self.clock = Clock(nominal)
        self._closer = profile.closer_is_counted
        self._jitter_s = CLOSER_JITTER_S if self._closer else JITTER_S
        self._number = 0  # highest so far: S
        self.end = 0.0  # the last boundary
        self._coarse = False
        self._fed = (0.0, 0.0, 0)  # the last interval, and the highest number before it
        self._deficit = 0.0  # at the last boundary
        self.shortfall = Shortfall(stamps_when_read=profile.stamps_when_read)
        self._start: Start | None = None  # a gap in the first interval, not yet explained
        self._begun = False
        self._headed = False
        self._waits = False  # the last boundary was left out of the clock
        self._jump = JUMP_PACKETS  # both wider where the rate is but measured
        self._missed = DEFICIT_PACKETS
        self._pace = Pace()
        self.periods = Periods(self.clock, jitter_s=self._jitter_s)
        self.given_back = 0  # counted as lost, and came after all
        self.leading = 0
        self.first_sequence: int | None = None

    def time_of_next(self, span: int) -> float | None:
        """Give when the number ``span`` after the last one comes, by the clock."""
        if not self._begun:
            return span / self.clock.rate if self.clock.rate else None
        return self.clock.time_of(self._number + span, self.clock.anchor())

    @property
    def grounded(self) -> bool:
        """Whether the clock rests on more than the first interval."""
        return self.clock.points > 1 or (self.clock.announced and not self._headed)

    def missing(self, until: float) -> int:
        """Datagrams that no gap has counted yet, if the sender still sends at ``until``."""
        rate = self.clock.rate
        if not self.shortfall.on or not rate:
            return 0
        since = self.clock.time_of(self._number, self.clock.anchor()) or self.end
        return max(ceil((until - since) * rate), 0)

    def feed(
        self,
        start: float,
        end: float,
        count: Count,
        *,
        coarse: bool = False,
        spread_ms: float | None = None,
    ) -> None:
        """Take the count of the interval from ``start`` to ``end``, on the stream's clock.

        ``coarse``: its end is itself read off the clock, which then learns nothing. ``spread_ms``:
        difference of the longest and the shortest delay in it, where printed.
        """
        before, self._number = self._number, self._number + count.span
        self.end = end
        self._fed = (start, end, before)
        late_border_s = self.shortfall.interval(end - start)
        self._coarse = coarse
        if not self._begun:
            self._begin(start, end, count)
            return
        if self._start is not None and count.span:
            self._settle_by_announcement(start, end)
        drift = self.clock.drift(self._number, self.clock.anchor()) * (self.clock.rate or 0.0)
        self._jump, self._missed = JUMP_PACKETS + drift, DEFICIT_PACKETS + drift
        expected = self.clock.number_at(end)
        deficit = 0.0 if expected is None else expected - self._number
        if deficit <= -self._missed and self.clock.points <= _UNPROVEN_POINTS:
            deficit = self._catch_up(before, start, end, deficit)
        standing = self.shortfall.on and abs(deficit - self._deficit) <= self._jump
        dark = count.span == 0
        if dark or count.gap:
            self._pace.steady()
        elif self._keeps_another_pace(before, start, end, deficit):
            standing, deficit = False, 0.0
        self._deficit = deficit
        if standing and not dark and not count.gap:
            # A whole interval's worth has come and the deficit stands: the clock has slipped.
            self.shortfall.fill(end, self._number, slipped=True)
            self.clock.break_off()
            deficit = self._deficit = 0.0
        if count.gap:
            gap = self._take_gap(before, count, deficit, standing=standing)
            gap.spread_ms, gap.late_border_s = spread_ms or 0.0, late_border_s
        elif deficit >= self._missed or (dark and expected is None):
            self._fall_short(start, deficit)
            self.periods.pause()
        elif dark:
            pass  # slower than one datagram an interval, or the last one was counted early
        else:
            self._take_clean(before, start, end, deficit)

    def steady(self) -> tuple[Clock, int] | None:
        """Give clock and highest number if nothing is missing, open, or to be learnt; else None."""
        doubt = self.shortfall.on or self._waits or self._start or self.periods.pending
        ready = self._begun and not doubt and self.clock.settled
        return (self.clock, self._number) if ready else None

    def take_whole(self, whole: Whole) -> None:
        """Take intervals as ``feed`` does, while ``steady``; the clock has followed them."""
        self._fed = (whole.last_start, whole.end, self._number + whole.span - whole.packets[-1])
        self._number, self.end = self._number + whole.span, whole.end
        for seconds in whole.last_lengths():
            self.shortfall.interval(seconds)
        self._coarse, self._deficit = False, self.clock.short
        self._pace.steady()
        self.clock.hint(*whole.fullest())

    def amend(
        self, extra_gap: int, late: int, spread_ms: float | None, *, whole: bool = False
    ) -> None:
        """Take the late line of the interval just fed; for the rest see ``give_back``.

        ``extra_gap``: numbers missing in it beyond what its own line showed.
        """
        if extra_gap > 0:
            self._add_to_last(extra_gap)
        latest = self.periods.latest
        gaps = (*latest, self._start.gap) if self._start else latest
        self.given_back += give_back(gaps, late, self._fed[:2], spread_ms=spread_ms, whole=whole)

    def _add_to_last(self, lost: int) -> None:
        """Count numbers missing in the interval just fed that its own line did not show."""
        start, end, before = self._fed
        last = self.periods.latest[-1] if self.periods.latest else None
        if self._start is not None and self._start.gap.interval[1] == end:
            last = self._start.gap
        if last is None or last.interval[1] != end:
            last = Gap(
                lost=0,
                received=self._number - before,
                last=before,
                interval=(start, end),
                room_end=min(end, self.clock.time_of(self._number, self.clock.anchor()) or end),
                before=self.clock.anchor(),
            )
            self.periods.add_unasked(last)
        last.lost += lost
        if last.row is not None:
            last.row.lost += lost

    def reopen(self) -> bool:
        """Learn that what ended the last gap was no datagram of the stream.

        Returns:
            Whether it was an outage that is open again; else all was lost before the first.
        """
        gap = self.periods.take_back()
        if gap is None:
            return False
        self._number = gap.last
        self.shortfall.on = True
        return True

    def finish(self) -> None:
        """Learn that no interval follows: what is open is confirmed as it stands."""
        if self._start is not None and not self.clock.anchored:
            self.clock.add(self.end, self._number)
        self._settle_start(at_last=True)
        self._confirm()

    def _begin(self, start: float, end: float, count: Count) -> None:
        self._begun = True
        self._headed = count.gap > 0
        self.clock.hint(count.received, end - start, doubt=1.0 if self._headed else None)
        if count.gap:
            gap = Gap(
                lost=count.gap, received=count.received, last=0, interval=(start, end), room_end=end
            )
            self._start = Start(gap, self._number)
            self._settle_by_announcement(start, end)
            return
        self.clock.add(0.0, FIRST)
        expected = self.clock.number_at(end)
        deficit = 0.0 if expected is None else expected - self._number
        if abs(deficit) > self._jump:
            self._pace.off(start, 0, deficit)
        if deficit >= self._missed:
            self._deficit = deficit
            self._fall_short(start, deficit)
        else:
            self._take_clean(0, start, end, deficit)

    def _keeps_another_pace(self, before: int, start: float, end: float, deficit: float) -> bool:
        """Tell whether the sender keeps a rate of its own; if so, set the clock to it."""
        if abs(deficit) <= self._jump:
            self._pace.steady()
            return False
        self._pace.off(start, before, deficit - (self._deficit if self.shortfall.on else 0.0))
        found = self._pace.since(self.clock.points, self._jump)
        if found is None:
            return False
        since, number = found
        self.clock.restart(self._number - number, end - since)
        self.clock.add(since, number or FIRST)
        self._pace.steady()
        self.shortfall.on = False
        return True

    def _catch_up(self, before: int, start: float, end: float, deficit: float) -> float:
        """Correct a rate that is known from an interval cut short by an outage; give the deficit.

        A sender that keeps its rate cannot be ahead of it: what was taken for it was too little.
        """
        if self._headed or self.clock.announced or self._closer:
            return deficit
        self.clock.restart(self._number, end)
        self.clock.add(0.0, FIRST)
        at_start = (self.clock.number_at(start) or 0.0) - before
        if at_start >= self._missed:
            self.shortfall.fall(before, at_start, start)
        return (self.clock.number_at(end) or 0.0) - self._number

    def _fall_short(self, start: float, deficit: float) -> None:
        """A boundary without its number: an outage or a stall is on."""
        since = self.clock.time_of(self._number, self.clock.anchor()) or start
        self.shortfall.fall(self._number, deficit, since)

    def _take_gap(self, before: int, count: Count, deficit: float, *, standing: bool) -> Gap:
        self._waits = False
        start, end, short = *self._fed[:2], self.shortfall
        gap = Gap(
            lost=count.gap,
            received=count.received,
            last=before,
            interval=(start, end),
            # Short by the same before and after: the clock had slipped, and it began later.
            located=short.on and not standing and count.gap >= short.deepest - self._jump,
            deficit=short.deepest if short.on else 0.0,
            room_end=end + (self._missed * self.clock.packet_s if self._closer else 0.0),
            before=self.clock.anchor(),
            unseen=self._missed + (self._missed > DEFICIT_PACKETS) + short.slipped_at(start),
        )
        if short.on and not gap.located and not standing:
            short.came(self._number)
        short.on = False
        unproven = self.clock.points <= _UNPROVEN_POINTS
        if self._closer and deficit <= -self._missed:
            gap.ends, gap.ahead = self._number, -deficit
        elif -self._jump <= deficit <= (self._jump if unproven else JUMP_PACKETS):
            self._learn(end)  # numbers tell the time through loss, too
        elif deficit >= self._missed:
            if not gap.deficit or gap.located:  # else the clock may just have slipped
                gap.room_end = min(end, self.clock.time_of(self._number, gap.before) or end)
            self._fall_short(start, deficit)
        self._settle_start()
        self.periods.add(gap)
        return gap

    def _take_clean(self, before: int, start: float, end: float, deficit: float) -> None:
        """Confirm what came before: this interval is without a gap, and on the clock."""
        if self.shortfall.on:
            self.shortfall.fill(end, self._number)
        # Short by two: an outage that has just begun, or, if it stays so, a clock that has slipped.
        waits = deficit > self._jump and not self._waits
        if abs(deficit) > self._jump and not waits:
            self.clock.break_off()
        self._waits = waits
        if not waits:
            self.clock.hint(self._number - before, end - start)
            self._learn(end)
        self._confirm()

    def _learn(self, end: float) -> None:
        if not self._coarse:
            self.clock.add(end, self._number)

    def _confirm(self) -> None:
        self._settle_start()
        self.periods.confirm()

    def _settle_by_announcement(self, start: float, end: float) -> None:
        """Settle a first gap by the announced rate; what leaves a doubt, one interval later."""
        clock, rate = self.clock, self.clock.rate
        if self._start is None or not clock.announced or rate is None:
            return
        number, gap = self._start.number, self._start.gap
        leading = self._start.by_announcement(
            rate, self._number, end, jump=self._jump, counted_early=self._closer
        )
        if leading is None:
            return
        clock.add(0.0, leading + FIRST)
        deficit = leading + FIRST + rate * gap.interval[1] - number
        if abs(deficit) <= self._jump:
            clock.add(gap.interval[1], number)
        elif deficit >= self._missed:
            self._number, now = number, self._number
            self._fall_short(start, deficit)
            self._number = now
        elif self._closer and deficit <= -self._missed:
            gap.ends = number
        self._deficit = deficit
        self._settle_start()

    def _settle_start(self, *, at_last: bool = False) -> None:
        """Tell what was lost before the first datagram from what was lost behind it."""
        if self._start is None or not (at_last or self.clock.tells or self.first_sequence):
            return
        start, self._start = self._start, None
        gap = start.gap
        if self.first_sequence is not None:
            leading = min(self.first_sequence - 1, gap.lost)
        else:
            # Dark from the first interval on: nothing tells; most likely it all came before.
            unsettled = at_last and self.clock.announced
            slack = JUMP_PACKETS + self._number * self.clock.rate_doubt
            leading = start.by_clock(None if unsettled else self.clock.number_at(0.0), slack)
        self.leading = leading - max(gap.late - (gap.lost - leading), 0)
        if gap.lost > leading:
            gap.lost -= leading
            gap.last = leading + 1
            gap.before = self.clock.anchor()
            self.periods.add_unasked(gap, first=True)

    def recent(self) -> list[Outage]:
        """Give the last few outages confirmed; no sender has been asked yet."""
        return self.periods.recent(self._judge(None))

    def _judge(self, sender: Sender | None) -> Callable[[Gap], bool]:
        return self.shortfall.judge(sender, self.clock.packet_s, number=self._number)

    def outages(
        self,
        sender: Sender | None = None,
        *,
        trailing: int | None = None,
        ended: bool = False,
        repeated_fins: int = 0,
        fin_doubt: int = 0,
    ) -> list[Outage]:
        """Give the outages so far, in order; the open one last.

        Args:
            sender: what it says of itself, where known.
            trailing: datagrams lost behind the last one received, where known.
            ended: whether the stream is over.
            repeated_fins: numbers in the last gap that iperf2 spent on repeating its FIN.
            fin_doubt: numbers in it that it may have spent so.
        """
        clock = self.clock
        if not clock.rate:
            return []
        found = self.periods.outages(self._judge(sender))
        doubt = 0 if trailing else fin_doubt
        without_fins(found, repeated=repeated_fins, doubt=doubt, packet_s=clock.packet_s)
        if trailing if ended and trailing is not None else self.shortfall.on:
            found.append(
                open_outage(self._number, self.end, trailing, clock, jitter_s=self._jitter_s)
            )
        return found
