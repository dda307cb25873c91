"""One path for all tests here: building it takes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.accuracy.path import Path

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def path() -> Iterator[Path]:
    """Return a sender, a bridge that can break the path, three receivers."""
    with Path() as made:
        yield made
