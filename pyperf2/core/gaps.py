"""Gaps in the numbers → outages with bounds, by the sequence clock; keeps no state of its own.

Durations are loss-derived, flow by flow (RFC 6412, 3.5.3): lost · T, with T = 1/r. ``end - begin``
is the time without a datagram less T (RFC 6414, 3.6.1); where the two differ, the clock has
slipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from pyperf2.core.clock import Clock

Method = Literal["located", "contained", "degraded", "rate", "open"]

DEFICIT_PACKETS: Final = 2.5  # the clock's own noise stays below 1
JITTER_S: Final = 0.0005  # of sender and receiver, on top of one packet
CLOSER_JITTER_S: Final = 0.002  # 2.0.x stamps an interval's end by the datagram that closes it
_NOISE: Final = 2.0  # standard deviations, of the ratio of one interval
_FEW: Final = 3  # intervals: where loss begins, where it ends, and one more
_BOUND: Final = 4.0  # standard deviations that bound a count of datagrams lost at random


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One outage of a stream; times are seconds on its own clock, 0 = its first datagram.

    Attributes:
        begin_s: when the last datagram before it arrived.
        end_s: when the first datagram after it arrived, less one packet time.
        begin_error_s: half the width of the bounds around ``begin_s``.
        end_error_s: half the width of the bounds around ``end_s``.
        begin_at: ``begin_s`` on the wall clock (aware), None where arrivals are not known.
        end_at: ``end_s`` on the wall clock, None while dark.
        duration_s: packets_lost · T (RFC 6412, 3.6.5, equation 8).
        duration_error_s: T; the hard bound is (lost - 1)·T < true < (lost + 1)·T.
        packets_lost: datagrams lost in it.
        packets_lost_error: half the width of the bounds around ``packets_lost``.
        complete: False while it is dark, or where the stream ended in it.
        method: ``located``, ``contained``, ``degraded``, ``rate`` (TCP) or ``open``.
        loss_ratio: lost / sent from begin to end; below 1 where it is degraded.
        slip_s: how far the stream's clock lags behind after it, against before.
        suspect: the sender itself had stalled: this may be no outage of the network.
    """

    begin_s: float
    end_s: float
    begin_error_s: float
    end_error_s: float
    duration_s: float
    duration_error_s: float
    packets_lost: int
    packets_lost_error: int = 0
    complete: bool = True
    method: Method = "located"
    loss_ratio: float = 1.0
    slip_s: float = 0.0
    suspect: bool = False
    begin_at: datetime | None = None
    end_at: datetime | None = None


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


Point = tuple[float, float]  # a boundary and the number the clock expects there


@dataclass(slots=True, kw_only=True, eq=False)
class Gap:
    """A gap in the numbers, as account and boundaries show it."""

    lost: int
    received: int  # in the interval that counted it
    last: int  # highest number received before it
    interval: tuple[float, float]
    located: bool = False
    deficit: float = 0.0  # the deepest before it
    ends: int | None = None  # first number after it, where a boundary shows that (2.0.x)
    ahead: float = 0.0  # how far that number is ahead of the boundary
    room_end: float = 0.0  # where the next outage begins, if in the same interval
    before: Point | None = None
    after: Point | None = None
    late: int = 0  # of those lost, how many came after all
    spread_ms: float = 0.0  # of the delays in the interval that counted it, where printed
    late_border_s: float = 0.0  # how much later than it should have the one before it ended
    unseen: float = DEFICIT_PACKETS  # how short the boundary before it may be, and not show it
    doubt: int = 0  # of those lost, how many may have been lost before the stream's first
    row: Row | None = None  # the degraded period that has swallowed it

    @property
    def in_one_piece(self) -> float:
        """How many were lost in a row for certain: all that was sent while a boundary waited."""
        return max(self.deficit if self.located else 0.0, self.ahead)


@dataclass(slots=True, kw_only=True)
class Row:
    """Lossy intervals in a row."""

    begin: float
    end: float
    lost: int = 0
    span: int = 0
    most: float = 0.0  # the ratio that one of its intervals had at least
    intervals: int = 0

    def take(self, lost: int, span: int) -> None:
        """Take the loss of one of its intervals."""
        if not span:
            return
        self.lost += lost
        self.span += span
        self.intervals += 1
        ratio = lost / span
        noise = _NOISE * sqrt(ratio * (1.0 - ratio) / span)
        self.most = max(self.most, ratio - noise)

    @property
    def ratio(self) -> float:
        """The ratio of random loss: where it comes and goes, that of where it was."""
        return max(self.lost / self.span, self.most) if self.span else 0.0

    @property
    def bound(self) -> float:
        """The most that the ratio may be: so few intervals may all have been lossy in part."""
        return self.ratio if self.intervals > _FEW else 1.0


