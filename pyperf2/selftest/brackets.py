"""Figures beside the instants between which something was changed; knows not what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pyperf2.selftest.judge import JITTER_S

if TYPE_CHECKING:
    from pyperf2.core.figures import Figure


class Changed(Protocol):
    """A change took effect after the one and not later than the other (``CLOCK_REALTIME``)."""

    @property
    def before_ns(self) -> int:
        """The clock just before."""

    @property
    def after_ns(self) -> int:
        """The clock just after."""


def instant(change: Changed) -> tuple[float, float]:
    """Give the bounds of a change, in seconds since the epoch."""
    return change.before_ns / 1e9, change.after_ns / 1e9


def between(first: Changed, last: Changed) -> tuple[float, float]:
    """Give the bounds of the time between two changes, in seconds."""
    return (last.before_ns - first.after_ns) / 1e9, (last.after_ns - first.before_ns) / 1e9


def beyond(value: float, low: float, high: float) -> float:
    """Give how far a value is off the bounds: 0 between them, negative below."""
    return value - min(max(value, low), high)


def outside(figure: Figure | None, low: float, high: float, slack: float = JITTER_S) -> str | None:
    """Say how a figure's bar misses what is known to be between two values; None if it does not."""
    if figure is None:
        return "there is none"
    if figure.low - slack <= high and low <= figure.high + slack:
        return None
    return f"{figure} misses {low} to {high}"
