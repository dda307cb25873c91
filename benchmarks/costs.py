"""What is measured: CPU a line, bytes an interval, times to start, to be told, to import."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SUBJECT: Final = Path(__file__).with_name("subject.py")
STEADY_S: Final = 6.0
ENOUGH: Final = 0.9  # of the lines: it keeps up
_LATER_S: Final = {1: 1, 100: 4, 1000: 20}  # until all instances of either side have started
MS: Final = 1e3


class Cost(NamedTuple):
    """What a line takes: seconds of CPU; and which part of the lines was read in time."""

    cpu_s: float
    read: float


def per_line(side: str, what: str, settings: Mapping[str, Any]) -> Cost:
    """Measure what a line takes on one side, in a process of its own.

    Raises:
        RuntimeError: not all lines were read in time; of 0.5 that is told, for with a thousand
            instances it may fall behind.
    """
    instances = settings.get("instances", 1)
    later_s = _LATER_S[instances]
    rate = settings.get("rate", 0)
    count = settings.get("lines") or round(rate * (STEADY_S + 2 * later_s))
    python = load.old_package() if side == "old" else Path(sys.executable)
    told = {
        "binary": load.stand_in(),
        "port": 20000,
        "instances": instances,
        "rate": rate,
        "lines": count,
        "look": settings.get("look", 0),
        "seconds": STEADY_S,
        "later": later_s,
    }
    env = {
        **os.environ,
        "STAND_IN_FILE": str(load.lines(count)),
        "STAND_IN_RATE": str(rate),
        "STAND_IN_LATER": str(later_s),
    }
    command = [str(python), str(SUBJECT), side, what, *(f"{k}={v}" for k, v in told.items())]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=env, cwd=load.ROOT, start_new_session=True
    ) as subject:
        try:
            printed, _ = subject.communicate(timeout=later_s + 150)
        except subprocess.TimeoutExpired:
            os.killpg(subject.pid, signal.SIGKILL)
            raise
    figures = json.loads(printed)
    read = figures["lines"] / figures["expected"]
    if not figures["lines"] or (read < ENOUGH and not (side == "old" and rate)):
        raise RuntimeError(f"{side} saw {figures['lines']} lines only: {command}")
    return Cost(figures["cpu_s"] / figures["lines"], read)


def bytes_an_interval() -> str:
    """Keep 200 000 intervals; give the memory that each takes."""
    import tracemalloc

    from pyperf2.core.history import History
    from pyperf2.core.parsers.iperf2.glance import interval_of
    from pyperf2.core.records import Instant

    printed = load.lines(100_000).read_bytes().splitlines()
    reports = [line for line in printed if b" sec " in line]
    history = History("1", None)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number, line in enumerate(reports):
        history.append(interval_of(line, "1", Instant(number, number)))
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return f"{grown / len(reports):.0f} bytes, {len(history)} of them kept"


def hundred_servers() -> str:
    """Start 100 servers of the real iperf, five times."""
    took = [_started(100) for _ in range(5)]
    ready = [one[0] for one in took]
    threads = max(one[2] for one in took)
    return (
        f"ready in {median(ready):.2f} s ({min(ready):.2f} to {max(ready):.2f}), {threads} threads"
    )


def thousand_servers() -> str:
    """Start 1000 servers, and stop them."""
    ready_s, stopped_s, threads = _started(1000)
    return f"ready in {ready_s:.1f} s, stopped in {stopped_s:.1f} s, {threads} threads, no error"


def _started(count: int) -> tuple[float, float, int]:
    from pyperf2 import Server, start_all, stop_all

    servers = [Server(protocol="udp", port=21000 + number) for number in range(count)]
    began = time.monotonic()
    start_all(servers, timeout=60)
    ready = time.monotonic()
    threads = threading.active_count()
    stop_all(servers)
    stopped = time.monotonic()
    errors = [one.error for one in servers if one.error]
    if errors:
        raise RuntimeError(f"{len(errors)} of {count} ended in an error: {errors[0]}")
    return ready - began, stopped - ready, threads


def spawned_in_a_namespace() -> str:
    """Start a server here and in a namespace, in turn."""
    from pyperf2.lab import Lab
    from pyperf2.run.host import Local, Netns

    with Lab() as lab:
        inside = Netns(lab.host("bench").namespace)
        took: dict[str, list[float]] = {"here": [], "inside": []}
        for _ in range(200):
            for where, host in (("here", Local()), ("inside", inside)):
                began = time.perf_counter()
                with host.spawn(["/bin/true"], stdout=subprocess.DEVNULL) as child:
                    took[where].append(time.perf_counter() - began)
                    child.wait()
    here, there = median(took["here"]) * MS, median(took["inside"]) * MS
    return f"{there - here:+.2f} ms ({here:.2f} ms here, {there:.2f} ms inside; medians of 200)"


def imported() -> str:
    """Import the package in fresh interpreters, beside pyroute2."""

    def took(what: str) -> float:
        code = (
            f"import time; began = time.perf_counter(); {what}; print(time.perf_counter() - began)"
        )
        runs = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(9)]
        return median(map(float, runs)) * MS

    return (
        f"pyperf2 {took('import pyperf2'):.0f} ms, with Server and Client "
        f"{took('from pyperf2 import Client, Server'):.0f} ms, pyroute2 "
        f"{took('import pyroute2'):.0f} ms"
    )


def latency() -> str:
    """From the write of a line to its callback, at 1000 lines a second."""
    return _delays(blocked=False)


def latency_beside_a_blocked_callback() -> str:
    """The same while another instance's callback does not return."""
    return _delays(blocked=True)


