"""An iperf does what none should: nothing hangs, nothing leaks, what it had said is kept."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGSEGV, SIGSTOP, SIGTERM
from socket import AF_INET, SOCK_DGRAM, socket
from typing import TYPE_CHECKING

import pytest

from pyperf2.errors import ReadyTimeout
from tests.live.support import LOOPBACK, wait_for
from tests.survival.stand_in import stand_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from signal import Signals

    from pyperf2 import IPerfInstance, Server
    from pyperf2.core.results import StreamResult

pytestmark = pytest.mark.slow

LIVE_ON = "time.sleep(60)\n"
THEN = "say(PRINTED)\nbound.recv(1)\n"  # it waits to be told that its intervals have been seen


@dataclass(frozen=True)
class Fault:
    """What a stand-in does, what is done to it after three intervals, and what is told then.

    ``error`` is None where the run is well; ``notice`` is part of what a notice says.
    """

    code: str
    done: Callable[[Server], object]
    returncode: int
    error: str | None = None
    notice: str | None = None
    intervals: int = 3


def stop(server: Server) -> None:
    """End it as a user does."""
    assert server.stop()


def end(server: Server) -> None:
    """Wait until it has ended by itself."""
    assert server.wait(timeout=20)


def hit(signal: Signals) -> Callable[[Server], None]:
    """Return what has a signal sent by somebody else, and waits for the end."""

    def kill(server: Server) -> None:
        os.kill(server.pid or 0, signal)
        end(server)

    return kill


def freeze_and_stop(server: Server) -> None:
    """Somebody stopped the process; then the user ends it."""
    os.kill(server.pid or 0, SIGSTOP)
    wait_for(lambda: state_of(server.pid or 0) == "T", "the process to be stopped")
    stop(server)


DEAF = "for one in (2, 15): signal.signal(one, signal.SIG_IGN)\nsay(PRINTED)\n" + LIVE_ON
# One that stays in iperf's process group, and one that leaves it; both keep its outputs open.
GRANDCHILD = """
if os.fork() == 0:
    time.sleep(60)
say(FOURTH); os._exit(0)
"""
ESCAPED = """
if os.fork() == 0:
    os.setsid(); bound.close()
    for _ in range(500):
        say("still here\\n"); time.sleep(0.01)
say(FOURTH); os._exit(0)
"""
FAULTS = {
    "killed": Fault(THEN + LIVE_ON, hit(SIGKILL), -SIGKILL, "killed by signal 9"),
    "terminated by others": Fault(
        THEN + LIVE_ON, hit(SIGTERM), -SIGTERM, "killed by signal 15"
    ),
    "a segmentation fault": Fault(
        THEN + "os.kill(os.getpid(), 11)", end, -SIGSEGV, "killed by signal 11"
    ),
    "an exit status": Fault(THEN + "os._exit(3)", end, 3, "exit status 3"),
    "frozen": Fault(THEN + LIVE_ON, freeze_and_stop, -SIGINT),
    "deaf": Fault(DEAF, stop, -SIGKILL, notice="neither INT nor TERM"),
    "deaf and frozen": Fault(DEAF, freeze_and_stop, -SIGKILL, notice="neither INT nor TERM"),
    "outputs closed, living on": Fault(
        "say(PRINTED); os.close(1); os.close(2)\n" + LIVE_ON, stop, -SIGINT
    ),
    "a grandchild keeps the outputs": Fault(THEN + GRANDCHILD, end, 0, intervals=4),
    "an escaped grandchild prints on": Fault(THEN + ESCAPED, end, 0, intervals=4),
    "half a line, then nothing": Fault(
        "say(PRINTED + FOURTH[:30])\n" + LIVE_ON, hit(SIGKILL), -SIGKILL, "killed by signal 9"
    ),
    "binary noise": Fault(
        THEN + "for _ in range(64): say(os.urandom(65536))\nsay('\\n' + FOURTH)", end, 0,
        intervals=4,
    ),
    "noise on both outputs": Fault(
        THEN + "for _ in range(32): say(os.urandom(65536)); os.write(2, os.urandom(4096))\n"
        "say('\\n' + FOURTH)", end, 0, intervals=4,
    ),
    "lines without end": Fault(
        THEN + "while True: say('mad\\n' * 16384)",
        end,
        -SIGINT,
        "more than 20000 empty lines a second",
    ),
    "every terminal's worst": Fault(
        THEN + "say('error: \\x1b]0;owned\\x07\\n'); os._exit(1)", end, 1, r"\\x1b\]0;owned\\x07"
    ),
    "zeros": Fault(THEN + "say(bytes(2**20)); say('\\n' + FOURTH)", end, 0, intervals=4),
}  # fmt: skip


def state_of(pid: int) -> str:
    """Return the letter that the kernel has for what a process does."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def only_stream(server: Server) -> StreamResult:
    """Return the one stream."""
    (stream,) = server.result().streams.values()
    return stream


def begun(server: Server) -> Server:
    """Start a stand-in and wait for its three intervals."""
    assert server.start()
    wait_for(lambda: intervals_of(server) >= 3, "the first intervals")
    with socket(AF_INET, SOCK_DGRAM) as told:
        told.sendto(b"!", (LOOPBACK, server.port))
    return server


