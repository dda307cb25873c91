"""Outages of streams without sequence numbers (TCP): intervals in which nothing arrived.

Rate-derived (RFC 6413, 6.2.3): the outage began somewhere in the interval before the first silent
one and ended somewhere in the one after the last, so each end is known to half an interval. What
is lost cannot be told; TCP sends it again.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from pyperf2.core.gaps import Outage

_MAX_OUTAGES: Final = 10_000


class SilenceEstimator:
    """The silences of one stream; feed it its intervals in order."""

    __slots__ = ("_before", "_done", "_flowing", "_silent")

    def __init__(self) -> None:
        """Begin before the first byte: silence before that is none."""
        self._flowing = False
        self._before = (0.0, 0.0)  # the last interval with bytes
        self._silent: tuple[float, float] | None = None
        self._done: deque[Outage] = deque(maxlen=_MAX_OUTAGES)

    def feed(self, start: float, end: float, size: int) -> None:
        """Take one interval and the bytes that arrived in it."""
        if size > 0:
            if self._silent is not None:
                self._done.append(self._outage(self._silent, (start, end)))
                self._silent = None
            self._flowing = True
            self._before = (start, end)
        elif self._flowing:
            self._silent = (self._silent[0] if self._silent else start, end)

    def outages(self) -> list[Outage]:
        """Give the outages so far, in order; the open one last."""
        found = list(self._done)
        if self._silent is not None:
            found.append(self._outage(self._silent, None))
        return found

    def _outage(self, silent: tuple[float, float], after: tuple[float, float] | None) -> Outage:
        lead = (self._before[1] - self._before[0]) / 2
        trail = (after[1] - after[0]) / 2 if after else 0.0
        begin, end = silent[0] - lead, silent[1] + trail
        return Outage(
            begin_s=begin,
            end_s=end,
            begin_error_s=lead,
            end_error_s=trail,
            duration_s=end - begin,
            duration_error_s=lead + trail,
            packets_lost=0,
            complete=after is not None,
            method="rate",
        )