def _delays(*, blocked: bool) -> str:
    from pyperf2 import Server

    seconds = 5
    with tempfile.TemporaryDirectory() as folder:
        stamps = Path(folder) / "stamps"
        os.environ.update(
            STAND_IN_FILE=str(load.lines(1000 * seconds)),
            STAND_IN_RATE="1000",
            STAND_IN_LATER="1",
            STAND_IN_STAMPS=str(stamps),
        )
        told = array("q")
        all_told = threading.Event()

        def note(_: Mapping[str, Any]) -> None:
            told.append(time.monotonic_ns())
            if len(told) == 1000 * seconds:
                all_told.set()

        server = _stand_in_server()
        server.register_on_data_callback(note)
        free = threading.Event()
        other = Server(protocol="udp", port=_free_port(), iperf_binary_path=str(load.stand_in()))
        other.realtime = False
        other.register_on_data_callback(lambda _: free.wait(60))
        server.start()
        if blocked:
            os.environ["STAND_IN_STAMPS"] = str(stamps) + "-other"
            other.start()
        all_told.wait(seconds + 10)
        free.set()
        server.stop()
        other.stop()
        written = array("q")
        written.frombytes(stamps.read_bytes())
    if len(written) != len(told):
        raise RuntimeError(f"{len(written)} lines were written, and {len(told)} told")
    delays = [(b - a) / 1e6 for a, b in zip(written, told, strict=True)]
    cuts = quantiles(delays, n=100)
    return f"median {cuts[49]:.2f} ms, 99 % {cuts[98]:.1f} ms, {len(delays)} lines"


def _stand_in_server() -> Any:
    from pyperf2 import Server

    server = Server(
        protocol="udp",
        port=_free_port(),
        iperf_binary_path=str(load.stand_in()),
        report_interval=load.INTERVAL_S,
    )
    server.realtime = False
    return server


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


SINGLE: Final[Mapping[str, Callable[[], str]]] = {
    "an interval kept": bytes_an_interval,
    "100 servers of iperf": hundred_servers,
    "1000 servers of iperf": thousand_servers,
    "a spawn in a namespace, more than here": spawned_in_a_namespace,
    "an import": imported,
    "a line to its callback, at 1000 lines a second": latency,
    "the same beside a callback that blocks": latency_beside_a_blocked_callback,
}
