"""Whatever way an interpreter ends, nothing that it started survives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.run.conftest import ROOT, is_gone, python, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from signal import Signals

SERVERS = 5

# Starts its servers, prints their pids, then dies as it is told to.
PROGRAM = """
sys.path[:0] = PATHS
import asyncio, threading, warnings
from pyperf2.run import callbacks, engine, sockets
from pyperf2.run.host import Local, Netns
from pyperf2.run.process import Process, stop_ladder

strands = []

def on_exit(code, now):
    with open("exits", "a") as file:
        file.write("%d\\n" % code)

async def start(number, ignored=None):
    strand = callbacks.Strand()
    strands.append(strand)
    host = Netns(NAMESPACES[number % len(NAMESPACES)]) if NAMESPACES else Local()
    process = await Process.start(
        [IPERF, "-s", "-u", "-i", "1", "-p", str(21041 + number)],
        host=host,
        on_output=lambda source, data, now: strand.post(lambda: len(data)),
        on_exit=on_exit,
    )
    assert await sockets.wait_until(
        lambda: sockets.is_bound(process.pid, "udp", 21041 + number),
        timeout=10,
        alive=lambda: process.returncode is None,
    )
    return process

async def start_all():
    return await asyncio.gather(*(start(number) for number in range(COUNT)))

def began(processes):
    print(*(process.pid for process in processes), flush=True)

"""

SYNCHRONOUS = "processes = engine.call(start_all())\nbegan(processes)\n"

# How it ends, what ends it, and the status that is left.
ASYNCHRONOUS = """
async def main():
    began(await start_all())
    ready.set()
    await finish()
async def finish():
    await asyncio.sleep(60)
async def fail():
    raise ZeroDivisionError
async def leave():
    pass
