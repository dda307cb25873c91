"""Moments of a stream on the wall clock, which somebody may set meanwhile."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from pyperf2.core.records import Instant
from pyperf2.core.zero import Zero

SECOND = 10**9
BOOTED = 1_700_000_000  # where the wall clock stood when the monotonic one stood at 0


def wall(seconds: float) -> datetime:
    """Return a time of the wall clock."""
    return datetime.fromtimestamp(BOOTED + seconds, timezone.utc)


def placed(*lines: tuple[float, float, float]) -> Zero:
    """Return what is known after lines: which second they told of, and when they came."""
    zero = Zero()
    for stream_s, monotonic_s, ahead_s in lines:
        monotonic_ns = round(monotonic_s * SECOND)
        wall_ns = monotonic_ns + BOOTED * SECOND + round(ahead_s * SECOND)
        zero.place(Instant(monotonic_ns, wall_ns), stream_s)
    return zero


def test_the_earliest_line_tells_where_zero_is() -> None:
    """Lines come late, never early."""
    assert wall(102.5) == placed((1, 101.3, 0), (2, 102, 0), (3, 103.1, 0)).at(2.5)


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 0.2, -0.2])
def test_a_step_of_the_wall_clock_is_between_what_was_before_and_after(step_s: float) -> None:
    """Each moment is told as the clock showed it then; a second step counts from where it was."""
    zero = placed((1, 101, 0), (2, 102, 0), (3, 103, step_s), (4, 104, step_s), (5, 105, 0))
    assert [wall(100.5), wall(101.5), wall(103.5 + step_s), wall(105.5)] == [
        zero.at(moment) for moment in (0.5, 1.5, 3.5, 5.5)
    ]


def test_a_clock_that_is_read_late_is_no_step() -> None:
    """Between the readings of both clocks a busy machine lets some time pass."""
    assert wall(100) == placed((1, 101, 0.004), (2, 102, 0), (3, 103, 0.009)).at(0)


def test_nothing_is_known_without_a_wall_clock() -> None:
    """A recording may have no stamps."""
    zero = Zero()
    assert zero.at(0) is None
    zero.place(Instant(5, 0), 1)
    assert zero.at(0) is None
