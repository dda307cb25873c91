"""A program with twenty instances in namespaces dies in each way it can; no iperf is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.live.support import ROOT, Lab, wait_for

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

pytestmark = [pytest.mark.netns, pytest.mark.slow]

PAIRS = 10

# Ten servers and ten clients of them in two namespaces; prints the pids, then goes on with more.
PROGRAM = f"""
import os, signal, sys, threading, time
from pyperf2 import Client, Server, start_all
left, right, target = sys.argv[1:]
servers = [
    Server(protocol="udp", port=21301 + n, use_linux_namespace=right) for n in range({PAIRS})
]
clients = [
    Client(target, protocol="udp", port=21301 + n, use_linux_namespace=left, bandwidth="20pps")
    for n in range({PAIRS})
]
told = threading.Event()
clients[0].register_on_data_callback(lambda message: told.set())
start_all(servers + clients)
print(*(one.pid for one in servers + clients), flush=True)
"""
BLOCK = """
held = threading.Event()
def block(message):
    held.set()
    time.sleep(3600)
for one in servers + clients:
    one.register_on_data_callback(block)
held.wait(10)
"""
# The interpreter ends while a callback of each instance is in the middle of its work.
AMIDST = """
held = threading.Event()
def work(message):
    held.set()
    {work}
for one in servers + clients:
    one.register_on_data_callback(work)
held.wait(10)
"""
STOPS = AMIDST.format(work="[one.stop() for one in servers + clients]")
STARTS = AMIDST.format(
    work="[Server(protocol='udp', port=port).start() for port in range(21321, 21341)]"
)
IN_A_CALLBACK = """
clients[0].register_on_data_callback(lambda message: {work})
time.sleep(60)
"""
SLEEP = "time.sleep(60)\n"

DEATHS: dict[str, tuple[str, signal.Signals | None, int]] = {
    "normal end": ("told.wait(10)\n", None, 0),
    "exception": ("raise ZeroDivisionError\n", None, 1),
    "SIGINT": (SLEEP, signal.SIGINT, -signal.SIGINT),
    "SIGTERM": (SLEEP, signal.SIGTERM, -signal.SIGTERM),
    "SIGHUP": (SLEEP, signal.SIGHUP, -signal.SIGHUP),
    "SIGKILL": (SLEEP, signal.SIGKILL, -signal.SIGKILL),
    "os._exit": ("os._exit(6)\n", None, 6),
    "os._exit in a callback": (IN_A_CALLBACK.format(work="os._exit(6)"), None, 6),
    "a signal to itself in a callback": (
        IN_A_CALLBACK.format(work="os.kill(os.getpid(), signal.SIGTERM)"), None, -signal.SIGTERM,
    ),
    "normal end, callbacks stop instances": (STOPS, None, 0),
    "normal end, callbacks start instances": (STARTS, None, 0),
    "normal end, callbacks block": (BLOCK, None, 0),
    "SIGKILL, callbacks block": (BLOCK + SLEEP, signal.SIGKILL, -signal.SIGKILL),
    "SIGINT in wait()": ("clients[0].wait()\n", signal.SIGINT, -signal.SIGINT),
    "SIGINT in intervals()": (
        "for one in clients[0].intervals(): pass\n", signal.SIGINT, -signal.SIGINT,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Return two namespaces."""
    made = Lab()
    try:
        made.build()
        yield made
    finally:
        made.remove()


