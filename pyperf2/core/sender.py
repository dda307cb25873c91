"""What a sender says of itself: how much it sent, and whether it kept its rate."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyperf2.core.clock import Clock
from pyperf2.core.counting import profile_for

if TYPE_CHECKING:
    from pyperf2.core.counting import Profile
    from pyperf2.core.records import Interval, Sent

_UNEVEN_WRITES: Final = 3  # datagrams; a sender that keeps its rate stays within
_BEHIND: Final = 1.5  # datagrams; a border falls anywhere between two
_MAX_UNEVEN: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What a sender says of itself, for the receiver's account.

    Attributes:
        datagrams: data datagrams it sent; None while it sends.
        told: what it said itself; iperf2 counts its FIN, too, from 2.0.14 on.
        uneven: intervals (begin, end) in seconds in which it did not keep its rate.
        late: borders of its intervals at which it was behind its pace: how many it had sent, and
            how many were due, in order.
        end_s: how long it has sent at least, on its own clock.
    """

    datagrams: int | None = None
    told: int | None = None
    end_s: float = 0.0
    uneven: tuple[tuple[float, float], ...] = ()
    late: tuple[tuple[int, float], ...] = ()

    def was_late_with(self, number: int) -> bool:
        """Whether it had not sent a datagram at a border at which that was due."""
        at = bisect_left(self.late, (number,)) - 1
        return at >= 0 and self.late[at][1] >= number


@dataclass(slots=True)
class SenderAccount:
    """Watches whether a sender keeps its rate; constant memory."""

    nominal: float | None = None
    profile: Profile = field(default_factory=lambda: profile_for(None))
    _uneven: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_MAX_UNEVEN))
    _late: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_MAX_UNEVEN))
    _pace: Clock | None = None
    _off: int | None = None  # writes of an interval that ended off its pace
    _writes: int = 0
    _seconds: float = 0.0
    _end: float = 0.0
    _datagrams: int | None = None
    _told: int | None = None

    def feed(self, interval: Interval) -> None:
        """Compare an interval's writes with the rate."""
        self._end = max(self._end, interval.end)
        if interval.writes is None or interval.seconds <= 0:
            return
        rate = self.nominal or (self._writes / self._seconds if self._seconds else None)
        if rate and abs(interval.writes - rate * interval.seconds) > _UNEVEN_WRITES:
            self._uneven.append((interval.start, interval.end))
        self._writes += interval.writes
        self._seconds += interval.seconds
        self._watch(interval.end, interval.seconds, interval.writes)

    def _watch(self, end: float, seconds: float, writes: int) -> None:
        """Note a border at which less was sent than is due; learn another pace, if it is kept."""
        clock = self._pace = self._pace or Clock(self.nominal)
        clock.hint(writes, seconds)
        due = clock.number_at(end)
        drift = clock.drift(self._writes, clock.anchor()) * (clock.rate or 0.0)
        if due is None or abs(due - self._writes) <= _BEHIND + drift:
            clock.add(end, self._writes)
            self._off = None
            return
        steady = self._off is not None and abs(writes - self._off) <= _UNEVEN_WRITES
        if due > self._writes:
            self._late.append((self._writes, due))
        if due < self._writes or (steady and writes):
            on_pace = abs(writes - (clock.rate or 0.0) * seconds) <= _UNEVEN_WRITES
            if on_pace:
                clock.break_off()
            else:
                clock.restart(writes, seconds)
            clock.add(end, self._writes)
        self._off = writes

    def sent(self, sent: Sent) -> None:
        """Take the sender's own count, the FIN taken off."""
        self._told = sent.datagrams
        self._datagrams = max(sent.datagrams - self.profile.sent_extra, 0)

    def snapshot(self) -> Sender:
        """Give what the receiver's account needs."""
        return Sender(
            datagrams=self._datagrams,
            told=self._told,
            end_s=self._end,
            uneven=tuple(self._uneven),
            late=tuple(self._late),
        )
