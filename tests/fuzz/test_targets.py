"""The targets of ``make fuzz`` hold for real output, whole and spoilt, and for any bytes."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import HEAD, TARGETS


@cache
def known(target: str) -> list[bytes]:
    """Return the seeds of a target."""
    return list(seeds(target))


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_real_output_is_sound(target: str) -> None:
    """Every recording passes: there are some, and the invariants are true."""
    assert len(known(target)) > 50
    for seed in known(target):
        TARGETS[target](seed)


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_survived(target: str, data: bytes) -> None:
    """Under any circumstances, whatever is printed."""
    TARGETS[target](data)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@given(head=st.binary(min_size=HEAD, max_size=HEAD), chance=st.integers(0, 2**32))
def test_real_output_under_any_circumstances(target: str, head: bytes, chance: int) -> None:
    """Of another version, role or interval than is thought, cut and timed at random, and torn."""
    dice = random.Random(chance)  # noqa: S311 - no secret
    printed = dice.choice(known(target))[HEAD:]
    at, until = sorted(dice.choices(range(len(printed) + 1), k=2))
    TARGETS[target](head + printed[:at] + printed[until:])
