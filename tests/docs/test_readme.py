"""What the README and the pages of the documentation show is true: their Python runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.blocks import blocks_of, script_of
from tests.examples.scripts import NETNS, ROOT, run

if TYPE_CHECKING:
    from pathlib import Path

README = ROOT / "README.rst"
MOST_LINES = 10  # of a whole convergence test, imports and verdict included
PAGES = sorted([README, *(ROOT / "docs").glob("*.rst")])


def name_of(page: Path) -> str:
    """Name a test after its page."""
    return page.name


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks_of(page)], ids=name_of)
def test_the_python_of_a_page_runs(page: Path) -> None:
    """A reader can paste the blocks of a page one after the other; each does what it says."""
    run("-W", "error", "-c", script_of(page, blocks_of(page)))


@pytest.mark.netns
@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks_of(page, netns=True)], ids=name_of
)
def test_the_python_that_makes_namespaces_runs(page: Path) -> None:
    """The same for the blocks that need root; they remove what they made."""
    before = set(NETNS.glob("*"))
    run("-c", script_of(page, blocks_of(page, netns=True)))
    assert "readme" not in {path.name for path in set(NETNS.glob("*")) - before}


def test_the_readme_shows_what_a_newcomer_needs() -> None:
    """There are blocks to run, and both commands."""
    text = README.read_text(encoding="utf-8")
    assert len(blocks_of(README)) >= 6
    assert len(blocks_of(README, netns=True)) == 2
    (test,) = [one for one in blocks_of(README, netns=True) if "ConvergenceTest" in one]
    assert len([line for line in test.splitlines() if line.strip()]) <= MOST_LINES
    assert {"$ make demo", "$ make test"} <= {line.strip() for line in text.splitlines()}
