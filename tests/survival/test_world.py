"""The world fails around a run: no space, no descriptor, no namespace, another time."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
import uuid
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyperf2 import Client, NameSpaceNotFoundError, RawLogError, Server
from tests.faces.pairs import LIGHT, udp_pair
from tests.live.support import LOOPBACK, ROOT, free_port, run, wait_for
from tests.survival.stand_in import FOURTH, PRINTED, stand_in
from tests.survival.test_faults import intervals_of, only_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 64 KiB and three files; it is gone afterwards, whatever happens."""
    folder = tmp_path / "small"
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=4", "none", str(folder))
    try:
        yield folder
    finally:
        run("umount", "--lazy", str(folder))


@pytest.mark.netns  # what may make namespaces may mount
def test_a_disk_that_fills_up_under_the_raw_log(small_disk: Path, tmp_path: Path) -> None:
    """The run goes on whole; a notice names the log; the log holds what was said first."""
    noise = "odd\n" * 50_000
    server = stand_in(tmp_path, f"say(PRINTED); say('odd\\n' * {len(noise) // 4}); say(FOURTH)")
    server.set_raw_log_path(str(small_disk))
    server.start()
    assert server.wait(timeout=20)
    assert 4 == intervals_of(server)
    path = Path(server.raw_log_path or "")
    (told,) = [one.text for one in server.result().notices if "raw log" in one.text]
    assert "No space left on device" in told
    assert str(path) in told
    kept = path.read_bytes()
    assert len(kept) > 32_000
    assert (PRINTED + noise + FOURTH).encode().startswith(kept)


@pytest.mark.netns
def test_a_disk_that_is_full(small_disk: Path, tmp_path: Path) -> None:
    """Nothing is started: the log that was asked for could not be kept."""
    for number in range(3):
        (small_disk / str(number)).touch()
    server = stand_in(tmp_path, "time.sleep(60)")
    server.set_raw_log_path(str(small_disk))
    with pytest.raises(RawLogError, match="No space left on device"):
        server.start()
    assert (None, "configured") == (server.pid, server.status)


SHORT_OF_DESCRIPTORS = """
import os, resource, sys, time
from pyperf2 import Server
from pyperf2.run import engine, lifetime
engine.current()  # its three descriptors are there for good
def start(room):
    server = Server(protocol="udp", port=PORT, realtime=False, use_linux_namespace=NAMESPACE)
    before = os.listdir("/proc/self/fd")
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + room, 4096))
    began = time.monotonic()
    try:
        return server.start()
    except OSError as error:
        assert error.errno == 24, (room, error)
        return False
    finally:
        assert time.monotonic() - began < 5
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
        server.stop()
        assert len(before) == len(os.listdir("/proc/self/fd")), room
        assert not lifetime.living(), room
        assert not open(f"/proc/self/task/{os.getpid()}/children").read(), room
print([start(room) for room in range(16)])
"""


@pytest.mark.parametrize("where", ["here", pytest.param("in a namespace", marks=pytest.mark.netns)])
def test_no_descriptor_is_left(where: str, request: pytest.FixtureRequest) -> None:
    """A start says so, in the kernel's words, and leaves nothing; the next one may succeed."""
    namespace = None if where == "here" else request.getfixturevalue("namespace")
    code = f"NAMESPACE, PORT = {namespace!r}, {free_port()}\n{SHORT_OF_DESCRIPTORS}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith("[False, False")
    assert done.stdout.endswith("True, True, True]\n")


def test_a_shortage_is_no_fault_of_the_binary(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where nothing can be run, nobody says that the binary could not be."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    server = stand_in(tmp_path, "time.sleep(60)")
    monkeypatch.setattr("pyperf2.run.probe.subprocess.run", refuse)
    with pytest.raises(OSError, match="Too many open files") as caught:
        server.start()
    assert OSError is type(caught.value)


@pytest.fixture
def namespace() -> Iterator[str]:
    """Make a namespace with its loopback up; it is gone afterwards."""
    name = f"world-{os.getpid()}-{uuid.uuid4().hex[:4]}"
    run("ip", "netns", "add", name)
    try:
        run("ip", "-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        if Path("/var/run/netns", name).exists():
            run("ip", "netns", "del", name)


def processes_in(inode: int) -> list[str]:
    """Return the processes inside a network namespace, whether or not it still has a name."""
    found = []
    for one in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            if one.stat().st_ino == inode:
                found.append(one.parts[2])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@pytest.mark.netns
def test_a_namespace_deleted_under_its_server(namespace: str) -> None:
    """Both ends run on inside it, and are stopped as ever; a start is refused by name."""
    inode = Path("/var/run/netns", namespace).stat().st_ino
    port = free_port()
    server = Server(
        protocol="udp", port=port, report_interval=0.1, use_linux_namespace=namespace, **LIGHT
    )
    client = Client(
        LOOPBACK, protocol="udp", port=port, bandwidth="200pps", use_linux_namespace=namespace,
        report_interval=0.1, **LIGHT,
    )  # fmt: skip
    with server, client:
        wait_for(lambda: intervals_of(server) >= 2, "the first intervals")
        run("ip", "netns", "del", namespace)
        seen = intervals_of(server)
        wait_for(lambda: intervals_of(server) > seen + 2, "intervals after that")
        assert 2 == len(processes_in(inode))
    assert [] == processes_in(inode)
    assert (None, None) == (server.error, client.error)
    assert (only_stream(server).packets_received or 0) > 40
    with pytest.raises(NameSpaceNotFoundError, match=namespace):
        server.start()


@pytest.mark.parametrize("step_s", [-3600, 3600])
def test_the_clock_is_set(step_s: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour back or ahead: nothing waits for it, no length changes, the stamps follow it."""
    set_at = time.monotonic_ns() + 600_000_000
    real = time.time_ns

    def set_clock() -> int:
        return real() + (step_s * 10**9 if time.monotonic_ns() > set_at else 0)

    monkeypatch.setattr("pyperf2.run.process.time.time_ns", set_clock)
    server, client = udp_pair(test_duration=1)
    began = time.monotonic()
    with server, client:
        assert client.wait(timeout=8)
    assert time.monotonic() - began < 6
    stream = only_stream(server)
    assert (0, 0) == (stream.packets_lost, stream.packets_lost_error)
    assert () == stream.outages
    assert pytest.approx(1, abs=0.05) == stream.duration_s
    arrivals = [one.received_monotonic_ns for one in stream.intervals]
    assert sorted(arrivals) == arrivals
    stamps = [one.received_at for one in stream.intervals]
    steps = [(b - a).total_seconds() for a, b in pairwise(stamps)]
    assert 1 == sum(abs(step - step_s) < 60 for step in steps)
    result = server.result()
    assert result.started_at is not None
    assert result.ended_at is not None
    assert abs((result.ended_at - result.started_at).total_seconds() - step_s) < 60
