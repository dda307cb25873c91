"""What tests with real iperf share: free ports, two namespaces with counters, a clean end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pyperf2
from pyperf2.run import engine
from pyperf2.run.callbacks import Strand
from tests.conftest import iperf_children

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

ROOT = Path(pyperf2.__file__).parents[1]  # a child interpreter imports the package from here
LOOPBACK = "127.0.0.1"
DEADLINE_S = 10.0
_NETNS_FOLDER = Path("/var/run/netns")
_given: set[int] = set()


def free_port(protocol: str = "udp") -> int:
    """Return a port that nothing holds here, and that was not given out before."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    while True:
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def wait_for(sign: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait for the sign of something; fail with its name if it does not come."""
    end = time.monotonic() + deadline_s
    while not sign():
        if time.monotonic() > end:
            pytest.fail(f"waited {deadline_s:g} s in vain: {what}")
        time.sleep(0.005)


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _namespaces() -> set[str]:
    return {one.name for one in _NETNS_FOLDER.iterdir()} if _NETNS_FOLDER.is_dir() else set()


def _strangers() -> list[str]:
    """Name the threads that are neither the main one nor one of the two the library keeps."""
    names = sorted(one.name for one in threading.enumerate() if one is not threading.main_thread())
    kept = ("pyperf2-engine", "pyperf2-callbacks")
    ours = [next((name for name in names if name.startswith(kind)), None) for kind in kept]
    # pytest-xdist and pytest-timeout have threads of their own.
    return [name for name in names if name.startswith(("pyperf2", "asyncio")) and name not in ours]


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """Fail a test that leaves a process, a descriptor, a thread or a namespace behind."""
    engine.current()  # it has three descriptors for good
    strand = Strand()
    strand.post(lambda: None)
    assert strand.drain(5)  # and what it runs in, two
    before, spaces = _open_files(), _namespaces()
    yield
    wait_for(lambda: not iperf_children(), f"the end of {iperf_children()}")
    wait_for(lambda: _open_files() <= before, "descriptors to be closed")
    wait_for(lambda: not _strangers(), f"the end of threads {_strangers()}")
    mine = str(os.getpid())
    assert [] == [name for name in _namespaces() - spaces if mine in name]


def run(*argv: str, feed: str | None = None) -> str:
    """Run a tool that has to succeed; return what it printed."""
    done = subprocess.run(argv, input=feed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout


class Lab:
    """Two namespaces, a link between them, and nft counters where the datagrams arrive.

    ``left`` sends, ``right`` receives. A FIN of iperf2 is told from data by the sign of its
    sequence number, the first bit behind the UDP header.
    """

    LEFT_IP, RIGHT_IP = "192.0.2.1", "192.0.2.2"
    LEFT_IP6, RIGHT_IP6 = "2001:db8::1", "2001:db8::2"

    def __init__(self) -> None:
        unique = f"{os.getpid()}-{uuid.uuid4().hex[:4]}"
        self.left, self.right = f"left-{unique}", f"right-{unique}"

    def build(self) -> None:
        """Make it."""
        for name in (self.left, self.right):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", self.left, "link", "add", "up0", "type", "veth",
            "peer", "name", "up0", "netns", self.right)  # fmt: skip
        for name, ip, ip6 in (
            (self.left, self.LEFT_IP, self.LEFT_IP6),
            (self.right, self.RIGHT_IP, self.RIGHT_IP6),
        ):
            run("ip", "-n", name, "addr", "add", f"{ip}/24", "dev", "up0")
            run("ip", "-n", name, "addr", "add", f"{ip6}/64", "dev", "up0", "nodad")
            run("ip", "-n", name, "link", "set", "up0", "up")
            run("ip", "-n", name, "route", "add", "224.0.0.0/4", "dev", "up0")
        self.nft(
            "add table inet lab\n"
            "add chain inet lab outage\n"
            "add chain inet lab count { type filter hook input priority 0; }\n"
            "add rule inet lab count jump outage\n"
        )

    def remove(self) -> None:
        """Remove it; the link goes with its ends."""
        for name in (self.left, self.right):
            run("ip", "netns", "del", name)

    def nft(self, script: str) -> None:
        """Have nft, at the receiver's end, execute a script."""
        run("ip", "netns", "exec", self.right, "nft", "-f", "-", feed=script)

    def count(self, port: int) -> None:
        """Count what arrives for a UDP port from now on."""
        for what, sign in (("data", 0), ("fins", 1)):
            self.nft(
                f"add counter inet lab {what}{port}\nadd counter inet lab {what}{port}lost\n"
                f"add rule inet lab count udp dport {port} @th,64,1 {sign} "
                f"counter name {what}{port}\n"
            )

    def counted(self, name: str) -> int:
        """Return how many datagrams a counter has seen: ``data5001``, ``fins5001lost``, …"""
        told: Any = json.loads(
            run("ip", "netns", "exec", self.right, "nft", "-j", "list", "counters")
        )
        counters = [one["counter"] for one in told["nftables"] if "counter" in one]
        return int(next(one["packets"] for one in counters if one["name"] == name))

    @contextmanager
    def outage(self, port: int) -> Generator[None]:
        """Drop, and count apart, everything for a port while the block runs."""
        self.nft(
            "".join(
                f"add rule inet lab outage udp dport {port} @th,64,1 {sign} "
                f"counter name {what}{port}lost drop\n"
                for what, sign in (("data", 0), ("fins", 1))
            )
        )
        try:
            yield
        finally:
            self.nft("flush chain inet lab outage\n")