def gap_outage(
    gap: Gap, clock: Clock, *, jitter_s: float, ratio: float, located: bool
) -> Outage | None:
    """Give the outage that a gap shows; None where all of it came after all.

    Args:
        gap: as account and boundaries show it.
        clock: of the stream; its rate must be known.
        jitter_s: of the boundaries, on top of one packet.
        ratio: of random loss around it, 0 where there is none.
        located: whether the deficit before it is its outage's.
    """
    lost = gap.lost - gap.late
    if lost <= 0:
        return None
    packet_s = clock.packet_s
    duration = lost * packet_s
    error = packet_s + jitter_s
    doubt = 0
    slip = 0.0
    before = clock.time_of(gap.last, gap.before or gap.after)
    stretch = duration * clock.rate_doubt  # of a duration, where the rate is but measured
    begin_drift = clock.drift(gap.last, gap.before or gap.after)
    end_drift = clock.drift(gap.last + gap.lost, gap.after or gap.before)
    if located and before is not None:
        begin = before
        end = clock.time_of(gap.last + gap.lost, gap.after or gap.before) or begin + duration
        slip = end - begin - gap.lost * packet_s
        slip = 0.0 if abs(slip) < DEFICIT_PACKETS * packet_s else slip
        doubt = _random_in(gap, ratio)
    elif gap.ends is not None:
        end = (clock.time_of(gap.ends, gap.before) or gap.interval[1]) - packet_s
        begin = end - duration
        doubt = _random_in(gap, ratio)
        begin_drift = clock.drift(gap.ends, gap.before) + stretch + doubt * packet_s
    else:
        low = max(gap.interval[0] - (gap.unseen * packet_s if gap.before else 0.0), 0.0)
        if gap.deficit and before is not None:
            low = min(low, before)  # more was missing than was lost: somewhere in a stall
        slack = max(gap.room_end - low - duration, 0.0)
        begin = low + slack / 2
        end = begin + duration
        error += slack / 2
        begin_drift = end_drift = stretch
    return Outage(
        begin_s=begin,
        end_s=end,
        begin_error_s=error + begin_drift,
        end_error_s=error + end_drift + (doubt * packet_s if located else 0.0),
        duration_s=duration,
        duration_error_s=(1 + doubt) * packet_s + stretch,
        packets_lost=lost,
        packets_lost_error=max(gap.late, gap.doubt, doubt),
        complete=gap.after is not None,
        method="located" if located or gap.ends is not None else "contained",
        slip_s=slip,
    )


def _random_in(gap: Gap, ratio: float) -> int:
    """Bound what random loss around a blackout may have added to its gap."""
    if not ratio:
        return 0
    passed = max(1.0 - ratio, 0.01)
    expected = gap.received * ratio / passed
    likely = expected + _BOUND * sqrt(expected / passed)  # negative binomial
    return min(round(likely) + 1, max(ceil(gap.lost - gap.in_one_piece), 0) + 1)


def row_outage(row: Row, clock: Clock, *, jitter_s: float, complete: bool) -> Outage:
    """Give the degraded period that lossy intervals in a row show."""
    packet_s = clock.packet_s
    error = packet_s + jitter_s + (row.end - row.begin) / 2
    return Outage(
        begin_s=row.begin,
        end_s=row.end,
        begin_error_s=error,
        end_error_s=error,
        duration_s=row.lost * packet_s,
        duration_error_s=packet_s * (1 + row.lost * clock.rate_doubt),
        packets_lost=row.lost,
        complete=complete,
        method="degraded",
        loss_ratio=row.lost / row.span if row.span else 1.0,
    )


def open_outage(
    number: int, end_s: float, trailing: int | None, clock: Clock, *, jitter_s: float
) -> Outage:
    """Give the outage that no datagram has ended.

    Args:
        number: the highest received.
        end_s: the last boundary.
        trailing: datagrams sent behind ``number``, where known.
        clock: of the stream; its rate must be known.
        jitter_s: of the boundaries, on top of one packet.
    """
    packet_s = clock.packet_s
    begin = clock.time_of(number, clock.anchor()) or end_s
    lost = trailing or 0
    end = begin + lost * packet_s if trailing is not None else max(begin, end_s)
    drift = clock.drift(number, clock.anchor())
    stretch = lost * packet_s * clock.rate_doubt
    error = packet_s + jitter_s + drift
    known = trailing is not None
    return Outage(
        begin_s=begin,
        end_s=end,
        begin_error_s=error,
        end_error_s=error + stretch,
        duration_s=end - begin,
        duration_error_s=packet_s + stretch if known else max(end - begin, packet_s),
        packets_lost=lost,
        complete=False,
        method="open",
    )
