"""Second 0 of a stream on the wall clock: told by when its lines arrive."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Zero:
    """Where second 0 is: no line arrives before its interval is over, one of many right then."""

    __slots__ = ("_ns",)

    def __init__(self) -> None:
        """Not know it yet."""
        self._ns: int | None = None

    def place(self, wall_ns: int, stream_s: float) -> None:
        """Learn of a line about ``stream_s`` that arrived at ``wall_ns``; 0: nobody knows."""
        if wall_ns:
            ns = wall_ns - round(stream_s * 1e9)
            if self._ns is None or ns < self._ns:
                self._ns = ns

    def at(self, stream_s: float) -> datetime | None:
        """Give the wall clock's time of a moment of the stream (UTC); None if nothing arrived."""
        if self._ns is None:
            return None
        return _EPOCH + timedelta(microseconds=self._ns // 1000 + round(stream_s * 1e6))
