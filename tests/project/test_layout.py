"""The tree is the one that was drawn, and stays readable."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TOP_LEVEL = {
    "CHANGELOG.rst",
    "CONTRIBUTING.rst",
    "LICENSE",
    "Makefile",
    "README.rst",
    "benchmarks",
    "docs",
    "examples",
    "pyperf2",
    "pyproject.toml",
    "tests",
}
MOST_LINES = 400  # past that, look for the second responsibility

# A path that exists on one developer's machine only has no business in the project.
MACHINE_PATH = re.compile(rb"(?<![\w.$}~/-])/(?:root|work|home/\w+)/|/tmp/bash_jobs|\.\./shared\b")


def tracked() -> list[Path]:
    """Return every file of the project: in git, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Return the project's files."""
    return tracked()


def test_the_top_level_holds_what_was_drawn_and_nothing_else(files: list[Path]) -> None:
    """Whoever opens the project sees the package, its tests, examples and docs; no strays."""
    top = {path.relative_to(ROOT).parts[0] for path in files}
    strays = {name for name in top if not name.startswith(".")} - TOP_LEVEL
    assert set() == strays


def test_no_python_file_is_longer_than_a_reader_can_hold(files: list[Path]) -> None:
    """Each Python file has at most 400 lines."""
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in files
        if path.suffix == ".py"
    }
    assert {} == {name: lines for name, lines in lengths.items() if lines > MOST_LINES}


def test_no_file_names_a_path_of_one_machine(files: list[Path]) -> None:
    """Nothing refers to a home folder or to a checkout's place."""
    named = [
        f"{path.relative_to(ROOT)}:{number}: {line.decode(errors='replace').strip()}"
        for path in files
        if path != Path(__file__)
        for number, line in enumerate(path.read_bytes().splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert [] == named


def test_the_package_says_that_it_is_typed() -> None:
    """``py.typed`` is in the package, so callers get the annotations."""
    assert (ROOT / "pyperf2" / "py.typed").is_file()
