"""The iperf3 under test, asked for its version; two namespaces; no test leaves anything behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyperf2.core.binary import V3_17
from pyperf2.run.probe import probe
from tests.live.support import Lab, nothing_leaks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyperf2.core.binary import Build

__all__ = ["nothing_leaks"]


@pytest.fixture(scope="session")
def build(iperf3: Path) -> Build:
    """Return what the iperf3 under test says it is."""
    told = probe(str(iperf3))
    assert "iperf3" == told.tool
    return told


@pytest.fixture(scope="session")
def has_json(build: Build) -> bool:
    """Return whether the iperf3 under test prints JSON line by line."""
    return build.version >= V3_17


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Return two namespaces with a link between them, for the tests of one file."""
    made = Lab()
    try:
        made.build()
        yield made
    finally:
        made.remove()
