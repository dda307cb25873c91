"""For any fate of every datagram, the totals and the bars hold the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from tests.outages.judge import contradictions, read
from tests.outages.receivers import BUILDS
from tests.outages.scenarios import cases
from tests.outages.simulator import simulate

if TYPE_CHECKING:
    from tests.outages.scenarios import Case, Weather

# Together 500 for each version, of the 100 that a profile gives a test.
_SHARES: dict[Weather, float] = {"outages": 2.5, "random loss": 1.2, "late and twice": 1.3}


@pytest.mark.slow
@pytest.mark.timeout(0)  # the explore profile takes its time
@pytest.mark.parametrize("weather", _SHARES)
@pytest.mark.parametrize("version", BUILDS)
def test_truth_is_within_the_bounds(version: str, weather: Weather) -> None:
    """Lost ± its error, every outage's begin, end and length, and the sum of all: none is wrong."""

    @settings(max_examples=round(settings().max_examples * _SHARES[weather]))
    @given(cases(version, weather))
    def holds(case: Case) -> None:
        outcome = simulate(case.scenario)
        if not outcome.server:
            return  # nothing arrived: nothing was printed
        known = {"paired": case.paired, "rate_known": case.rate_known}
        stream = read(case.scenario, outcome, **known)
        assert [] == contradictions(case.scenario, outcome, stream, **known)

    holds()
