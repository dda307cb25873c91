"""Intervals → outages: when each began and ended, how long it was, within which bounds.

Streaming, constant memory. An outage shows twice: as a gap in the numbers, counted in the
interval that holds the first datagram after it, and as a deficit of the sequence clock at the
boundaries in between. With a deficit at the boundary before the gap, the last datagram before the
outage is exactly number S there: the outage is *located* to a packet. Without one it lies within
one interval: *contained*. A deficit that is made up for without a gap is a *stall*; three or more
lossy intervals in a row are *degraded*.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Final

from pyperf2.core.clock import Clock
from pyperf2.core.gaps import (
    CLOSER_JITTER_S,
    DEFICIT_PACKETS,
    JITTER_S,
    Gap,
    Row,
    gap_outage,
    open_outage,
    row_outage,
)

if TYPE_CHECKING:
    from pyperf2.core.counting import Count
    from pyperf2.core.gaps import (
        Outage,
    )

_JUMP_PACKETS: Final = 1.6
_DEGRADED_AFTER: Final = 3  # lossy intervals in a row
_BLACKOUT_PACKETS: Final = 10.0  # a deficit that random loss does not make: 10 lost in a row
_MAX_OUTAGES: Final = 10_000  # kept; what falls out stays in the totals
_LATE_WINDOW_S: Final = 0.5  # within it, late arrivals are taken to be the missing ones
_LATE_TOLERANCE: Final = 2
_RECENT: Final = 4
_FIRST: Final = 0.5  # the first datagram is number 1, and came at 0
_START_PACKETS: Final = 3  # 2.1 sends its first ones in a bunch: 1002 in the first second
_PACE_AFTER: Final = 2  # intervals off the clock by the same; more, the more spoke for the clock
_PACE_AFTER_MOST: Final = 32
_PACE_NOISE: Final = 2.0  # datagrams: either boundary of an interval is off by up to one


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """Late delivery or a sender's pause: a deficit that was made up for without loss.

    Attributes:
        begin_s: about when it began, on the stream's clock.
        end_s: the boundary at which it was over.
        packets: the largest deficit, in datagrams.
    """

    begin_s: float
    end_s: float
    packets: float


class Estimator:
    """The outages of one stream; feed it the counts of its intervals in order."""

    def __init__(self, *, nominal: float | None = None, closer_is_counted: bool = False) -> None:
        """Begin; ``nominal`` is the offered load in packets per second, where known."""
        self._clock = Clock(nominal)
        self._jitter_s = CLOSER_JITTER_S if closer_is_counted else JITTER_S
        self._closer = closer_is_counted
        self._number = 0  # highest so far: S
        self._end = 0.0
        self._fed = (0.0, 0.0, 0)  # the last interval, and the highest number before it
        self._deficit = 0.0  # at the last boundary
        self._short = False  # an outage or a stall is on
        self._short_since = 0.0
        self._deepest = 0.0
        self._head: Gap | None = None  # a gap in the first interval, until the clock explains it
        self._begun = False
        self._headed = False
        self._head_number = 0
        self._waits = False  # the last boundary was left out of the clock
        self._open: list[Gap] = []  # counted, not yet confirmed by a clean interval
        self._row: Row | None = None
        self._lossy = 0  # intervals in a row
        self._done: deque[Gap | Row] = deque(maxlen=_MAX_OUTAGES)
        self._recent: deque[Gap] = deque(maxlen=_RECENT)
        self._jump = _JUMP_PACKETS  # both wider where the rate is but measured
        self._missed = DEFICIT_PACKETS
        self.stalls: deque[Stall] = deque(maxlen=_MAX_OUTAGES)
        self._off: deque[tuple[float, int, float]] = deque(maxlen=_PACE_AFTER_MOST)
        self._given_back = 0
        self.leading = 0
        self.first_sequence: int | None = None

    @property
    def end(self) -> float:
        """The last boundary."""
        return self._end

    @property
    def rate(self) -> float | None:
        """Packets per second, as far as known."""
        return self._clock.rate

    def time_of_next(self, span: int) -> float | None:
        """Give when the number ``span`` after the last one comes, by the clock."""
        if not self._begun:
            return span / self._clock.rate if self._clock.rate else None
        return self._clock.time_of(self._number + span, self._clock.anchor())

    @property
    def grounded(self) -> bool:
        """Whether the clock rests on more than the first interval."""
        return self._clock.points > 1 or (self._clock.announced and not self._headed)

    @property
    def rate_doubt(self) -> float:
        """How far the rate may be off, relative to it."""
        return self._clock.rate_doubt

    def expected_at(self, end: float) -> float | None:
        """Give the number that a sender that still sends has reached at ``end``."""
        return self._clock.number_at(end)

    def missing(self, until: float) -> int:
        """Datagrams that no gap has counted yet, if the sender still sends at ``until``."""
        rate = self._clock.rate
        if not self._short or not rate:
            return 0
        since = self._clock.time_of(self._number, self._clock.anchor()) or self._end
        return max(ceil((until - since) * rate), 0)

    # --- in ---------------------------------------------------------------------------------

    def feed(self, start: float, end: float, count: Count) -> None:
        """Take the count of one interval."""
        before, self._number = self._number, self._number + count.span
        self._end = end
        self._fed = (start, end, before)
        if not self._begun:
            self._begin(start, end, count)
            return
        if self._head is not None and count.span:
            self._settle_by_announcement(start, end, last=True)
        drift = self._clock.drift(self._number, self._clock.anchor()) * (self._clock.rate or 0.0)
        self._jump, self._missed = _JUMP_PACKETS + drift, DEFICIT_PACKETS + drift
        expected = self._clock.number_at(end)
        deficit = 0.0 if expected is None else expected - self._number
        if deficit <= -self._missed and self._clock.points <= _PACE_AFTER:
            deficit = self._catch_up(before, start, end, deficit)
        standing = self._short and abs(deficit - self._deficit) <= self._jump
        dark = count.span == 0
        if dark or count.gap:
            self._off.clear()
        elif self._keeps_another_pace(before, start, end, deficit):
            standing, deficit = False, 0.0
        self._deficit = deficit
        if standing and not dark and not count.gap:
            # A whole interval's worth has come and the deficit stands: the clock has slipped.
            self._end_stall(end)
            self._clock.break_off()
            deficit = self._deficit = 0.0
        if count.gap:
            self._take_gap(before, start, end, count, deficit, standing=standing)
        elif deficit >= self._missed or (dark and expected is None):
            self._fall_short(start, deficit)
        elif dark:
            pass  # slower than one datagram an interval, or the last one was counted early
        else:
            self._take_clean(before, start, end, deficit)

    def amend(
        self, extra_gap: int, late: int, spread_ms: float | None, *, whole: bool = False
    ) -> None:
        """Take the late line of the interval just fed.

        Args:
            extra_gap: numbers missing in it beyond what its own line showed.
            late: datagrams in it that came late, or twice.
            spread_ms: difference of the longest and the shortest delay in it, where printed.
            whole: whether only all that is missing, at once, is taken for late: nothing else
                tells it from duplicates.
        """
        if extra_gap > 0:
            self._add_to_last(extra_gap)
        candidates = [
            gap
            for gap in (*self._recent, *([self._head] if self._head else ()))
            if self._end - gap.interval[1] <= _LATE_WINDOW_S
            and (spread_ms is None or spread_ms >= (self._end - gap.interval[1]) * 500)
        ]
        missing = sum(gap.lost - gap.late for gap in candidates)
        tolerance = max(_LATE_TOLERANCE, missing // 20)
        if late > missing + tolerance or (whole and late < missing - tolerance):
            return  # more than are missing: duplicates
        for gap in reversed(candidates):
            given = min(late, gap.lost - gap.late)
            gap.late += given
            if gap.row is not None:
                gap.row.lost -= given
            late -= given
            self._given_back += given

    def _add_to_last(self, lost: int) -> None:
        """Count numbers missing in the interval just fed that its own line did not show."""
        start, end, before = self._fed
        last = self._recent[-1] if self._recent else None
        if self._head is not None and self._head.interval[1] == end:
            last = self._head
        if last is None or last.interval[1] != end:
            last = Gap(
                lost=0,
                received=self._number - before,
                last=before,
                interval=(start, end),
                room_end=min(end, self._clock.time_of(self._number, self._clock.anchor()) or end),
                before=self._clock.anchor(),
            )
            self._open.append(last)
            self._recent.append(last)
        last.lost += lost
        if last.row is not None:
            last.row.lost += lost

    def reopen(self) -> bool:
        """Learn that what ended the last gap was no datagram of the stream.

        Returns:
            Whether it was an outage that is open again; else all was lost before the first.
        """
        if not self._recent:
            return False
        gap = self._recent.pop()
        if gap.row is not None:
            gap.row.lost -= gap.lost
            gap.row.span -= gap.lost + gap.received
        elif gap in self._open:
            self._open.remove(gap)
        else:
            self._done.remove(gap)
        self._number = gap.last
        self._short = True
        return True

    def finish(self) -> None:
        """Learn that no interval follows: what is open is confirmed as it stands."""
        if self._head is not None and not self._clock.anchored:
            self._clock.add(self._end, self._number)
        self._settle_head(at_last=True)
        self._confirm()

    # --- steps --------------------------------------------------------------------------------

    def _begin(self, start: float, end: float, count: Count) -> None:
        self._begun = True
        self._headed = count.gap > 0
        self._clock.hint(count.received, end - start, doubt=1.0 if self._headed else None)
        if count.gap:
            self._head = Gap(
                lost=count.gap, received=count.received, last=0, interval=(start, end), room_end=end
            )
            self._settle_by_announcement(start, end)
            return
        self._clock.add(0.0, _FIRST)
        expected = self._clock.number_at(end)
        deficit = 0.0 if expected is None else expected - self._number
        if abs(deficit) > self._jump:
            self._off.append((start, 0, deficit))
        if deficit >= self._missed:
            self._deficit = deficit
            self._fall_short(start, deficit)
        else:
            self._take_clean(0, start, end, deficit)

    def _keeps_another_pace(self, before: int, start: float, end: float, deficit: float) -> bool:
        """Tell whether the sender keeps a rate of its own; if so, set the clock to it.

        Intervals without a gap that fall short, or exceed, each by the same: the rate is not what
        was announced, or what the first of them seemed to show.
        """
        if abs(deficit) <= self._jump:
            self._off.clear()
            return False
        step = deficit - (self._deficit if self._short else 0.0)
        self._off.append((start, before, step))
        enough = min(_PACE_AFTER + self._clock.points, _PACE_AFTER_MOST)
        run = list(self._off)[-enough:]
        steps = [one[2] for one in run]
        alike = max(steps) - min(steps) <= _PACE_NOISE
        if len(run) < enough or not alike or abs(sum(steps)) / enough <= self._jump:
            return False
        since, number, _ = run[0]
        self._clock.restart(self._number - number, end - since)
        self._clock.add(since, number or _FIRST)
        self._off.clear()
        self._short = False
        return True

    def _catch_up(self, before: int, start: float, end: float, deficit: float) -> float:
        """Correct a rate that is known from an interval cut short by an outage; give the deficit.

        A sender that keeps its rate cannot be ahead of it: what was taken for it was too little.
        """
        if self._headed or self._clock.announced or self._closer:
            return deficit
        self._clock.restart(self._number, end)
        self._clock.add(0.0, _FIRST)
        at_start = (self._clock.number_at(start) or 0.0) - before
        if at_start >= self._missed:
            self._short = True
            self._deepest = max(self._deepest, at_start)
        return (self._clock.number_at(end) or 0.0) - self._number

    def _fall_short(self, start: float, deficit: float) -> None:
        """A boundary without its number: an outage or a stall is on."""
        if not self._short:
            self._short = True
            self._short_since = self._clock.time_of(self._number, self._clock.anchor()) or start
            self._deepest = 0.0
        self._deepest = max(self._deepest, deficit)
        self._lossy = 0

    def _take_gap(
        self,
        before: int,
        start: float,
        end: float,
        count: Count,
        deficit: float,
        *,
        standing: bool,
    ) -> None:
        self._waits = False
        gap = Gap(
            lost=count.gap,
            received=count.received,
            last=before,
            interval=(start, end),
            # Short by the same before and after: the clock had slipped, and it began later.
            located=self._short and not standing and count.gap >= self._deepest - self._jump,
            deficit=self._deepest if self._short else 0.0,
            room_end=end + (self._missed * self._clock.packet_s if self._closer else 0.0),
            before=self._clock.anchor(),
            unseen=self._missed,
        )
        self._short = False
        self._lossy += 1
        if self._closer and deficit <= -self._missed:
            gap.ends = self._number
        elif abs(deficit) <= self._jump:
            self._clock.add(end, self._number)  # numbers tell the time through loss, too
        elif deficit >= self._missed:
            if not gap.deficit or gap.located:  # else the clock may just have slipped
                gap.room_end = min(end, self._clock.time_of(self._number, gap.before) or end)
            lossy, self._lossy = self._lossy, 0
            self._fall_short(start, deficit)
            self._lossy = lossy
        self._settle_head()
        self._open.append(gap)
        self._recent.append(gap)
        if self._lossy >= _DEGRADED_AFTER:
            self._merge()

    def _slack(self) -> float:
        """Give how far the clock may be off, in datagrams."""
        return _JUMP_PACKETS + self._number * self._clock.rate_doubt

    def _merge(self) -> None:
        """Lossy intervals in a row are one degraded period; a blackout in it stays its own."""
        row = self._row or Row(begin=self._open[0].interval[0], end=self._open[0].interval[1])
        self._row = row
        for gap in self._open:
            row.end = gap.interval[1]
            if gap.located and gap.deficit >= _BLACKOUT_PACKETS:
                gap.after = self._clock.anchor()
                self._done.append(gap)
            else:
                gap.row = row
                row.lost += gap.lost - gap.late
                row.span += gap.lost + gap.received
        self._open.clear()

    def _take_clean(self, before: int, start: float, end: float, deficit: float) -> None:
        """Confirm what came before: this interval is without a gap, and on the clock."""
        if self._short:
            self._end_stall(end)
        # Short by two: an outage that has just begun, or, if it stays so, a clock that has slipped.
        waits = deficit > self._jump and not self._waits
        if abs(deficit) > self._jump and not waits:
            self._clock.break_off()
        self._waits = waits
        if not waits:
            self._clock.hint(self._number - before, end - start)
            self._clock.add(end, self._number)
        self._confirm()

    def _end_stall(self, end: float) -> None:
        self.stalls.append(Stall(begin_s=self._short_since, end_s=end, packets=self._deepest))
        self._short = False

    def _confirm(self) -> None:
        self._settle_head()
        self._lossy = 0
        for gap in self._open:
            gap.after = self._clock.anchor()
            self._done.append(gap)
        self._open.clear()
        if self._row is not None:
            self._done.append(self._row)
            self._row = None

    def _settle_by_announcement(self, start: float, end: float, *, last: bool = False) -> None:
        """Settle a first gap by the announced rate; what leaves a doubt, one interval later.

        ``ahead`` is what the numbers are ahead of their time: what was lost before the first
        datagram, less what is missing at the boundary.
        """
        head, rate = self._head, self._clock.rate
        if head is None or not self._clock.announced or rate is None:
            return
        number = self._head_number
        ahead = number - rate * head.interval[1] - _FIRST
        if not last:
            self._head_number = number = self._number
            ahead = number - rate * end - _FIRST
            if _START_PACKETS < ahead < head.lost - self._jump:
                return
        else:
            now = self._number - rate * end - _FIRST
            # The datagram that ends an interval is ahead of it where it is counted in it.
            ahead = min(ahead, now) if self._closer else max(ahead, now)
        leading = min(max(round(ahead), 0), head.lost)
        self._clock.add(0.0, leading + _FIRST)
        deficit = leading + _FIRST + rate * head.interval[1] - number
        if abs(deficit) <= self._jump:
            self._clock.add(head.interval[1], number)
        elif deficit >= self._missed:
            self._number, number = number, self._number
            self._fall_short(start, deficit)
            self._number = number
        elif self._closer and deficit <= -self._missed:
            head.ends = number
        self._deficit = deficit
        self._settle_head()

    def _settle_head(self, *, at_last: bool = False) -> None:
        """Tell what was lost before the first datagram from what was lost behind it."""
        if self._head is None or not (at_last or self._clock.tells or self.first_sequence):
            return
        head, self._head = self._head, None
        if self.first_sequence is not None:
            leading = min(self.first_sequence - 1, head.lost)
        else:
            # Dark from the first interval on: nothing tells; most likely it all came before.
            unsettled = at_last and self._clock.announced
            first = None if unsettled else self._clock.number_at(0.0)
            leading = head.lost if first is None else round(first - 0.5)
            leading = min(max(leading, 0), head.lost)
            slack = self._slack()
            behind = head.lost - leading
            if leading and behind <= slack and behind <= leading:
                leading = head.lost
            elif leading <= max(slack, _START_PACKETS) and leading < behind:
                head.doubt, leading = leading, 0  # the sender's own start: some is lost behind it
            elif leading and behind:
                head.doubt = round(slack)
        self.leading = leading - max(head.late - (head.lost - leading), 0)
        if head.lost > leading:
            head.lost -= leading
            head.last = leading + 1
            self._lossy += 1
            head.before = self._clock.anchor()
            self._open.insert(0, head)
            self._recent.append(head)

    # --- out --------------------------------------------------------------------------------

    def late(self) -> int:
        """Datagrams that were counted as lost and came after all."""
        return self._given_back

    def recent(self) -> list[Outage]:
        """Give the last few outages confirmed."""
        rate = self._clock.rate
        last = [self._done[i] for i in range(-min(len(self._done), _RECENT), 0)]
        return [outage for one in last if rate and (outage := self._outage(one)) is not None]

    def outages(
        self,
        *,
        trailing: int | None = None,
        ended: bool = False,
        repeated_fins: int = 0,
        fin_doubt: int = 0,
    ) -> list[Outage]:
        """Give the outages so far, in order; the open one last.

        Args:
            trailing: datagrams lost behind the last one received, where known.
            ended: whether the stream is over.
            repeated_fins: numbers in the last gap that iperf2 spent on repeating its FIN.
            fin_doubt: numbers in it that it may have spent so.
        """
        rate = self._clock.rate
        if not rate:
            return []
        found = [
            outage
            for one in (*self._done, *self._open)
            if (outage := self._outage(one)) is not None
        ]
        if self._row is not None:
            found.append(
                row_outage(self._row, self._clock, jitter_s=self._jitter_s, complete=False)
            )
        found.sort(key=lambda outage: outage.begin_s)
        while repeated_fins and found:
            last = found.pop()
            rest = last.packets_lost - repeated_fins
            repeated_fins = max(-rest, 0)
            if rest > 0:
                packet_s = self._clock.packet_s
                end_s = last.end_s - (last.packets_lost - rest) * packet_s
                found.append(
                    replace(last, packets_lost=rest, duration_s=rest * packet_s, end_s=end_s)
                )
        if fin_doubt and found and not trailing:
            found[-1] = replace(
                found[-1], packets_lost_error=max(found[-1].packets_lost_error, fin_doubt)
            )
        if trailing if ended and trailing is not None else self._short:
            found.append(
                open_outage(self._number, self._end, trailing, self._clock, jitter_s=self._jitter_s)
            )
        return found

    def _outage(self, one: Gap | Row) -> Outage | None:
        if isinstance(one, Row):
            return row_outage(one, self._clock, jitter_s=self._jitter_s, complete=True)
        return gap_outage(one, self._clock, jitter_s=self._jitter_s, ratio=self._ratio_at(one))

    def _ratio_at(self, gap: Gap) -> float:
        """Give the ratio of random loss around a gap."""
        for row in (*self._done, self._row):
            if isinstance(row, Row) and row.span and row.begin <= gap.interval[1] <= row.end:
                return row.lost / row.span
        return 0.0
