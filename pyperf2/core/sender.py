"""What a sender says of itself: how much it sent, and whether it kept its rate."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyperf2.core.counting import profile_for

if TYPE_CHECKING:
    from pyperf2.core.counting import Profile
    from pyperf2.core.records import Interval, Sent

_UNEVEN_WRITES: Final = 3  # datagrams; a sender that keeps its rate stays within
_MAX_UNEVEN: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What a sender says of itself, for the receiver's account.

    Attributes:
        datagrams: data datagrams it sent; None while it sends.
        told: what it said itself; iperf2 counts its FIN, too, from 2.0.14 on.
        uneven: intervals (begin, end) in seconds in which it did not keep its rate.
        end_s: how long it has sent at least, on its own clock.
    """

    datagrams: int | None = None
    told: int | None = None
    end_s: float = 0.0
    uneven: tuple[tuple[float, float], ...] = ()


@dataclass(slots=True)
class SenderAccount:
    """Watches whether a sender keeps its rate; constant memory."""

    nominal: float | None = None
    profile: Profile = field(default_factory=lambda: profile_for(None))
    _uneven: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_MAX_UNEVEN))
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
        )
