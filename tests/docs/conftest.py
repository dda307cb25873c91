"""The Sphinx extensions are found here as ``docs/conf.py`` finds them: by their folder."""

from __future__ import annotations

import sys

from tests.examples.scripts import ROOT

sys.path.insert(0, str(ROOT / "docs" / "_ext"))
