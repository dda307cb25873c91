"""Whether a flow runs as it should, judged while it runs by how far it has come.

Fed with what ``Face.progress()`` tells and the time of looking; knows no process and no clock.
A flow is judged on its own time, the boundaries of its intervals: a receiver that prints late
has not lost anything.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pyperf2.core.book import Progress

RATE_TOLERANCE: Final = 0.01
# Either boundary of a stretch falls between two datagrams; a third for a sender's own unevenness.
_BORDER_PACKETS: Final = 3.0
_MOST_SEEN: Final = 100_000


class _Seen(NamedTuple):
    end_s: float
    packets: int
    lost: int
    bytes: int


class Watch:
    """One receiver of a flow; feed it its progress in order."""

    def __init__(self, *, expected_pps: float | None, counts_packets: bool, keep_s: float) -> None:
        """Begin to watch.

        Args:
            expected_pps: datagrams per second that ought to arrive, where they were announced.
            counts_packets: False for TCP, which has none to count.
            keep_s: how much of its past is asked for, in seconds.
        """
        self._expected = expected_pps if counts_packets else None
        self._counts = counts_packets
        self._keep_s = keep_s
        self._seen: deque[_Seen] = deque(maxlen=_MOST_SEEN)
        self._disturbed_at = 0.0  # on the flow's own time
        self.disturbance = "nothing has arrived"

    @property
    def end_s(self) -> float:
        """The last boundary."""
        return self._seen[-1].end_s if self._seen else 0.0

    @property
    def clean_s(self) -> float:
        """How long it has run without a disturbance, on its own time."""
        return self.end_s - self._disturbed_at

    def feed(self, progress: Progress) -> None:
        """Take how far it has come; what is not new is passed over."""
        if progress.intervals == 0 or (self._seen and progress.end_s <= self.end_s):
            return
        now = _Seen(progress.end_s, progress.packets, progress.lost, progress.bytes)
        before = self._seen[-1] if self._seen else _Seen(0.0, 0, 0, 0)
        self._seen.append(now)
        while len(self._seen) > 1 and self._seen[1].end_s < now.end_s - 2 * self._keep_s:
            self._seen.popleft()
        fault = self._fault(before, now)
        if fault is not None:
            self._disturbed_at = now.end_s
            self.disturbance = fault

    def disturb(self, why: str) -> None:
        """Begin to count anew: from here on it has to be clean."""
        self._disturbed_at = self.end_s
        self.disturbance = why

    def unsteady(self, steady_s: float) -> str | None:
        """Say why the last ``steady_s`` seconds were not steady; None if they were."""
        if self.end_s < steady_s:
            return "nothing has arrived" if not self._seen else f"only {self.end_s:.1f} s so far"
        since = self._since(self.end_s - steady_s)
        now = self._seen[-1]
        if now.lost > since.lost:
            told = now.end_s - since.end_s
            return f"{now.lost - since.lost} lost within the last {told:.1f} s"
        if self._disturbed_at > since.end_s:
            return self.disturbance
        return self._wrong_rate(since, now)

    def _since(self, end_s: float) -> _Seen:
        """Give the last look at or before a time."""
        found = self._seen[0] if self._seen[0].end_s <= end_s else _Seen(0.0, 0, 0, 0)
        for one in self._seen:
            if one.end_s > end_s + 1e-6:
                break
            found = one
        return found

    def _wrong_rate(self, since: _Seen, now: _Seen) -> str | None:
        """Say by how much a stretch is off the rate: the announced one, or that of its half."""
        seconds = now.end_s - since.end_s
        if not self._counts:
            return None if now.bytes > since.bytes else "nothing arrives"
        arrived = now.packets - since.packets
        if not arrived:
            return "nothing arrives"
        rate = self._expected
        if rate is None:
            middle = self._since(now.end_s - seconds / 2)
            if not since.end_s < middle.end_s < now.end_s:
                return None
            rate = (middle.packets - since.packets) / (middle.end_s - since.end_s)
        expected = rate * seconds
        if abs(arrived - expected) <= max(expected * RATE_TOLERANCE, _BORDER_PACKETS):
            return None
        return f"{arrived / seconds:.1f} datagrams/s arrive, {rate:.1f} are expected"

    def _fault(self, before: _Seen, now: _Seen) -> str | None:
        """Say what was wrong between two looks."""
        if now.lost > before.lost:
            return f"{now.lost - before.lost} lost"
        if self._expected is None:
            return None if now.bytes > before.bytes else "nothing arrives"
        # What a sender makes up for is no fault; a stretch that is mostly dark is one.
        expected = self._expected * (now.end_s - before.end_s)
        arrived = now.packets - before.packets
        if expected - arrived > max(_BORDER_PACKETS, expected / 2):
            return f"{arrived} datagrams arrived where {expected:.0f} are expected"
        return None
