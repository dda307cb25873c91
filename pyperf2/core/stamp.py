"""When something happened: an instant as exactly as two readings of the clocks tell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from pyperf2.core.figures import Figure

if TYPE_CHECKING:
    from pyperf2.core.records import Instant

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(wall_s: float) -> datetime:
    """Give seconds since the epoch as an aware datetime."""
    return _EPOCH + timedelta(seconds=wall_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Something that happened between two readings of the clocks, or at one.

    Attributes:
        name: what happened.
        before: just before it.
        after: just after it.
    """

    name: str
    before: Instant
    after: Instant

    @property
    def at(self) -> datetime:
        """The middle, on the wall clock."""
        return moment(self.wall.value)

    @property
    def wall(self) -> Figure:
        """When it was, in seconds since the epoch, and half of what lies between the readings."""
        return Figure.between(self.before.wall_ns / 1e9, self.after.wall_ns / 1e9)
