"""A lab for each test that asks for one, and proof that nothing of it stays."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyperf2.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator


def namespaces(pid: int | None = None) -> set[str]:
    """Return the namespaces of all labs of a process; None: this one."""
    folder = Path("/var/run/netns")
    if not folder.exists():
        return set()
    owner = f"-{os.getpid() if pid is None else pid}-"
    return {
        entry.name
        for entry in folder.iterdir()
        if entry.name.startswith("pyperf2-lab-") and owner in entry.name
    }


def descriptors() -> int:
    """Return how many descriptors are open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Return an open lab; when the test is over, nothing of it may be left."""
    open_before, threads_before = descriptors(), threading.active_count()
    with Lab() as made:
        yield made
    assert set() == namespaces()
    assert open_before == descriptors()
    assert threads_before == threading.active_count()
