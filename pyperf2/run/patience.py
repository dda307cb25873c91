"""Whether it pays to wait a moment for more, where something becomes ready all the time."""

from __future__ import annotations

import time
from typing import Final

_BUSY_S: Final = 0.0002  # between two wake-ups
_PATIENCE_S: Final = 0.0008  # far below what a callback may be late


class Patience:
    """Waking up costs more than reading a line: many instances would have one wake up for each."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        """Begin with none."""
        self._last = 0.0

    def waited(self, now: float) -> bool:
        """Be told of a wake-up; if the one before was just now, wait a moment and give True."""
        before, self._last = self._last, now
        if now - before > _BUSY_S:
            return False
        time.sleep(_PATIENCE_S)
        self._last = time.monotonic()
        return True
