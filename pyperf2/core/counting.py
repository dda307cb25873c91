"""What each build's loss figures really count, and the one count that is exact.

iperf's *Total* is the span of sequence numbers in an interval, so what is missing is Total less
what arrived, whatever stands under *Lost*. Each number enters one Total only: the sum telescopes
and nothing is counted twice. The builds' deviations from that are facts in a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pyperf2.core.binary import V2_0_13, V2_0_14, V2_1, V2_2, V3

if TYPE_CHECKING:
    from pyperf2.core.binary import Version
    from pyperf2.core.records import Interval

# No interval holds a billion datagrams; such figures are wrapped counters (2.0.13a with -U).
_LARGEST_COUNT: Final = 10**9
# 2.0.14a's client writes 76 bytes first, whatever the length of its other datagrams.
_FIRST_DATAGRAM_BYTES: Final = 76
_SILENT_SLACK: Final = 2  # datagrams; half an interval of silence leaves half of them, about
# iperf prints three digits: 1.40, 14.0, 140 - below → the last one.
_LAST_DIGIT: Final = ((10.0, 0.01), (100.0, 0.1), (float("inf"), 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one line of builds counts.

    Attributes:
        total_keeps_losses: every earlier loss stands in each later Total again.
        timeouts_are_late: a receive time-out (half an interval of silence) in an interval that
            is not empty is called one late datagram, and taken off Lost.
        closer_is_counted: the datagram that ends an interval is counted in it.
        late_is_negative: late arrivals make an interval's Lost negative (iperf3).
        sent_extra: what ``Sent N`` counts beside the data.
        final_total_extra: what the final Total counts beside the data once the FIN has arrived:
            the FIN. An interval that the FIN cuts short counts it, too.
        fin_every_s: how often a FIN that nobody answers is repeated, with a new number each time.
        delays_without_late: late datagrams are left out of the delays that are printed.
        final_read_extra: the same of the final count of arrivals, where it is a count of reads.
        stamps_when_read: a datagram counts when it is read; otherwise the kernel says when it came.
    """

    total_keeps_losses: bool = False
    timeouts_are_late: bool = False
    closer_is_counted: bool = False
    late_is_negative: bool = False
    sent_extra: int = 0
    final_total_extra: int = 0
    fin_every_s: float = 0.01
    delays_without_late: bool = False
    final_read_extra: int = 0
    stamps_when_read: bool = False


# From → profile, newest first. Measured on 1310 recorded runs of 2.0.5 … 2.2.5 and 3.9 … 3.22
# against packet counters; `make accuracy` measures them again.
_PROFILES: Final[tuple[tuple[Version, Profile], ...]] = (
    (V3, Profile(late_is_negative=True, stamps_when_read=True)),
    (
        V2_2,
        Profile(sent_extra=2, final_total_extra=1, delays_without_late=True, final_read_extra=2),
    ),
    (V2_1, Profile(timeouts_are_late=True, sent_extra=2, final_total_extra=1, final_read_extra=1)),
    (
        V2_0_14,
        Profile(
            total_keeps_losses=True,
            timeouts_are_late=True,
            sent_extra=2,
            final_total_extra=1,
            fin_every_s=0.1,
            final_read_extra=1,
        ),
    ),
    (V2_0_13, Profile(closer_is_counted=True)),
)
_OLDEST: Final = Profile(closer_is_counted=True, sent_extra=1, stamps_when_read=True)  # 2.0.5


def absurd(*figures: int) -> bool:
    """Whether these are no counts of anything that happened."""
    return any(abs(figure) > _LARGEST_COUNT for figure in figures)


def profile_for(version: Version | None) -> Profile:
    """Give the profile of a build; that of the newest iperf2 where the version is unknown."""
    if version is None:
        return _PROFILES[1][1]
    return next((profile for since, profile in _PROFILES if version >= since), _OLDEST)


def profile_like(interval: Interval) -> Profile:
    """Tell by its columns how the build counts that printed a line; as ``profile_for``, if none."""
    for name, version in _TELLING.items():
        if name in interval.details:
            return profile_for(version)
    if interval.latency_mean_ms is not None and interval.packets_received is None:
        return profile_for(V2_0_13)  # -e, and none of the above
    return profile_for(None)


# 2.2 Read/Timeo/Trunc; 2.1 Rx/inP; 2.0.14 inP in bytes
_TELLING: Final = {"reads": V2_2, "in_progress_packets": V2_1, "in_progress_bytes": V2_0_14}


class Count(NamedTuple):
    """What one interval adds to the account.

    Attributes:
        span: sequence numbers it spans (ΔS).
        received: datagrams that arrived in it, late ones and duplicates included.
        gap: numbers that were missing when a later one arrived.
        late: arrivals that filled an earlier gap, or were duplicates.
        doubtful: the figures contradict one another; what is missing cannot be told.
        unsure: how many more may have arrived than ``received`` says: late ones hide in what
            iperf takes off Lost, where it prints no count of arrivals.
    """

    span: int
    received: int
    gap: int
    late: int
    doubtful: bool = False
    unsure: int = 0


NOTHING: Final = Count(0, 0, 0, 0)


def plus(total: Count, more: Count, instead_of: Count = NOTHING) -> Count:
    """Add an interval to a total, or put it in the place of one that is in it."""
    return Count(
        total.span + more.span - instead_of.span,
        total.received + more.received - instead_of.received,
        total.gap + more.gap - instead_of.gap,
        total.late + more.late - instead_of.late,
        unsure=total.unsure + more.unsure - instead_of.unsure,
    )


