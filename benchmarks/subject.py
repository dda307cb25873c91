"""One side of a comparison, in a process of its own: this library, the old package, or the floor.

Usage: subject.py WHO burst|steady [NAME=VALUE …]; prints what it used as JSON. It is run by the
interpreter whose ``pyperf2`` is meant, and uses public names only.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import resource
import selectors
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = ("interval_end", "packets_lost", "packets_received", "jitter")


def used() -> float:
    """Give the CPU seconds of this process so far, without its children."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Count:
    """Counts lines; as a data callback, too."""

    def __init__(self, *, look: bool) -> None:
        """``look``: the callback reads a few figures of each message."""
        self.lines = 0
        self.look = look

    def __call__(self, message: Mapping[str, object], **_: object) -> None:
        """Be told of an interval."""
        if self.look:
            for key in KEYS:
                message[key]
        self.lines += 1


class Floor:
    """Reads and splits, nothing else: what any reader of these bytes pays at least."""

    def __init__(self, count: Count, binary: str, instances: int, first_port: int) -> None:
        """Take what is common to all sides."""
        self.count, self.argv = count, [binary, "-s", "-p"]
        self.ports = range(first_port, first_port + instances)

    def start(self) -> list[int]:
        """Start all, and read them in a thread; give their pids."""
        self.selector = selectors.DefaultSelector()
        self.children = [
            subprocess.Popen([*self.argv, str(port)], stdout=subprocess.PIPE) for port in self.ports
        ]
        for child in self.children:
            self.selector.register(child.stdout, selectors.EVENT_READ)
        threading.Thread(target=self._read, daemon=True).start()
        return [child.pid for child in self.children]

    def _read(self) -> None:
        while True:
            for key, _ in self.selector.select():
                data = os.read(key.fd, 65536)
                if not data:
                    self.selector.unregister(key.fileobj)
                for line in data.split(b"\n"):
                    line.split()
                self.count.lines += data.count(b" pps ")


class Library:
    """The library that is installed here: this one, or the old package."""

    def __init__(self, count: Count, binary: str, instances: int, first_port: int) -> None:
        """Take what is common to all sides."""
        from pyperf2 import Server

        self.servers = []
        for port in range(first_port, first_port + instances):
            server = Server()
            server.set_options(
                protocol="udp", iperf_binary_path=binary, report_interval="0.01", port=str(port)
            )
            server.realtime = False
            server.register_on_data_callback(count)
            self.servers.append(server)

    def start(self) -> list[int]:
        """Start all; give their pids."""
        try:
            from pyperf2 import start_all
        except ImportError:  # the old package: each start sleeps 0.2 s
            with concurrent.futures.ThreadPoolExecutor(100) as pool:
                list(pool.map(lambda server: server.start(), self.servers))
            return [server._proc.pid for server in self.servers]  # noqa: SLF001
        start_all(self.servers, timeout=60)
        return [server.pid for server in self.servers]


Side = "Floor | Library"


def burst(side: Side, count: Count, lines: int) -> dict[str, float]:
    """Read so many lines as fast as they come."""
    side.start()
    seen, before = count.lines, used()
    deadline = time.monotonic() + 120
    while count.lines < 0.99 * lines and time.monotonic() < deadline:
        time.sleep(0.01)
    return {"lines": count.lines - seen, "cpu_s": used() - before, "expected": lines}


def steady(side: Side, count: Count, seconds: float, later: float, rate: float) -> dict[str, float]:
    """Read what comes line by line, all having started: the last one prints ``later``."""
    side.start()
    time.sleep(later + 1)
    lines, before, began = count.lines, used(), time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - began  # a machine that is full wakes nobody in time
    return {"lines": count.lines - lines, "cpu_s": used() - before, "expected": rate * elapsed}


def main(who: str, what: str, *settings: str) -> None:
    """Measure one thing on one side."""
    given = dict(one.split("=", 1) for one in settings)
    count = Count(look=given.get("look") == "1")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    kind = Floor if who == "floor" else Library
    side = kind(count, given["binary"], int(given.get("instances", 1)), int(given["port"]))
    if what == "burst":
        figures = burst(side, count, int(given["lines"]))
    else:
        rate = float(given["rate"]) * int(given["instances"])
        figures = steady(side, count, float(given["seconds"]), float(given["later"]), rate)
    print(json.dumps(figures), flush=True)
    os.killpg(os.getpgid(0), 9)  # the stand-ins, and this process, which has said all it has to


main(*sys.argv[1:])
