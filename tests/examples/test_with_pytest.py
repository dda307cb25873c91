"""The example that pytest runs passes as it stands, and says what it measured."""

from __future__ import annotations

import re

import pytest

from tests.examples.scripts import EXAMPLES, run


@pytest.mark.netns
@pytest.mark.slow
def test_test_failover__passes_and_tells_its_longest_outage() -> None:
    """Both tests pass; the outage is as long as the link was down, and within the limit."""
    told = run("-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLES / "test_failover.py")
    assert "2 passed" in told
    found = re.search(
        r"convergence runs: 1, in tests: 1; longest outage (\S+) ms; limits: 1 passed", told
    )
    assert found is not None, told
    assert 90 <= float(found[1]) <= 300
