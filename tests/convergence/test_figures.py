"""Figures with bounds: what is computed from them is bounded by the truth's own arithmetic."""

from __future__ import annotations

from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2.convergence import Figure, Statistics
from pyperf2.core.figures import common, total

VALUES = st.floats(min_value=-1e3, max_value=1e3)
SIDES = st.floats(min_value=0.0, max_value=10.0)
MEASURED = st.tuples(VALUES, SIDES, st.floats(min_value=-1.0, max_value=1.0))
SLACK = 1e-6


def test_a_limit_is_kept_violated_or_inside_the_bar() -> None:
    """50 ±1 is within 51 and 60, beyond 48, and undecided for 50 and for 49."""
    figure = Figure(50.0, 1.0)
    told = [figure.is_within(limit) for limit in (60, 51, 50, 49, 48)]
    assert [True, True, None, None, False] == told


def test_bounds_that_meet_give_what_they_have_in_common() -> None:
    """[0, 2], [1, 3] and [1.5, 4] leave [1.5, 2]; a bound apart leaves nothing."""
    three = [Figure(1, 1), Figure(2, 1), Figure(2.75, 1.25)]
    assert Figure(1.75, 0.25) == common(three)
    assert common([*three, Figure(5, 1)]) is None
    assert common([]) is None


@given(st.lists(MEASURED, min_size=1, max_size=20))
def test_the_truth_is_within_every_statistic(measured: list[tuple[float, float, float]]) -> None:
    """Wherever the true values are within their bars, so is each statistic of them."""
    figures = [Figure(value, error) for value, error, _ in measured]
    truth = sorted(value + error * where for value, error, where in measured)
    statistics = Statistics.of(figures)
    assert statistics is not None
    assert len(truth) == statistics.count
    for figure, true in (
        (statistics.minimum, truth[0]),
        (statistics.median, median(truth)),
        (statistics.mean, fmean(truth)),
        (statistics.maximum, truth[-1]),
    ):
        assert figure.low - SLACK <= true <= figure.high + SLACK
    assert statistics.median.value - SLACK <= statistics.p95.value + 20.0 + SLACK
    assert statistics.p95.low - SLACK <= truth[-1]


@given(st.lists(MEASURED, max_size=20))
def test_a_sum_is_within_the_sum_of_the_bars(measured: list[tuple[float, float, float]]) -> None:
    """Errors may all point the same way."""
    summed = total(Figure(value, error) for value, error, _ in measured)
    truth = sum(value + error * where for value, error, where in measured)
    assert summed.low - SLACK <= truth <= summed.high + SLACK


@given(VALUES, st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=20))
def test_bounds_around_one_truth_have_it_in_common(
    truth: float, sides: list[tuple[float, float]]
) -> None:
    """Each bound holds the truth, so what they agree on does, and is no wider than any."""
    figures = [Figure.between(truth - below, truth + above) for below, above in sides]
    agreed = common([figure._replace(error=figure.error + SLACK) for figure in figures])
    assert agreed is not None
    assert agreed.low - SLACK <= truth <= agreed.high + SLACK
    assert agreed.error <= min(figure.error for figure in figures) + 2 * SLACK


def test_the_95th_percentile_is_interpolated() -> None:
    """Of 0 to 100 it is 95; of two values it lies close to the greater."""
    hundred = Statistics.of(Figure(float(value)) for value in range(101))
    two = Statistics.of([Figure(0.0), Figure(1.0)])
    assert hundred is not None
    assert two is not None
    assert hundred.p95.value == pytest.approx(95)
    assert two.p95.value == pytest.approx(0.95)


def test_a_figure_is_told_with_its_bar() -> None:
    """In the unit asked for; an exact one without a bar."""
    assert "200.0 ±1.5" == Figure(0.2, 0.0015).told(1000)
    assert "7" == Figure(7.0).told(digits=0)
