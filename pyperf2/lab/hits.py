"""What an impairment did between its start and its stop: when, and to how many datagrams."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyperf2.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyperf2.lab.impairments import Impairment
    from pyperf2.lab.instants import Bracket


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Packets that an impairment took.

    Attributes:
        datagrams: UDP datagrams with data.
        bytes: their bytes, IP header included; None where the kernel does not count them.
        fins: iperf2's FIN datagrams (negative sequence numbers): no data, not in
            ``datagrams``.
        others: packets that are no (first fragment of a) UDP datagram.
    """

    datagrams: int = 0
    bytes: int | None = 0
    fins: int = 0
    others: int = 0

    def __add__(self, other: Count) -> Count:
        """Return both together."""
        return self._with(other, 1)

    def __sub__(self, other: Count) -> Count:
        """Return what came since another count."""
        return self._with(other, -1)

    def _with(self, other: Count, sign: int) -> Count:
        unknown = self.bytes is None or other.bytes is None
        return Count(
            datagrams=self.datagrams + sign * other.datagrams,
            bytes=None if unknown else (self.bytes or 0) + sign * (other.bytes or 0),
            fins=self.fins + sign * other.fins,
            others=self.others + sign * other.others,
        )


@dataclass(slots=True, kw_only=True)
class Hit:
    """One time an impairment was on.

    Attributes:
        impairment: what it was.
        link: the name of the link.
        began: when it was switched on.
        ended: when it was switched off; None while it is on.
        exact: whether the count is exact; False if counters on both ends could not be read at a
            quiet moment.
        counts: what it took, by the name of the node it was on its way to; read when it ended.
    """

    impairment: Impairment
    link: str
    began: Bracket
    ended: Bracket | None = None
    exact: bool = True
    counts: Mapping[str, Count] = field(default_factory=dict)
    _live: Callable[[], Mapping[str, Count]] | None = None

    @property
    def began_ns(self) -> int:
        """When it began, on the wall clock; ``began`` has the bounds."""
        return self.began.ns

    @property
    def ended_ns(self) -> int:
        """When it ended, on the wall clock; ``ended`` has the bounds.

        Raises:
            StateError: it is still on.
        """
        if self.ended is None:
            raise StateError(f"{self.impairment} on {self.link} is still on")
        return self.ended.ns

    @property
    def duration_s(self) -> float:
        """How long it was on, by the monotonic clock, in seconds; StateError while it is."""
        if self.ended is None:
            raise StateError(f"{self.impairment} on {self.link} is still on")
        return (self.ended.monotonic_ns - self.began.monotonic_ns) / 1e9

    @property
    def total(self) -> Count:
        """What it took in all, in both directions; while it is on, so far."""
        counts = self.counts if self._live is None else self._live()
        return sum(counts.values(), Count())

    @property
    def datagrams(self) -> int:
        """UDP datagrams with data that it took; dropped them, or duplicated them."""
        return self.total.datagrams

    @property
    def dropped(self) -> int:
        """UDP datagrams with data that were lost to it; 0 if it does not drop."""
        return self.datagrams if self.impairment.drops else 0

    @property
    def duplicated(self) -> int:
        """UDP datagrams with data that it made a second one of."""
        return 0 if self.impairment.drops else self.datagrams

    def close(self, ended: Bracket, counts: Mapping[str, Count], *, exact: bool) -> None:
        """Keep what it did; called when it is switched off."""
        self.ended, self.counts, self.exact, self._live = ended, dict(counts), exact, None
