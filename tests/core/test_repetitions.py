"""Repeated figures: statistics beside tables and the standard library, gaps that stay gaps."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2 import OptionError
from pyperf2.core.figures import Figure
from pyperf2.core.repetitions import Gap, Repeated, repeated, student_t

# Two-sided quantiles, as every table of Student's t has them.
TABLE = {
    (0.95, 1): 12.706, (0.95, 2): 4.303, (0.95, 3): 3.182, (0.95, 4): 2.776, (0.95, 9): 2.262,
    (0.95, 10): 2.228, (0.95, 29): 2.045, (0.95, 30): 2.042, (0.95, 1000): 1.962,
    (0.90, 7): 1.895, (0.99, 4): 4.604, (0.99, 5): 4.032, (0.5, 1): 1.000,
}  # fmt: skip


@pytest.mark.parametrize(("level", "degrees"), TABLE)
def test_students_t_is_that_of_the_tables(level: float, degrees: int) -> None:
    """To the three digits that tables have."""
    assert TABLE[level, degrees] == round(student_t(level, degrees), 3)


def test_students_t_ends_whatever_the_level() -> None:
    """Levels that no float tells from certainty give a number too."""
    assert student_t(1 - 2**-53, 1) > 1e9
    assert student_t(1e-300, 3) < 1e-6
    assert student_t(0.95, 10_000) == pytest.approx(statistics.NormalDist().inv_cdf(0.975), 1e-3)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_statistics_are_those_of_the_standard_library(values: list[float]) -> None:
    """Mean, median, deviation, extremes; percentiles lie between these."""
    found = repeated("rate", "bit/s", [Figure(one) for one in values])
    told = found.statistics
    assert told is not None
    assert len(values) == told.count
    assert statistics.fmean(values) == pytest.approx(told.mean.value)
    assert statistics.median(values) == pytest.approx(told.median.value)
    assert statistics.stdev(values) == found.stdev
    assert (min(values), max(values)) == (found.percentile(0), found.percentile(100))
    confidence = found.confidence()
    assert confidence is not None
    assert confidence.low <= told.mean.value + 1e-6
    assert told.mean.value - 1e-6 <= confidence.high


def test_the_confidence_interval_is_mean_and_t_errors() -> None:
    """1 to 5: mean 3, s √2.5, t 2.776: 3 ± 1.963; at 99 % wider."""
    found = repeated("rate", "bit/s", [Figure(float(one)) for one in range(1, 6)])
    low, high, level = found.confidence() or (0, 0, 0)
    assert (1.037, 4.963, 0.95) == (round(low, 3), round(high, 3), level)
    wider = found.confidence(0.99)
    assert wider is not None
    assert 6.256 == round(wider.high, 3)
    assert 4.6 == pytest.approx(found.percentile(90))


def test_gaps_are_named_and_in_no_mean() -> None:
    """The second of three failed: two figures, one gap, the mean of two."""
    found = repeated("upstream bitrate", "bit/s", [Figure(1e6), "refused", Figure(3e6)])
    assert (Gap(2, "refused"),) == found.gaps
    told = found.statistics
    assert told is not None
    assert (2, 2e6) == (told.count, told.mean.value)
    assert "upstream bitrate: 2 Mbit/s ±" in str(found)
    assert "repetition 2 is missing: refused" in str(found)


def test_what_cannot_be_said_is_none() -> None:
    """No spread of one figure, no statistics of none."""
    one, none = repeated("x", "", [Figure(2.0)]), repeated("x", "", ["no"])
    assert (None, None) == (one.stdev, one.confidence())
    assert 2.0 == one.percentile(50)
    assert "x: 2 (n 1)" == str(one)
    assert (None, None, None) == (none.statistics, none.percentile(50), none.confidence())
    assert "x: no figure\n  repetition 1 is missing: no" == str(none)


@pytest.mark.parametrize("level", [0, 1, -1, 95, float("nan")])
def test_levels_and_shares_that_are_none_are_refused(level: float) -> None:
    """A level is between 0 and 1, a percentile from 0 to 100."""
    with pytest.raises(OptionError, match="between 0 and 1"):
        Repeated(name="x", unit="").confidence(level)
    with pytest.raises(OptionError, match="0 to 100"):
        Repeated(name="x", unit="").percentile(level - 101)