def intervals_of(one: IPerfInstance) -> int:
    """Return how many intervals have joined the results."""
    return sum(stream.interval_count for stream in one.result().streams.values())


@pytest.mark.parametrize("name", FAULTS)
def test_a_misbehaving_iperf(name: str, tmp_path: Path) -> None:
    """It ends in bounded time; its intervals are kept; error or notice say what happened."""
    fault = FAULTS[name]
    server = begun(stand_in(tmp_path, fault.code))
    began = time.monotonic()
    fault.done(server)
    assert time.monotonic() - began < 10
    assert "stopped" == server.status
    # On a busy machine TERM follows before INT is obeyed.
    late = -SIGTERM if fault.returncode == -SIGINT else fault.returncode
    assert server.returncode in {fault.returncode, late}
    assert not Path(f"/proc/{server.pid}").exists()
    with socket(AF_INET, SOCK_DGRAM) as again:  # nobody of its process group holds the port
        again.bind((LOOPBACK, server.port))
    result = server.result()
    assert fault.intervals == intervals_of(server)
    assert 100 == only_stream(server).packets_lost
    assert fault.notice is None or any(fault.notice in one.text for one in result.notices)
    if fault.error is None:
        assert None is result.error
    else:
        assert result.error is not None
        assert re.search(fault.error, str(result.error))


def peak_kib() -> int:
    """Return the most memory this process has held since `forget_the_peak`, in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def forget_the_peak() -> None:
    """Begin to watch the memory anew; proc(5), clear_refs."""
    Path("/proc/self/clear_refs").write_text("5")


@pytest.mark.long
@pytest.mark.alone
def test_a_gigabyte_without_a_newline(tmp_path: Path) -> None:
    """It takes no memory; what comes behind it is read."""
    code = "say(PRINTED)\nfor _ in range(1024): say(b'x' * 2**20)\nsay('\\n' + FOURTH)"
    server = stand_in(tmp_path, code)
    server.register_on_data_callback(lambda _: None)
    forget_the_peak()
    before = peak_kib()
    begun(server)
    assert server.wait(timeout=50)
    assert peak_kib() - before < 40 * 1024
    assert (4, None) == (intervals_of(server), server.error)


@pytest.mark.long
@pytest.mark.alone
def test_a_blocked_callback_and_an_endless_line(tmp_path: Path) -> None:
    """What nobody takes stays in the pipe, and holds iperf back: no memory, and a prompt stop."""
    code = "say(PRINTED)\nwhile True: say(b'x' * 2**20)"
    server = stand_in(tmp_path, code)
    let_go = threading.Event()
    server.register_on_data_callback(lambda _: let_go.wait(30))
    forget_the_peak()
    before = peak_kib()
    try:
        assert server.start()
        wait_for(lambda: bool(server._run and server._run._paused), "reading to be paused")
        assert peak_kib() - before < 40 * 1024
        began = time.monotonic()
        assert server.stop()
        assert time.monotonic() - began < 10
    finally:
        let_go.set()
    wait_for(lambda: intervals_of(server) == 3, "what was held up to be told")


def test_last_words_behind_a_blocked_callback(tmp_path: Path) -> None:
    """What iperf leaves in its pipes is taken although more waits than is read ahead."""
    held, go = tmp_path / "held", tmp_path / "go"
    code = f"""say(PRINTED)
while not os.path.exists({str(held)!r}): time.sleep(0.01)
for _ in range(16): say(b'x' * 2**20)
say(b'x' * 30_000)
while not os.path.exists({str(go)!r}): time.sleep(0.01)
say('last of the one')
os.write(2, b'last of the other')
"""
    server = stand_in(tmp_path, code)
    server.set_raw_log_path(str(tmp_path))
    let_go = threading.Event()

    def hold(_: object) -> None:
        held.touch()
        let_go.wait(30)

    server.register_on_data_callback(hold)
    try:
        assert server.start(wait=False)
        wait_for(lambda: bool(server._run and server._run._paused), "reading to be paused")
        go.touch()
        wait_for(lambda: server.returncode is not None, "its end")
    finally:
        go.touch()
        let_go.set()
    assert server.wait(timeout=20)
    assert server.raw_log_path is not None
    printed = Path(server.raw_log_path).read_bytes()
    assert printed.count(b"last of the one") == printed.count(b"last of the other") == 1


@pytest.mark.parametrize("then", ["sys.exit(1)", LIVE_ON.strip()])
def test_a_start_that_fails_behind_a_blocked_callback(then: str, tmp_path: Path) -> None:
    """It says so in bounded time; it does not wait for what the callback never takes."""
    server = stand_in(tmp_path, f"bound.close()\nsay(PRINTED)\n{then}")
    let_go = threading.Event()
    server.register_on_data_callback(lambda _: let_go.wait(30))
    began = time.monotonic()
    try:
        if then == "sys.exit(1)":
            assert not server.start(timeout=0.5)
            assert "before it was ready" in str(server.error)
        else:
            with pytest.raises(ReadyTimeout):
                server.start(timeout=0.5)
        assert time.monotonic() - began < 10
        assert "stopped" == server.status
    finally:
        let_go.set()
    assert server._run is not None
    over = server._run._over
    wait_for(over.is_set, "what was held up to be told")
