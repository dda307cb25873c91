"""What README and docs show of the plugin runs under pytest as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyperf2.pytest_plugin import settings
from tests.docs.blocks import blocks_of
from tests.examples.scripts import ROOT

if TYPE_CHECKING:
    from tests.plugin.conftest import Run

pytestmark = pytest.mark.timeout(120)

PAGE = ROOT / "docs" / "pytest.rst"


@pytest.mark.netns
@pytest.mark.slow
def test_what_is_shown_passes(run: Run) -> None:
    """Each block that has a test in it is one a reader can paste into a file."""
    shown = [
        block
        for page in (ROOT / "README.rst", PAGE)
        for block in blocks_of(page)
        if "def test_" in block
    ]
    done = run("\n\n".join(sorted(shown, key=lambda block: "import" not in block)))
    done.assert_outcomes(passed=3)
    assert 3 == len(shown)


def test_every_setting_is_explained() -> None:
    """The page names each option; none that there is not."""
    table = PAGE.read_text().partition("\nSettings\n")[2].partition("\nArtefacts\n")[0]
    flags = {"--" + name.replace("_", "-") for name in (*settings._TABLE, settings._REQUIRE)}
    told = {word.strip("`").partition("=")[0] for word in table.split() if word.startswith("``--")}
    assert flags == told