ready = threading.Event()
"""
IN_A_THREAD = """
threading.Thread(target=asyncio.run, args=(main(),), daemon=True).start()
ready.wait()
"""
RUN = "asyncio.run(main())\n"
DEATHS: dict[str, tuple[str, Signals | None, int]] = {
    "normal end": (SYNCHRONOUS, None, 0),
    "sys.exit": (SYNCHRONOUS + "sys.exit(5)", None, 5),
    "exception": (SYNCHRONOUS + "raise ZeroDivisionError", None, 1),
    "os._exit": (SYNCHRONOUS + "os._exit(6)", None, 6),
    "SIGINT": (SYNCHRONOUS + "time.sleep(60)", signal.SIGINT, -signal.SIGINT),
    "SIGINT in a call": (
        SYNCHRONOUS + "engine.call(asyncio.sleep(60))",
        signal.SIGINT,
        -signal.SIGINT,
    ),
    "SIGTERM": (SYNCHRONOUS + "time.sleep(60)", signal.SIGTERM, -signal.SIGTERM),
    "SIGHUP": (SYNCHRONOUS + "time.sleep(60)", signal.SIGHUP, -signal.SIGHUP),
    "SIGKILL": (SYNCHRONOUS + "time.sleep(60)", signal.SIGKILL, -signal.SIGKILL),
    "SIGSEGV": (SYNCHRONOUS + "time.sleep(60)", signal.SIGSEGV, -signal.SIGSEGV),
    "sys.exit beside a blocked callback": (
        SYNCHRONOUS + "strands[0].post(lambda: time.sleep(60))\nsys.exit(5)",
        None,
        5,
    ),
    "exit in a callback": (
        SYNCHRONOUS + "strands[0].post(lambda: os._exit(6))\ntime.sleep(60)",
        None,
        6,
    ),
    "asyncio: left behind by a closed loop": (ASYNCHRONOUS + "finish = leave\n" + RUN, None, 0),
    "asyncio: exception": (ASYNCHRONOUS + "finish = fail\n" + RUN, None, 1),
    "asyncio: Ctrl-C": (ASYNCHRONOUS + RUN, signal.SIGINT, -signal.SIGINT),
    "asyncio: a loop in a daemon thread": (ASYNCHRONOUS + IN_A_THREAD, None, 0),
    "asyncio: SIGKILL": (ASYNCHRONOUS + RUN, signal.SIGKILL, -signal.SIGKILL),
}


def program(code: str, iperf: Path, namespaces: list[str], count: int = SERVERS) -> list[str]:
    """Return the command line of an interpreter that runs servers and then ``code``."""
    paths = [str(ROOT), *(path for path in sys.path if path)]  # pyroute2 may be in the latter
    known = {"PATHS": paths, "IPERF": str(iperf), "NAMESPACES": namespaces, "COUNT": count}
    setup = "".join(f"{name} = {value!r}\n" for name, value in known.items())
    return python(setup + PROGRAM + code)


@pytest.fixture
def two_namespaces() -> Iterator[list[str]]:
    """Make two namespaces."""
    names = [f"death-{os.getpid()}-{letter}" for letter in "ab"]
    for name in names:
        subprocess.run(["ip", "netns", "add", name], check=True)
    yield names
    for name in names:
        subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.mark.netns
@pytest.mark.slow
@pytest.mark.parametrize("death", DEATHS)
def test_no_iperf_survives(
    death: str, iperf: Path, two_namespaces: list[str], tmp_path: Path
) -> None:
    """Servers in two namespaces; the interpreter really dies, quickly, with its own status."""
    code, killer, status = DEATHS[death]
    with subprocess.Popen(
        program(code, iperf, two_namespaces),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        if killer is not None:
            parent.send_signal(killer)
        told = time.monotonic()
        _, err = parent.communicate(timeout=15)
        took = time.monotonic() - told
    assert SERVERS == len(pids), err
    assert status == parent.returncode, err
    assert took < 5.0
    for pid in pids:
        wait_for(lambda pid=pid: is_gone(pid), f"the end of iperf {pid}")  # type: ignore[misc]
    assert "Task was destroyed" not in err
    assert "Warning" not in err
    if death in {"normal end", "sys.exit"}:
        assert "" == err
        assert SERVERS == len((tmp_path / "exits").read_text().split())


@pytest.mark.slow
def test_a_forked_child_owns_nothing_of_the_parent(iperf: Path, tmp_path: Path) -> None:
    """It may end by any door; the parent's servers run on, are watched, and end with the parent."""
    code = """
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 on: fork in a program with threads
processes = engine.call(start_all())
began(processes)
for door in (sys.exit, os._exit):
    child = os.fork()
    if child == 0:
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.kill()
            try:
                engine.call(process.stop(stop_ladder(1)))
            except engine.StateError as error:
                assert "belongs to the parent" in str(error)
            else:
                os._exit(1)
        own = engine.call(start(COUNT))
        began([own])
        door(9)
    assert 9 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert [None] * COUNT == [process.returncode for process in processes]
code = engine.call(processes[0].stop([(signal.SIGKILL, None)]))
assert code == -9 and processes[0].returncode == -9
print("still mine", flush=True)
"""
    done = subprocess.run(
        program(code, iperf, []),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (0, "") == (done.returncode, done.stderr)
    *lists, last = done.stdout.splitlines()
    assert "still mine" == last
    pids = [int(pid) for line in lists for pid in line.split()]
    assert SERVERS + 2 == len(pids)
    for pid in pids:
        wait_for(lambda pid=pid: is_gone(pid), f"the end of iperf {pid}")  # type: ignore[misc]


@pytest.mark.slow
def test_a_forked_child_that_runs_on_does_not_keep_the_iperfs(iperf: Path, tmp_path: Path) -> None:
    """The parent is killed, its fork lives: the servers were the parent's, and die."""
    code = """
warnings.simplefilter("ignore", DeprecationWarning)
processes = engine.call(start_all())
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
print(child, *(process.pid for process in processes), flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        program(code, iperf, []), cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        fork, *pids = (int(pid) for pid in parent.stdout.readline().split())
        parent.kill()
        try:
            for pid in pids:
                wait_for(lambda pid=pid: is_gone(pid), f"the end of iperf {pid}")  # type: ignore[misc]
            assert not is_gone(fork)
        finally:
            os.kill(fork, signal.SIGKILL)


def test_stubborn_and_stopped_children_do_not_hold_the_exit_up(iperf: Path, tmp_path: Path) -> None:
    """Children that ignore INT, or are under SIGSTOP, are killed in a moment."""
    code = f"""
async def start_stubborn():
    ignore = "trap '' INT TERM; echo ready; while :; do sleep 1; done"
    ready = asyncio.Event()
    process = await Process.start(["/bin/sh", "-c", ignore], host=Local(),
        on_output=lambda *_: ready.set(), on_exit=on_exit)
    await ready.wait()
    return process
processes = [engine.call(start_stubborn()) for _ in range({SERVERS})]
os.kill(processes[0].pid, signal.SIGSTOP)
began(processes)
"""
    began = time.monotonic()
    done = subprocess.run(
        program(code, iperf, []), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    took = time.monotonic() - began
    assert (0, "") == (done.returncode, done.stderr)
    assert took < 5.0
    for pid in done.stdout.split():
        assert is_gone(int(pid))
    assert ["-9"] * SERVERS == (tmp_path / "exits").read_text().split()
