"""When a change took effect: between two readings of two clocks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """A change took effect after ``before`` and not later than ``after``.

    Attributes:
        before_ns: wall clock (``CLOCK_REALTIME``, as ``time.time_ns()``), just before.
        after_ns: the same, just after.
        monotonic_before_ns: the monotonic clock just before, for differences.
        monotonic_after_ns: the same, just after.
    """

    before_ns: int
    after_ns: int
    monotonic_before_ns: int
    monotonic_after_ns: int

    @property
    def ns(self) -> int:
        """The middle, on the wall clock; the change is at most half the width away."""
        return self.before_ns + self.width_ns // 2

    @property
    def monotonic_ns(self) -> int:
        """The middle, on the monotonic clock."""
        return self.monotonic_before_ns + self.width_ns // 2

    @property
    def width_ns(self) -> int:
        """How long the change took; by the monotonic clock, which nobody sets."""
        return self.monotonic_after_ns - self.monotonic_before_ns


def bracketed(change: Callable[[], _T]) -> tuple[_T, Bracket]:
    """Make a change; return what it returned, and when it was."""
    monotonic_before_ns, before_ns = time.monotonic_ns(), time.time_ns()
    value = change()
    after_ns, monotonic_after_ns = time.time_ns(), time.monotonic_ns()
    return value, Bracket(
        before_ns=before_ns,
        after_ns=after_ns,
        monotonic_before_ns=monotonic_before_ns,
        monotonic_after_ns=monotonic_after_ns,
    )


def spanning(first: Bracket, last: Bracket) -> Bracket:
    """Return the bracket of a change of several steps."""
    return Bracket(
        before_ns=first.before_ns,
        after_ns=last.after_ns,
        monotonic_before_ns=first.monotonic_before_ns,
        monotonic_after_ns=last.monotonic_after_ns,
    )
