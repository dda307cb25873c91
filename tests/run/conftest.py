"""Namespaces, children that misbehave, and a place to watch a process from."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pyperf2
from pyperf2.run.host import Local
from pyperf2.run.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyperf2.core.records import Instant
    from pyperf2.run.host import Host
    from pyperf2.run.pipes import Source

DEADLINE_S = 10.0
ROOT = Path(pyperf2.__file__).parents[1]  # a child interpreter imports the package from here


def wait_for(sign: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait for the sign of something; fail with its name if it does not come."""
    end = time.monotonic() + deadline_s
    while not sign():
        if time.monotonic() > end:
            pytest.fail(f"waited {deadline_s:g} s in vain: {what}")
        time.sleep(0.005)


def is_gone(pid: int) -> bool:
    """Whether no such process runs any more (one that waits for init to reap it does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in {"Z", "X"}


def descriptors() -> list[str]:
    """Return what every open descriptor of this process points to."""
    folder = Path("/proc/self/fd")
    found = []
    for entry in folder.iterdir():
        try:
            found.append(str(entry.readlink()))
        except FileNotFoundError:  # the one that lists the folder
            continue
    return sorted(found)


class Watched:
    """A process and everything it told us."""

    def __init__(self) -> None:
        self.output: list[tuple[Source, bytes]] = []
        self.exits: list[int] = []
        self.after_exit: list[bytes] = []

    async def start(self, argv: Sequence[str], host: Host | None = None) -> Process:
        """Start it; its output and its end are collected here."""
        return await Process.start(
            argv, host=host or Local(), on_output=self.on_output, on_exit=self.on_exit
        )

    def on_output(self, source: Source, data: bytes, now: Instant) -> None:
        """Collect output."""
        assert now.monotonic_ns > 0
        self.output.append((source, data))
        if self.exits:
            self.after_exit.append(data)

    def on_exit(self, returncode: int, now: Instant) -> None:
        """Collect the end."""
        assert now.wall_ns > 0
        self.exits.append(returncode)

    def said(self, source: Source = "stdout") -> bytes:
        """Return all it printed so far."""
        return b"".join(data for origin, data in self.output if origin == source)

    async def hear(self, words: bytes) -> None:
        """Wait until it has printed ``words``."""
        end = time.monotonic() + DEADLINE_S
        while words not in self.said():
            assert time.monotonic() < end, f"never said {words!r}, but {self.output}"
            await asyncio.sleep(0.002)


def python(code: str) -> list[str]:
    """Return the command line of a child that runs ``code``; it has os, signal, sys and time."""
    return [sys.executable, "-I", "-S", "-u", "-c", f"import os, signal, sys, time\n{code}"]


@pytest.fixture
def namespace() -> Iterator[str]:
    """Make a network namespace with its loopback up; remove it again."""
    name = f"run-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.fixture
def watched() -> Watched:
    """Return a fresh collector."""
    return Watched()
