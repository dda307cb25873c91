"""However a lab ends, nothing of it stays; what could not be removed then is removed later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pyperf2
from pyperf2.lab import Blackout, Lab, cleanup
from tests.lab.conftest import descriptors, namespaces
from tests.lab.probe import passes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.netns

ROOT = Path(pyperf2.__file__).parents[1]  # a child interpreter imports the package from here
BUILT = """
import os, signal, sys, time
from pyperf2.lab import Blackout, Lab, RateLimit
lab = Lab()
lab.open()
a, b = lab.hosts("a", "b")
link = lab.link(a, b)
fault = link.prepare(Blackout())
fault.start()
link.prepare(RateLimit(rate="1M"))
print("built", flush=True)
"""
ENDINGS = {
    "end": "",
    "exception": "raise RuntimeError('on purpose')",
    "exit": "sys.exit(3)",
    "interrupt": "os.kill(os.getpid(), signal.SIGINT); time.sleep(60)",
    "term": "os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)",
    "hangup": "os.kill(os.getpid(), signal.SIGHUP); time.sleep(60)",
    "closed": "lab.close(); lab.close()",
}


def start(script: str) -> subprocess.Popen[str]:
    """Start an interpreter with this script."""
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_way_to_end_leaves_anything(ending: str) -> None:
    """A program that never closes its lab takes it along, whichever way it ends."""
    with start(BUILT + ENDINGS[ending]) as program:
        told, errors = program.communicate(timeout=30)
    assert "built\n" == told, errors
    assert set() == namespaces(program.pid)
    status = {"end": 0, "closed": 0, "exception": 1, "exit": 3, "term": 143, "hangup": 129}
    assert status.get(ending, -signal.SIGINT) == program.returncode, errors


@pytest.fixture
def killed() -> Iterator[int]:
    """Return the pid of a program that was killed with a lab open."""
    with start(BUILT + "time.sleep(60)") as program:
        assert program.stdout is not None
        assert "built\n" == program.stdout.readline()
        program.kill()
    yield program.pid
    cleanup()


def test_what_a_killed_program_left_is_found_later(killed: int) -> None:
    """`cleanup` removes what the dead left, and names it."""
    left = namespaces(killed)
    assert len(left) == 3
    assert left <= set(cleanup())
    assert set() == namespaces(killed)


def test_a_new_lab_cleans_up_first(killed: int, lab: Lab) -> None:
    """Nobody has to think of it."""
    assert set() != namespaces(os.getpid())
    with Lab():
        assert set() == namespaces(killed)
    assert lab.nodes == {}


def test_the_living_are_left_alone(lab: Lab) -> None:
    """Neither this program's lab nor that of another is touched; nor what is no lab's."""
    stranger = f"not-a-lab-{os.getpid()}"
    a, b = lab.hosts("a", "b")
    lab.link(a, b)
    subprocess.run(["ip", "netns", "add", stranger], check=True)
    try:
        with start(BUILT + "sys.stdin.read(); time.sleep(60)") as other:
            assert other.stdout is not None
            assert "built\n" == other.stdout.readline()
            theirs = namespaces(other.pid)
            cleanup()
            assert theirs == namespaces(other.pid)
            other.terminate()
        assert (Path("/var/run/netns") / stranger).exists()
        assert passes(a, b, b.address)
    finally:
        subprocess.run(["ip", "netns", "del", stranger], check=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_any_moment(number: signal.Signals) -> None:
    """A lab that is half built, or half removed, goes too."""
    script = """
from pyperf2.lab import Lab
print("built", flush=True)
while True:
    with Lab() as lab:
        a, b = lab.hosts("a", "b")
        lab.link(a, b)
"""
    for step in range(8):
        with start(script) as program:
            assert program.stdout is not None
            assert "built\n" == program.stdout.readline()
            time.sleep(0.15 + step * 0.013)  # not for a sign: anywhere in the loop
            program.send_signal(number)
            errors = program.communicate(timeout=30)[1]
        assert set() == namespaces(program.pid), errors
        assert program.returncode != 0


def test_a_fork_does_not_take_the_lab_along(lab: Lab) -> None:
    """A child that ends, by exit or by signal, leaves its parent's lab alone."""
    a, b = lab.hosts("a", "b")
    lab.link(a, b)
    endings: list[Callable[[], object]] = [
        lambda: sys.exit(0),
        lambda: os.kill(os.getpid(), signal.SIGTERM),
        lab.close,
    ]
    for ending in endings:
        child = os.fork()
        if child == 0:
            try:
                ending()
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] in (0, signal.SIGTERM)
        assert passes(a, b, b.address)


def test_a_handler_of_the_program_stays() -> None:
    """Who handles TERM himself goes on doing so; afterwards the default is back."""
    mine = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        own = signal.getsignal(signal.SIGTERM)
        with Lab():
            assert own is signal.getsignal(signal.SIGTERM)
            assert signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL
        assert own is signal.getsignal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, mine)


@pytest.mark.long
@pytest.mark.slow
def test_fifty_labs_one_after_another() -> None:
    """Each works as the first did, and nothing adds up."""
    with Lab():  # what is opened once is open now
        pass
    before = descriptors(), threading.active_count()
    for _ in range(50):
        with Lab() as lab:
            a, b = lab.hosts("a", "b")
            link = lab.link(a, b)
            with link.impair(Blackout(), toward=b) as hit:
                pass
            assert 0 == hit.dropped
            assert passes(a, b, b.address)
    assert before == (descriptors(), threading.active_count())
    assert set() == namespaces()


def test_a_lab_from_another_thread() -> None:
    """Signals are for the main thread; labs are for any."""
    worked = []

    def build() -> None:
        with Lab() as lab:
            a, b = lab.hosts("a", "b")
            lab.link(a, b)
            worked.append(passes(a, b, b.address))

    thread = threading.Thread(target=build)
    thread.start()
    thread.join(timeout=30)
    assert [True] == worked
    assert set() == namespaces()