def is_gone(pid: int) -> bool:
    """Whether no such process runs any more; one that init has yet to reap does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in {"Z", "X"}


def servers_on(ports: range) -> list[str]:
    """Return the processes that were started for these ports, whosever children they are."""
    found = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = cmdline.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"-s" in words and any(str(port).encode() in words for port in ports):
            found.append(cmdline.parts[2])
    return found


@contextmanager
def program(code: str, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """Run an interpreter; whatever happens, it is over afterwards."""
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def pids_of(child: subprocess.Popen[Any]) -> list[int]:
    """Read the line of pids that a program prints when it is where it shall be."""
    assert child.stdout is not None
    pids = [int(word) for word in child.stdout.readline().split()]
    assert pids, child.stderr.read() if child.stderr else ""
    return pids


@pytest.mark.parametrize("death", DEATHS)
def test_nothing_outlives_its_program(death: str, lab: Lab) -> None:
    """Twenty iperfs end with their interpreter, which ends at once and as it was told to."""
    code, killer, status = DEATHS[death]
    with program(PROGRAM + code, lab.left, lab.right, lab.RIGHT_IP) as child:
        pids = pids_of(child)
        assert 2 * PAIRS == len(set(pids))
        if killer is not None:
            assert not any(is_gone(pid) for pid in pids)
            time.sleep(0.2)  # to be where the code says it is: there is no sign of a wait
            child.send_signal(killer)
        began = time.monotonic()
        # A pipe that nobody reads is full after some tracebacks, and then its writer stands still.
        _, said = child.communicate(timeout=20)
        wait_for(lambda: all(is_gone(pid) for pid in pids), "the end of all iperfs", 5)
        wait_for(lambda: not servers_on(range(21321, 21341)), "the end of those begun last", 5)
        assert time.monotonic() - began < 10
    assert status == child.returncode, said
    assert "pyperf2" not in said or "Traceback" in said


def test_a_server_in_a_forgotten_variable() -> None:
    """The interpreter exits although a server was never stopped, and although nobody holds it."""
    code = (
        "from pyperf2 import Server\n"
        "def begin():\n"
        "    server = Server(protocol='udp', port=21351)\n"
        "    server.start()\n"
        "    print(server.pid, flush=True)\n"
        "begin()\n"
    )
    with program(code) as child:
        (pid,) = pids_of(child)
        assert 0 == child.wait(timeout=5)
        wait_for(lambda: is_gone(pid), "its end")
        assert "" == (child.stderr.read() if child.stderr else "")


FORK = """
import os, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: fork in a program with threads
from pyperf2 import Client, Server
server = Server(protocol="udp", port=21361)
client = Client("127.0.0.1", protocol="udp", port=21361, bandwidth="50pps", report_interval=0.2)
told = []
client.register_on_data_callback(told.append)
server.start(); client.start()
pid = os.fork()
if pid == 0:
    # What runs is the parent's: here, stop() touches nothing, and an instance of one's own works.
    began = time.monotonic()
    quick = server.stop() and client.stop() and time.monotonic() - began < 1
    own = Server(protocol="udp", port=21362)
    ok = quick and own.start() and own.stop() and own.status == "stopped"
    sys.exit(0 if ok else 3)
_, status = os.waitpid(pid, 0)
before = len(told)
deadline = time.monotonic() + 5
while len(told) < before + 2 and time.monotonic() < deadline:
    time.sleep(0.01)
alive = [one.status for one in (server, client)]
print(os.waitstatus_to_exitcode(status), *alive, len(told) >= before + 2, flush=True)
client.stop(); server.stop()
print(client.returncode, server.returncode, client.error, flush=True)
"""


def test_a_fork_in_a_running_program() -> None:
    """The parent's instances go on undisturbed; the child can start and end its own."""
    with program(FORK) as child:
        said, complaints = child.communicate(timeout=30)
    assert "" == complaints
    assert ["0 running running True", "0 0 None"] == said.splitlines()
    assert 0 == child.returncode


def test_a_fork_that_ends_takes_nothing_with_it() -> None:
    """A forked worker's exit hooks do not end what its parent runs."""
    code = (
        "import os, sys, warnings\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "from pyperf2 import Server\n"
        "server = Server(protocol='udp', port=21371)\n"
        "server.start()\n"
        "for leave in (sys.exit, os._exit):\n"
        "    pid = os.fork()\n"
        "    if pid == 0: leave(0)\n"
        "    os.waitpid(pid, 0)\n"
        "print(server.status, server.wait(0.3), os.path.exists(f'/proc/{server.pid}'))\n"
    )
    with program(code) as child:
        said, complaints = child.communicate(timeout=20)
    assert ("running False True\n", "") == (said, complaints)


def test_a_stopped_iperf_dies_too(lab: Lab) -> None:
    """SIGSTOP on the iperfs, then SIGKILL on the program: they are gone all the same."""
    with program(PROGRAM + SLEEP, lab.left, lab.right, lab.RIGHT_IP) as child:
        pids = pids_of(child)
        for pid in pids[:4]:
            os.kill(pid, signal.SIGSTOP)
        child.kill()
        child.wait()
        wait_for(lambda: all(is_gone(pid) for pid in pids), "the end of all iperfs", 5)
