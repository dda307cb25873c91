"""The start of a stream: what was lost before its first datagram, and what soon after.

Both stand in one gap of the first interval. Numbers are ahead of their time by what was lost
before the first datagram, which is time 0; what is lost later does not put them ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyperf2.core.gaps import Gap

FIRST: Final = 0.5  # the first datagram is number 1, and came at 0: half a packet into its time
START_PACKETS: Final = 3  # 2.1 sends its first ones in a bunch: 1002 in the first second


@dataclass(slots=True)
class Start:
    """A gap in the first interval, until the clock explains it.

    ``number``: the highest at the end of that interval.
    """

    gap: Gap
    number: int
    again: bool = False  # it was left open once

    def by_announcement(
        self, rate: float, number: int, end: float, *, jump: float, counted_early: bool
    ) -> int | None:
        """Give how many were lost before the first, by the announced rate.

        Args:
            rate: packets per second.
            number: the highest at ``end``, the boundary just passed.
            end: in seconds.
            jump: how far numbers may be off their time.
            counted_early: whether the datagram that ends an interval is counted in it.

        Returns:
            None where only the next interval can tell.
        """
        ahead = self.number - rate * self.gap.interval[1] - FIRST
        if not self.again:
            self.again = True
            if START_PACKETS < ahead < self.gap.lost - jump:
                return None  # or less was lost before, and an outage is on
        else:
            now = number - rate * end - FIRST
            ahead = min(ahead, now) if counted_early else max(ahead, now)
        return min(max(round(ahead), 0), self.gap.lost)

    def by_clock(self, first: float | None, slack: float) -> int:
        """Give how many were lost before the first, by what the clock says of time 0.

        Args:
            first: the number that it expects there; None where nothing tells.
            slack: how far the clock may be off, in datagrams.
        """
        gap = self.gap
        leading = gap.lost if first is None else round(first - FIRST)
        leading = min(max(leading, 0), gap.lost)
        behind = gap.lost - leading
        if leading and behind <= slack and behind <= leading:
            return gap.lost
        if leading <= max(slack, START_PACKETS) and leading < behind:
            gap.doubt, leading = leading, 0  # the sender's own start: some is lost behind it
        elif leading and behind:
            gap.doubt = round(slack)
        return leading
