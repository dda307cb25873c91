"""Run a Python script as a newcomer would, on a loopback of its own where that can be had."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import why_no_namespaces

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
NETNS = Path("/run/netns")

# Scripts use the default ports; another user of this machine's loopback must not be in the way.
_OWN_LOOPBACK = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


def own_loopback() -> tuple[str, ...]:
    """Return what to put before a command so that nobody else is on its loopback."""
    return () if why_no_namespaces() else _OWN_LOOPBACK


def run(
    *arguments: str | Path, before: Sequence[str] = (), timeout: float = 90, status: int = 0
) -> str:
    """Run Python with ``arguments`` and return what it printed; its exit status is as said."""
    done = subprocess.run(
        [*own_loopback(), *before, sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert status == done.returncode, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def left_namespaces(told: str) -> set[str]:
    """Return which namespaces of the example that printed ``told`` are (still) there."""
    ((pid),) = set(re.findall(r"\bpyperf2-[\w-]+?-(\d+)\b", told))
    return {path.name for path in NETNS.glob(f"pyperf2-*-{pid}")}


def command_of(pid: int) -> str | None:
    """Return the command line of a process; None if there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return None


def children(pid: int) -> dict[int, str | None]:
    """Return the command lines of a process's children; none if it has ended."""
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {child: command_of(child) for child in map(int, " ".join(lists).split())}
