"""Two programs that want the same port for their tests, as the workers of pytest-xdist might."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pyperf2 import ConvergenceError, PortUnavailable
from pyperf2.convergence import ConvergenceTest
from tests.conftest import iperf_children
from tests.convergence.test_broken_off import QUICK, loopback, nothing
from tests.live.support import ROOT, free_port

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

# Says "event" when its flows are steady, and ends when it is told to; or says what went wrong.
PROGRAM = """
import sys
from pyperf2 import Client, ConvergenceError, Server
from pyperf2.convergence import ConvergenceTest, Flow

def event():
    print("event", flush=True)
    sys.stdin.readline()

common = dict(protocol="udp", port=int(sys.argv[1]), realtime=False)
flow = Flow("theirs", server=Server(**common), client=Client("127.0.0.1", **common))
test = ConvergenceTest([flow], event, steady=0.2, recovery=0.2, timeout=30)
sys.stdin.readline()
try:
    test.run()
    print("done", flush=True)
except ConvergenceError as error:
    print(error.step, error.flow, error, sep=" | ", flush=True)
"""


@contextmanager
def program(port: int) -> Generator[subprocess.Popen[str]]:
    """Begin a test of another program, which waits for a line before it starts its flows."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        try:
            yield child
        finally:
            child.communicate("\n\n", timeout=30)


def told(child: subprocess.Popen[str]) -> str:
    """Have it go on, and give the next line that it says."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("\n")
    child.stdin.flush()
    return child.stdout.readline().strip()


def test_a_port_that_another_program_s_test_has_is_told_with_flow_and_step() -> None:
    """Nothing of ours is left running; when theirs is over, the number is free."""
    flow = loopback("ours")
    port = flow.receivers[0].port
    test = ConvergenceTest([flow], nothing, **QUICK)
    with program(port) as child:
        assert "event" == told(child)
        with pytest.raises(ConvergenceError, match=rf"{port} .*is taken") as refused:
            test.run()
        assert ("start", "ours") == (refused.value.step, refused.value.flow)
        assert isinstance(refused.value.__cause__, PortUnavailable)
        assert {} == iperf_children()
        assert "done" == told(child)
    assert test.run().error is None


def test_of_two_that_start_at_once_one_has_the_port() -> None:
    """The other is told so, before a datagram of either could have gone to the wrong server."""
    port = free_port()
    with program(port) as one, program(port) as other:
        for child in (one, other):
            assert child.stdin is not None
            child.stdin.write("\n")
            child.stdin.flush()
        said = [child.stdout.readline().strip() for child in (one, other) if child.stdout]
    assert "event" in said
    said.remove("event")
    assert said[0].startswith("start | theirs | flow 'theirs', start: its server: did not start: ")
    # Who keeps it is told, until that one's socket is bound; then, which process has it.
    assert re.search(rf"{port} on this host is (taken by|kept by another) process", said[0])
