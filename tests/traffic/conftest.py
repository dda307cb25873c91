"""No test of this folder leaves a process, a descriptor, a namespace or a port behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyperf2.run import ports
from tests.live.support import Lab, nothing_leaks

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["nothing_leaks"]


@pytest.fixture(autouse=True)
def no_port_stays(nothing_leaks: None) -> Iterator[None]:  # noqa: ARG001 - the order
    """Fail a test that leaves a port claimed or reserved."""
    yield
    assert {} == ports._claims
    assert {} == ports._lenders


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Make two hosts and a link between them."""
    made = Lab()
    made.build()
    try:
        yield made
    finally:
        made.remove()