class Counter:
    """The account of one stream, interval by interval."""

    __slots__ = (
        "_carried",
        "_carried_before",
        "_length",
        "_profile",
        "_silent",
        "fin_read_twice",
    )

    def __init__(self, profile: Profile, *, datagram_length: int | None = None) -> None:
        """Begin; ``datagram_length`` (bytes) tells arrivals apart where they are not printed."""
        self._profile = profile
        self._length = datagram_length
        self._carried = self._carried_before = 0
        self._silent: float | None = None
        self.fin_read_twice = False  # in the interval just counted

    def recount(self, interval: Interval, *, expected: float | None = None) -> Count:
        """Count the last interval again, now that its late line is known."""
        self._carried = self._carried_before
        return self.count(interval, expected=expected)

    def count(self, interval: Interval, *, expected: float | None = None) -> Count:
        """Count one interval, its late line included if that is known (``out_of_order``).

        ``expected``: how many its sender sends in that time, where known.
        """
        self.fin_read_twice = False
        self._silent = None if expected is None else expected / 2 + _SILENT_SLACK
        total, lost = interval.packets, interval.lost_packets
        if total is None or lost is None or absurd(total, lost):
            return Count(0, 0, 0, 0, doubtful=True)
        if self._profile.late_is_negative:
            return self._count_signed(total, lost, interval.packets_received)
        received, unsure = self._received(interval, total, lost)
        if received < 0 and self._profile.total_keeps_losses:
            return self._astray(interval, total, lost)
        self._carried_before = self._carried
        if self._profile.total_keeps_losses:
            self._carried = total - received
            total -= self._carried_before
        missing = total - received
        late = max(-missing, 0)
        if interval.out_of_order is not None:
            silent = self._silent is None or received <= self._silent
            late = self._really_late(interval.out_of_order, lost, missing, silent=silent)
        gap = missing + late
        doubtful = gap < 0 or total < 0 or received < 0 or lost > max(missing, 0)
        return Count(
            max(total, 0), max(received, 0), 0 if doubtful else gap, late, doubtful, unsure
        )

    def _astray(self, interval: Interval, total: int, lost: int) -> Count:
        """Find the way back: what was carried was wrong, for duplicates hide in it."""
        received = self._received_by_bytes(interval) or 0
        gap = lost + (interval.out_of_order or 0)
        self._carried_before, self._carried = self._carried, total - received
        return Count(received + gap, received, gap, 0, doubtful=True)

    def _count_signed(self, total: int, lost: int, received: int | None) -> Count:
        gap, late = max(lost, 0), max(-lost, 0)
        # 3.16 and later: bytes and count of an interval may differ by one datagram.
        arrived = total - lost
        if received is not None and abs(received - arrived) > 1:
            arrived = received
        return Count(max(total, 0), max(arrived, 0), gap, late, doubtful=total < 0)

    def _received(self, interval: Interval, total: int, lost: int) -> tuple[int, int]:
        """Give what arrived, and how many more may have."""
        span = total - self._carried  # carried: 0 but where Total keeps losses
        late = interval.out_of_order
        if interval.packets_received is not None:
            arrived = span - lost if lost > 0 or not late else span + late
            excess = interval.packets_received - arrived
            if excess == 1 < self._profile.final_read_extra:
                self.fin_read_twice = True
                return interval.packets_received - 1, 0
            return interval.packets_received, 0
        if not late:
            return span - lost, 0
        # Lost is the gap less the late line, but never below 0.
        least = most = span - lost
        if lost <= 0:
            most = span + late
        if self._profile.timeouts_are_late:
            least = span - max(lost, 0) - late
        if least == most:
            return most, 0
        by_bytes = self._received_by_bytes(interval)
        if by_bytes is None:
            # A single one is a time-out sooner than a late datagram, beside a gap.
            alone = late == 1 and lost > 0
            silent = self._silent is None or least <= self._silent
            arrived = least if alone and silent else span - lost
            return arrived, most - arrived
        return min(max(by_bytes, least), most), 0

    def _received_by_bytes(self, interval: Interval) -> int | None:
        """Divide the printed transfer, where its three digits tell one datagram from the next."""
        length = self._length
        if not length or interval.bytes is None:
            return None
        half_digit = _half_digit(interval)
        if half_digit is None or half_digit * 2 >= length:
            return None
        size = interval.bytes
        if self._profile.total_keeps_losses and interval.start == 0:
            size += max(length - _FIRST_DATAGRAM_BYTES, 0)
        return round(size / length)

    def _really_late(self, printed: int, lost: int, missing: int, *, silent: bool) -> int:
        """Take receive time-outs off a late line; ``silent``: there was time for one."""
        if not self._profile.timeouts_are_late or printed == 0:
            return printed
        if lost > 0:
            timeouts = missing - lost
        elif printed == 1 and silent:
            timeouts = 1 if missing >= 0 else 0
        else:  # a second one would need another half an interval of silence
            timeouts = missing
        return max(printed - max(timeouts, 0), 0)


def _half_digit(interval: Interval) -> float | None:
    """Give half the last printed digit of the transfer, in bytes; None where it is not known."""
    if interval.transfer is None or not interval.bytes or interval.transfer <= 0:
        return None
    scale = interval.bytes / interval.transfer
    digit = next(step for limit, step in _LAST_DIGIT if interval.transfer < limit)
    return scale * digit / 2
