"""What is short at the borders of a stream's intervals, and whether it is what was lost.

Short of numbers is a stream in an outage, and one whose sender stalls, whose path holds datagrams
up, or whose receiver gets no processor. With a gap in the next interval all of them print the
same figures. What tells them apart: the sender's own report, the delays in that interval, and
whether the stream was ever short without a loss.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from pyperf2.core.gaps import DEFICIT_PACKETS, Stall

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperf2.core.gaps import Gap
    from pyperf2.core.sender import Sender

_MAX_STALLS: Final = 10_000  # kept
_MAX_PAST: Final = 1_000  # of which is thought when there is a gap
_NOISE: Final = 1.6  # datagrams, of a deficit
_LATE_S: Final = 0.001  # an interval that ends later had a receiver without a processor
# Datagrams, from the last before it on: both ends count from their own first one, and 2.1 counts
# what it writes a little later.
_NEXT: Final = (0, 1, 2)
_DEEPER: Final = 2.0  # times: so much deeper than those that were seen may a stall be


class _Short(NamedTuple):
    """A stream was short, and what was missing came."""

    number: int  # the highest before it
    packets: float
    until: int  # the highest when it was over


class Shortfall:
    """Whether a stream is short of numbers, since when and how deep; and how often it was."""

    __slots__ = (
        "_lengths",
        "_past",
        "_slip",
        "_stamps_when_read",
        "deepest",
        "number",
        "on",
        "since",
        "stalls",
    )

    def __init__(self, *, stamps_when_read: bool = False) -> None:
        """Begin with nothing missing.

        ``stamps_when_read``: a datagram counts when it is read, however long it had to wait.
        """
        self._stamps_when_read = stamps_when_read
        self._lengths = (0.0, 0.0)  # of the last two intervals
        self.on = False  # an outage or a stall
        self.since = 0.0
        self.number = 0  # the highest before it
        self.deepest = 0.0
        self.stalls: deque[Stall] = deque(maxlen=_MAX_STALLS)
        self._slip = (0.0, 0.0)  # the last one: at which border, by how much
        self._past: deque[_Short] = deque(maxlen=_MAX_PAST)

    def interval(self, seconds: float) -> float:
        """Learn of an interval, and give how much later the last one ended than it should have.

        That is how long its receiver had no processor.
        """
        before, last = self._lengths
        self._lengths = (last, seconds)
        return last - before if before else 0.0

    def fall(self, number: int, deficit: float, since: float) -> None:
        """Learn of a border without its number; ``number`` is the highest so far."""
        if not self.on:
            self.on = True
            self.since, self.number = since, number
            self.deepest = 0.0
        self.deepest = max(self.deepest, deficit)

    def fill(self, end: float, number: int, *, slipped: bool = False) -> None:
        """Learn that it is over, and nothing lost; ``slipped``: it came no sooner than all else."""
        self.stalls.append(Stall(begin_s=self.since, end_s=end, packets=self.deepest))
        if slipped:
            self._slip = (end, self.deepest)
        else:
            self.came(number)
        self.on = False

    def slipped_at(self, border: float) -> float:
        """Give how much may be missing at a border at which the clock is thought to have slipped.

        A stall at one border, and an outage at the next, look like it.
        """
        return self._slip[1] if self._slip[0] == border else 0.0

    def came(self, number: int) -> None:
        """Learn that not all that was missing was lost; ``number`` is the highest now."""
        self._past.append(_Short(self.number, self.deepest, number))

    def judge(
        self, sender: Sender | None, packet_s: float, *, number: int
    ) -> Callable[[Gap], bool]:
        """Give what tells whether the deficit before a gap may be none of its outage's.

        Args:
            sender: what it says of itself, where known.
            packet_s: the time of one packet.
            number: the highest by now; what nothing came behind was the end of the stream.
        """
        asked = None if self._stamps_when_read else sender
        own = (
            short.packets
            for short in self._past
            if short.until < number and (asked is None or not _explains(asked, short.number))
        )
        # With the sender known, what it does not explain is but the offset of its borders.
        deepest = max(own, default=0.0) * (1.0 if asked else _DEEPER)

        def doubts(gap: Gap) -> bool:
            least = gap.deficit - _NOISE
            return (
                gap.spread_ms >= least * packet_s * 1000
                or gap.late_border_s >= max(DEFICIT_PACKETS * packet_s, _LATE_S)
                or (sender is not None and _explains(sender, gap.last))
                or deepest >= least
            )

        return doubts


def _explains(sender: Sender, number: int) -> bool:
    """Whether a sender was late itself with what came behind a number."""
    return any(sender.was_late_with(number + more) for more in _NEXT)
