"""The browser that the tests of pages share: starting one takes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.report.browser import Browser

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser; it is gone at the end."""
    made = Browser(tmp_path_factory.mktemp("browser"))
    yield made
    made.close()
