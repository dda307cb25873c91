"""What the final line of a stream adds to its intervals; keeps no state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyperf2.core.counting import Count, absurd

if TYPE_CHECKING:
    from pyperf2.core.counting import Profile
    from pyperf2.core.records import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The end of a stream that no interval shows, or that one shows with the FIN in it.

    Attributes:
        highest: the last number received; the last one sent where ``fin``.
        received: datagrams behind the last interval.
        gap: numbers missing there.
        late: of those that came there, how many were late or came twice.
        unsure: how many more may have come there (see ``Count``).
        fin: the sender's FIN had arrived.
        fin_within: it seems to have ended the last interval, and to be counted there.
        last_gap: what was lost in what the FIN ended, repeated FINs among it.
        less: how many fewer than its intervals the final line has, which cannot be.
        reopened: what was lost before a FIN that came alone: nothing ended that outage.
    """

    highest: int
    received: int = 0
    gap: int = 0
    late: int = 0
    unsure: int = 0
    fin: bool = False
    fin_within: bool = False
    last_gap: int = 0
    reopened: int = 0
    less: int = 0

    def count(self) -> Count:
        """Give it as if it were an interval."""
        span = self.received - self.late + self.gap
        return Count(span, self.received, self.gap, self.late, unsure=self.unsure)

    @classmethod
    def of(cls, profile: Profile, final: Summary | None, sums: Count, late_told: int) -> Tail:
        """Read the final line.

        Args:
            profile: of the build.
            final: its line; None where it printed none.
            sums: of the intervals.
            late_told: what their late lines add up to.
        """
        span = sums.span
        if final is None or final.packets is None or final.lost_packets is None:
            return cls(highest=span)
        if absurd(final.packets, final.lost_packets):
            return cls(highest=span)
        if profile.late_is_negative:
            highest = max(span, final.packets)
            return cls(highest=highest, received=highest - span)
        if final.packets <= span:
            # What came late behind the intervals brought no new number.
            told = max((final.out_of_order or 0) - late_told, 0)
            late = 0 if profile.timeouts_are_late else told
            return cls(highest=span, received=late, late=late, less=span - final.packets)
        fin = profile.final_total_extra > 0
        highest = final.packets - profile.final_total_extra
        gap, late, unsure = _behind(profile, final, sums, highest - span, late_told)
        received = max(highest - span - gap + late, 0)
        return cls(
            highest=highest,
            received=received,
            gap=gap,
            late=late,
            unsure=unsure,
            last_gap=gap,
            fin=fin,
        )


def _behind(
    profile: Profile, final: Summary, sums: Count, span: int, late_told: int
) -> tuple[int, int, int]:
    """Give what is missing behind the intervals, what was late there, and the doubt about both."""
    lost, told = final.lost_packets or 0, final.out_of_order or 0
    late = max(told - late_told, 0)
    # Lost is all gaps less all that was late, but never below 0.
    gap = max(lost + told - sums.gap, 0) if lost > 0 else None
    if final.packets_received is None:
        if gap is None:  # all gaps together are no more than all that was late
            gap = min(late, max(told - sums.gap, 0))
        gap = min(gap, span)
        return gap, late, 0 if lost > 0 else late
    # With --trip-times 2.2 prints arrivals as 2.1 does, and its reads beside them.
    reads = "in_progress_packets" not in final.details
    extra = profile.final_read_extra if reads else profile.final_total_extra
    missing = span - (final.packets_received - extra - sums.received)
    if profile.timeouts_are_late:  # those are among the late ones, too
        late = max((missing if gap is None else gap) - missing, -missing, 0)
    return max(missing + late, 0), late, 0
