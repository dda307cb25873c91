"""Second 0 of a stream on the clocks, by when its lines arrive, whoever sets the wall clock."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyperf2.core.records import Instant

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
# NTP slews both clocks alike, and steps the wall clock from 128 ms on; a busy machine may take some
# milliseconds from reading one clock to reading the other.
_STEP_NS: Final = 10_000_000
_MOST_STEPS: Final = 1000


class Zero:
    """Where second 0 is: no line arrives before its interval is over, one of many right then."""

    __slots__ = ("_ahead_ns", "_ns", "_since_ns")

    def __init__(self) -> None:
        """Not know it yet."""
        self._ns: int | None = None  # monotonic
        # How far the wall clock was ahead of the monotonic one, from when on.
        self._since_ns: list[int] = []
        self._ahead_ns: list[int] = []

    def place(self, arrived: Instant, stream_s: float) -> None:
        """Learn of a line about ``stream_s``; one without a wall clock's stamp says nothing."""
        self.place_all([(arrived, stream_s)])

    def place_all(self, lines: Iterable[tuple[Instant, float]]) -> None:
        """Learn of lines: when each arrived, and what second of the stream it is about."""
        zero_ns = self._ns
        last_ns = self._ahead_ns[-1] if self._ahead_ns else None
        for (monotonic_ns, wall_ns), stream_s in lines:
            if not wall_ns:
                continue
            ahead_ns = wall_ns - monotonic_ns
            if last_ns is None or abs(ahead_ns - last_ns) > _STEP_NS:
                self._since_ns.append(monotonic_ns)
                self._ahead_ns.append(ahead_ns)
                del self._since_ns[:-_MOST_STEPS], self._ahead_ns[:-_MOST_STEPS]
                last_ns = ahead_ns
            elif ahead_ns < last_ns:
                self._ahead_ns[-1] = last_ns = ahead_ns
            ns = monotonic_ns - round(stream_s * 1e9)
            if zero_ns is None or ns < zero_ns:
                zero_ns = ns
        self._ns = zero_ns

    def at(self, stream_s: float) -> datetime | None:
        """Give the wall clock's time of a moment of the stream (UTC); None if nothing arrived.

        It is what the clock showed then, before or behind any step of it.
        """
        if self._ns is None:
            return None
        ns = self._ns + round(stream_s * 1e9)
        ahead_ns = self._ahead_ns[max(bisect_right(self._since_ns, ns) - 1, 0)]
        return _EPOCH + timedelta(microseconds=(ns + ahead_ns) // 1000)
