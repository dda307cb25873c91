"""The receivers of four iperf2 builds, as far as their loss figures go.

Which interval a datagram falls into, what Lost and Total count, the receive time-outs of half an
interval, the FIN, the final line. ``test_simulator.py`` holds it against what the real builds
printed of the same datagrams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

DATAGRAM_BYTES: Final = 1470
_FIRST_BYTES_2_0_14: Final = 76
_LEAST_TAIL: Final = 0.25  # of an interval: what 2.1.8 and 2.2.1 still print by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What one build does differently."""

    decimals: int
    # 2.0.13a ends an interval one event after the time-out that showed it to be over: a datagram
    # that comes in between is counted in it.
    timeouts_close: bool = True
    prints_tail: bool = True
    total_keeps_losses: bool = False
    timeouts_are_late: bool = False
    fin_is_counted: bool = True
    fin_every_s: float = 0.01  # how often an unanswered FIN is repeated
    fin_reads: int = 1
    prints_reads: bool = False
    prints_received: bool = False
    always_a_tail: bool = False
    sent_extra: int = 2


BUILDS: Final[Mapping[str, Build]] = {
    "2.0.13a": Build(
        decimals=2, timeouts_close=False, prints_tail=False, fin_is_counted=False, sent_extra=0
    ),
    "2.0.14a": Build(
        decimals=4,
        total_keeps_losses=True,
        timeouts_are_late=True,
        always_a_tail=True,
        fin_every_s=0.1,
    ),
    "2.1.8": Build(decimals=4, timeouts_are_late=True, prints_received=True),
    "2.2.1": Build(decimals=4, fin_reads=2, prints_reads=True),
}


class Line(NamedTuple):
    """A report line and the late line behind it."""

    start: float
    end: float
    lost: int
    total: int
    received: int
    late: int
    size: int
    at: float
    slowest_s: float = 0.0


@dataclass(slots=True)
class _Tally:
    """iperf's own counters, over an interval or over all."""

    begun_at: int = 0  # the highest number at its beginning
    gap: int = 0
    late: int = 0
    received: int = 0
    size: int = 0
    slowest_s: float = 0.0

    def add(self, other: _Tally) -> None:
        """Count what another has counted, too."""
        self.gap += other.gap
        self.late += other.late
        self.received += other.received
        self.size += other.size
        self.slowest_s = max(self.slowest_s, other.slowest_s)


class Receiver:
    """One stream at a server: datagrams in, in the order of their arrival; lines out."""

    def __init__(
        self, build: Build, interval: float, *, timeout_slack_s: float = 0.0, length: int
    ) -> None:
        self.build = build
        self.interval = interval
        self.timeout_s = interval / 2 + timeout_slack_s
        self.length = length
        self.lines: list[Line] = []
        self.final: Line | None = None
        self._zero: float | None = None
        self._last_event = 0.0
        self._number = 0
        self._carried = 0
        self._index = 0
        self._border = interval  # where the interval ends
        self._overdue = False
        self._one = _Tally()
        self._all = _Tally()  # over the intervals that are closed

    def datagram(self, at: float, number: int, held_s: float = 0.0) -> None:
        """Take a datagram of data; ``held_s``: how much longer than others it was on its way."""
        if self._zero is None:
            self._zero = self._last_event = at
        if self._last_event + self.timeout_s < at:
            self.wait(at)
        if self._overdue:
            self._take(number, held_s)
            self._close_until(at)
        else:
            if at - self._zero >= self._border:
                self._close_until(at)
            self._take(number, held_s)
        self._last_event = at

    def fin(self, at: float, number: int) -> None:
        """Take the FIN; ``number`` is the one it bears. The stream is over."""
        if self._zero is None:
            return
        self.wait(at)
        if not self._overdue:
            self._close_until(at)
        if self.build.fin_is_counted:
            self._count(number, self.length, reads=self.build.fin_reads)
        elif number - 1 > self._number:
            self._one.gap += number - 1 - self._number
            self._number = number - 1
        self._close_until(at)
        self._finish(at)

    def interrupt(self, at: float) -> None:
        """SIGINT: the server prints what it has, and ends."""
        self.wait(at)
        self._close_until(at)
        self._finish(at)

    def wait(self, until: float) -> None:
        """Let receive time-outs come for as long as nothing arrives."""
        while self._zero is not None and self._last_event + self.timeout_s < until:
            self._last_event += self.timeout_s
            over = self._last_event >= self._zero + self._border
            if over and not self.build.timeouts_close and not self._overdue:
                self._overdue = True
                continue
            self._close_until(self._last_event)
            if self.build.timeouts_are_late and self._one.received:
                self._one.late += 1

    def _take(self, number: int, held_s: float) -> None:
        first = not self._number and self.build.total_keeps_losses
        self._count(number, _FIRST_BYTES_2_0_14 if first else self.length)
        self._one.slowest_s = max(self._one.slowest_s, held_s)

    def _count(self, number: int, size: int, *, reads: int = 1) -> None:
        one = self._one
        if number > self._number:
            one.gap += number - 1 - self._number
            self._number = number
        else:
            one.late += 1
        one.received += reads
        one.size += size

    def _close_until(self, at: float) -> None:
        self._overdue = False
        while at - (self._zero or 0.0) >= self._border:
            self._close(self._border, at)

    def _close(self, end: float, at: float) -> None:
        span = self._number - self._one.begun_at
        line = self._line(self._index * self.interval, end, span + self._carried, self._one, at)
        self.lines.append(line)
        if self.build.total_keeps_losses:
            self._carried += span - self._one.received
        self._all.add(self._one)
        self._one = _Tally(begun_at=self._number)
        self._index += 1
        self._border = (self._index + 1) * self.interval

    def _finish(self, at: float) -> None:
        end = at - (self._zero or 0.0)
        rest = end - self._index * self.interval
        build = self.build
        worth_it = rest >= _LEAST_TAIL * self.interval and build.prints_tail
        if build.always_a_tail or worth_it:
            self._close(end, at)
        self._all.add(self._one)
        self.final = self._line(0.0, end, self._number, self._all, at)

    @staticmethod
    def _line(start: float, end: float, total: int, tally: _Tally, at: float) -> Line:
        return Line(
            start=start,
            end=end,
            lost=max(tally.gap - tally.late, 0),
            total=total,
            received=tally.received,
            late=tally.late,
            size=tally.size,
            at=at,
            slowest_s=tally.slowest_s,
        )
