"""One flow at one receiver, from what its result holds."""

from __future__ import annotations

from datetime import datetime, timezone
from types import MappingProxyType

import pytest

from pyperf2.core.gaps import Outage
from pyperf2.core.outcome import outcomes_of
from pyperf2.core.records import Instant, Interval
from pyperf2.core.results import Result, StreamResult

SECOND = 10**9
BOOTED = 1_700_000_000  # where the wall clock stood when the monotonic one stood at 0


def tcp(*ahead_s: float) -> Result:
    """Return what a receiver of TCP has: a second for each, dark from the third to the fourth.

    ``ahead_s``: how far somebody had set the wall clock ahead when the line came.
    """
    intervals = tuple(
        Interval(
            stream_id="1",
            start=float(index),
            end=index + 1.0,
            protocol="tcp",
            direction="received",
            bytes=0 if index == 3 else 10**6,
            arrived=Instant(
                (index + 101) * SECOND,
                (index + 101 + BOOTED) * SECOND + round(ahead * SECOND),
            ),
        )
        for index, ahead in enumerate(ahead_s)
    )
    dark = Outage(
        begin_s=2.5, end_s=4.5, begin_error_s=0.5, end_error_s=0.5, duration_s=2.0,
        duration_error_s=1.0, packets_lost=0, method="rate",
    )  # fmt: skip
    stream = StreamResult(
        stream_id="1", intervals=intervals, interval_count=len(intervals), outages=(dark,)
    )
    return Result(
        tool="iperf2",
        version=None,
        role="server",
        protocol="tcp",
        name=None,
        streams=MappingProxyType({"1": stream}),
    )


def wall(seconds: float) -> datetime:
    """Return a time of the wall clock, as it was set at first."""
    return datetime.fromtimestamp(BOOTED + seconds, timezone.utc)


STEP = pytest.mark.parametrize("step_s", [3600.0, -3600.0, 0.2, -0.2])


@STEP
def test_an_outage_of_tcp_is_where_the_clock_showed_it_whoever_set_it_later(step_s: float) -> None:
    """The clock is set behind the outage: this, and second 0, are where they were."""
    (told,) = outcomes_of(
        "a", "b", tcp(*[0.0] * 5, *[step_s] * 3), event=None, stopped_s=0.0, recovery_s=0.0
    )
    (outage,) = told.earlier
    assert (wall(102.5), wall(104.5)) == (outage.begin_at, outage.end_at)
    assert wall(100) == told.zero_at


@STEP
def test_an_outage_behind_a_step_of_the_clock_is_where_it_was_set_to(step_s: float) -> None:
    """As the event of a test is, which is told by the same clock; second 0 stays where it was."""
    (told,) = outcomes_of(
        "a", "b", tcp(*[0.0] * 2, *[step_s] * 6), event=None, stopped_s=0.0, recovery_s=0.0
    )
    (outage,) = told.earlier
    assert wall(104.5 + step_s) == outage.end_at
    assert wall(100) == told.zero_at
