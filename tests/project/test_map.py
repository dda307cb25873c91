"""The map of the source in CONTRIBUTING.rst is complete and leads nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def mapped() -> set[str]:
    """Return the paths of Python files on the map, from the package's folder on."""
    text = (ROOT / "CONTRIBUTING.rst").read_text(encoding="utf-8")
    told = re.findall(r"^``((?:pyperf2|core|run|…)/\S+\.py)``", text, re.MULTILINE)
    return {
        path.removeprefix("pyperf2/").replace("…/", "core/parsers/", 1)
        for path in told
        if path != "pyperf2/__init__.py"
    }


def test_every_module_is_on_the_map_and_only_those() -> None:
    """A newcomer finds each file by what it is for; the map names no file that is gone."""
    package = ROOT / "pyperf2"
    files = {path.relative_to(package).as_posix() for path in package.rglob("*.py")}
    packages = {"__init__.py", "core/__init__.py", "run/__init__.py"}
    dialects = {f"core/parsers/iperf{n}/__init__.py" for n in (2, 3)}  # mapped as folders
    assert files - packages - dialects == mapped()
