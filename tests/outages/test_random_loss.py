"""Blackouts in the midst of random loss: what is told of one is true of it."""

from __future__ import annotations

from itertools import groupby
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.outages.judge import contradictions, read
from tests.outages.receivers import BUILDS
from tests.outages.simulator import DELIVERED, LOST, Scenario, simulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyperf2.core.gaps import Outage
    from tests.outages.simulator import Fate, Run

_CASES = 10
_CALM = [DELIVERED] * 1500


def _blackouts(
    version: str, ratio: float, interval: float
) -> Iterator[tuple[int, Run, list[Run], list[Outage]]]:
    """Yield seeds, the true blackout, all that was lost in a row, and what is told as located."""
    for seed in range(_CASES):
        dice = Random(seed)  # noqa: S311 - no secret

        def storm(dice: Random = dice) -> list[Fate]:
            return [
                LOST if dice.random() < ratio else DELIVERED for _ in range(dice.randint(700, 1300))
            ]

        dark = dice.randint(300, 600)
        fates = [*_CALM, *storm(), *[LOST] * dark, *storm(), *_CALM]
        course = tuple((fate, len(list(some))) for fate, some in groupby(fates))
        scenario = Scenario(version=version, course=course, interval=interval, seed=seed)
        outcome = simulate(scenario)
        stream = read(scenario, outcome)
        assert (outcome.lost, 0) == (stream.packets_lost, stream.packets_lost_error)
        located = [outage for outage in stream.outages if outage.method == "located"]
        blackout = max(outcome.runs, key=lambda run: run.packets)
        yield seed, blackout, outcome.runs, located


def _is_told(run: Run, outage: Outage) -> bool:
    """Whether a run of lost datagrams is within all the bounds of an outage."""
    assert run.begin is not None
    assert run.end is not None
    return (
        abs(run.begin - outage.begin_s) <= outage.begin_error_s
        and abs(run.end - outage.end_s) <= outage.end_error_s
        and abs(run.packets - outage.packets_lost) <= outage.packets_lost_error
        and abs(run.end - run.begin - outage.duration_s) <= outage.duration_error_s + 0.0001
    )


@pytest.mark.parametrize("version", BUILDS)
def test_outages_in_a_row_of_intervals_are_where_something_was_lost(version: str) -> None:
    """203 ms down, and soon 15 and 93: three lossy intervals in a row, but no random loss."""
    course = (
        (DELIVERED, 601), (LOST, 1), (DELIVERED, 295), (LOST, 203), (DELIVERED, 91), (LOST, 15),
        (DELIVERED, 1), (LOST, 93), (DELIVERED, 1),
    )  # fmt: skip
    scenario = Scenario(version=version, course=course, jitter=0.0)
    outcome = simulate(scenario)
    for known in (True, False):
        stream = read(scenario, outcome, paired=False, rate_known=known)
        assert [] == contradictions(scenario, outcome, stream, paired=False, rate_known=known)


@pytest.mark.slow
@pytest.mark.parametrize("interval", [0.02, 0.1])
@pytest.mark.parametrize("ratio", [0.01, 0.1, 0.3, 0.6, 0.8])
@pytest.mark.parametrize("version", BUILDS)
def test_a_blackout_in_random_loss_is_where_its_bars_say(
    version: str, ratio: float, interval: float
) -> None:
    """What random loss makes by chance, ten in a row among others, is told as no blackout."""
    for seed, blackout, runs, located in _blackouts(version, ratio, interval):
        for outage in located:
            assert any(_is_told(run, outage) for run in runs if run.begin and run.end), (
                f"{outage} is none of what was lost; seed {seed}"
            )
        assert any(_is_told(blackout, outage) for outage in located), f"{blackout}; seed {seed}"
