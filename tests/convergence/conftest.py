"""No test of this folder leaves anything behind; the live ones share one path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.convergence.network import Network
from tests.live.support import nothing_leaks

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["nothing_leaks"]


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    """Return a sender, two receivers, and a bridge between them that can break the path."""
    with Network(receivers=2) as made:
        yield made
