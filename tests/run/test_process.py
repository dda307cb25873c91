"""One child, and every way it can end or refuse to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM
from typing import TYPE_CHECKING

import pytest

from pyperf2.core.records import Instant
from pyperf2.errors import BinaryNotFound
from pyperf2.run import lifetime
from pyperf2.run.host import Local
from pyperf2.run.process import Process, stop_ladder
from tests.run.conftest import Watched, descriptors, is_gone, python, wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence


STUBBORN = """
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
print("ready")
while True:
    time.sleep(60)
"""
PATIENT = "print('ready'); time.sleep(60)"


def test_output_and_exit_status_arrive(watched: Watched) -> None:
    """Both pipes are read to their end before the exit is told, once."""

    async def run() -> int:
        code = "print('out'); print('err', file=sys.stderr); sys.exit(7)"
        return await (await watched.start(python(code))).wait()

    assert 7 == asyncio.run(run())
    assert b"out\n" == watched.said()
    assert b"err\n" == watched.said("stderr")
    assert [7] == watched.exits
    assert [] == watched.after_exit


def test_the_status_is_negative_after_a_signal(watched: Watched) -> None:
    """A child killed by a signal has the negative number of the signal as its status."""

    async def run() -> int:
        process = await watched.start(python("os.kill(os.getpid(), signal.SIGSEGV)"))
        codes = [process.returncode, await process.wait(), process.returncode]
        assert [None, -signal.SIGSEGV, -signal.SIGSEGV] == codes
        return await process.wait()

    assert -signal.SIGSEGV == asyncio.run(run())


def test_a_megabyte_arrives_whole_although_the_child_is_gone(watched: Watched) -> None:
    """What was written before the end is never lost."""

    async def run() -> int:
        code = "sys.stdout.write('x' * 1_000_000); sys.stdout.flush()"
        return await (await watched.start(python(code))).wait()

    assert 0 == asyncio.run(run())
    assert 1_000_000 == len(watched.said())


def test_iperf_prints_its_summary_when_it_is_stopped(iperf: Path, watched: Watched) -> None:
    """The first rung of the ladder is INT, on which iperf ends in its own way."""

    async def run() -> int:
        server = await watched.start([str(iperf), "-s", "-u", "-p", "21011"])
        await watched.hear(b"listening")
        return await server.stop(stop_ladder(3.0))

    assert 0 == asyncio.run(run())
    assert [0] == watched.exits


def test_a_child_that_ignores_int_and_term_is_killed(watched: Watched) -> None:
    """The ladder climbs to KILL."""

    async def run() -> int:
        process = await watched.start(python(STUBBORN))
        await watched.hear(b"ready")
        return await process.stop(stop_ladder(0.05))

    assert -SIGKILL == asyncio.run(run())


def test_a_stopped_child_dies(watched: Watched) -> None:
    """A child under SIGSTOP is woken to end gracefully, and would be killed otherwise."""

    async def run(ladder: Sequence[tuple[signal.Signals, float | None]]) -> int:
        watched.output.clear()
        process = await watched.start(python(PATIENT))
        await watched.hear(b"ready")
        os.kill(process.pid, signal.SIGSTOP)
        state = Path(f"/proc/{process.pid}/stat")
        while ") T " not in state.read_text():
            await asyncio.sleep(0.002)
        return await process.stop(ladder)

    assert -SIGINT == asyncio.run(run(tuple(stop_ladder(5.0))))
    assert -SIGKILL == asyncio.run(run([(SIGKILL, None)]))


def test_stop_is_shared_and_idempotent(watched: Watched) -> None:
    """Many stoppers climb one ladder; a further stop finds the work done."""

    async def run() -> list[int]:
        process = await watched.start(python(STUBBORN))
        await watched.hear(b"ready")
        codes = await asyncio.gather(*(process.stop(stop_ladder(0.05)) for _ in range(10)))
        return [*codes, await process.stop(stop_ladder(60.0))]

    assert [-SIGKILL] * 11 == asyncio.run(run())
    assert [-SIGKILL] == watched.exits


def test_a_cancelled_stop_still_ends_the_child(watched: Watched) -> None:
    """The climb goes on when the one who asked for it is gone."""

    async def run() -> int:
        process = await watched.start(python(STUBBORN))
        await watched.hear(b"ready")
        stopping = asyncio.create_task(process.stop(stop_ladder(0.05)))
        await asyncio.sleep(0)
        stopping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stopping
        assert process.returncode is None
        return await process.wait()

    assert -SIGKILL == asyncio.run(run())


def test_a_loop_that_ends_during_a_stop_kills_the_child(watched: Watched) -> None:
    """``asyncio.run`` cancels the climb; the child is killed and reaped before it returns."""

    async def run() -> Process:
        process = await watched.start(python(STUBBORN))
        await watched.hear(b"ready")
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.stop(stop_ladder(60.0)), 0.05)
        return process

    process = asyncio.run(run())
    assert -SIGKILL == process.returncode
    assert process not in lifetime.living()


def test_kill_needs_no_loop(watched: Watched) -> None:
    """A child left behind by a closed loop is killed, reaped and released from any thread."""

    async def run() -> Process:
        process = await watched.start(python(STUBBORN))
        await watched.hear(b"ready")
        return process

    before = descriptors()
    process = asyncio.run(run())
    assert process in lifetime.living()
    process.kill()
    process.kill()
    assert is_gone(process.pid)
    assert -SIGKILL == process.returncode
    assert process not in lifetime.living()
    assert before == descriptors()


def test_grandchildren_end_with_the_child(watched: Watched) -> None:
    """What the child left in its process group is killed, and its last words are read."""
    code = """
if os.fork() == 0:
    print("grandchild", os.getpid())
    time.sleep(60)
time.sleep(0.1)
os._exit(3)
"""

    async def run() -> float:
        process = await watched.start(python(code))
        assert 3 == await process.wait()
        return time.monotonic()

    asyncio.run(run())
    found = re.search(rb"grandchild (\d+)", watched.said())
    assert found is not None
    grandchild = int(found[1])
    wait_for(lambda: is_gone(grandchild), "the end of the grandchild")


def test_a_grandchild_that_left_cannot_hold_the_end_up(watched: Watched) -> None:
    """A daemon that keeps the pipe and floods it delays the exit by the drain time only."""
    code = """
if os.fork() == 0:
    os.setsid()
    print("escaped", os.getpid())
    while True:
        os.write(1, b"x" * 4096)
        time.sleep(0.001)
time.sleep(0.2)
os._exit(0)
"""

    async def run() -> float:
        process = await watched.start(python(code))
        while not is_gone(process.pid) and process.returncode is None:
            await asyncio.sleep(0.002)
        began = time.monotonic()
        assert 0 == await process.wait()
        return time.monotonic() - began

    took = asyncio.run(run())
    assert took < 2.0
    assert [0] == watched.exits
    assert [] == watched.after_exit
    found = re.search(rb"escaped (\d+)", watched.said())
    assert found is not None
    escaped = int(found[1])
    with contextlib.suppress(ProcessLookupError):  # the broken pipe ends it, sooner or later
        os.kill(escaped, SIGKILL)


def test_a_child_may_close_its_pipes_and_live_on(watched: Watched) -> None:
    """The end of a pipe is not the end of the process."""
    code = "print('bye'); os.close(1); os.close(2); time.sleep(60)"

    async def run() -> int:
        process = await watched.start(python(code))
        await watched.hear(b"bye")
        while process.pipes:
            await asyncio.sleep(0.002)
        assert process.returncode is None
        assert [] == watched.exits
        return await process.stop(stop_ladder(1.0))

    assert -SIGINT == asyncio.run(run())


def test_a_flood_leaves_the_loop_its_turns(watched: Watched) -> None:
    """A child that prints without end does not starve the others on the loop."""

    async def run() -> float:
        process = await watched.start(["/bin/sh", "-c", "exec yes"])
        await watched.hear(b"y")
        longest, last = 0.0, time.monotonic()
        for _ in range(200):
            await asyncio.sleep(0)
            now = time.monotonic()
            longest, last = max(longest, now - last), now
        assert -SIGINT == await process.stop(stop_ladder(5.0))
        return longest

    assert asyncio.run(run()) < 0.5
    assert max(len(data) for _, data in watched.output) <= 65536


def test_paused_reading_holds_the_child_back() -> None:
    """Back-pressure: what is not read stays in the pipe, and nothing of it is lost."""
    watched = Watched()

    async def run() -> int:
        process = await watched.start(python("for n in range(100_000): print('%09d' % n)"))
        process.pipes.pause()
        process.pipes.pause()
        fd = process.pipes._open["stdout"]
        while (held := _bytes_in(fd)) < 60_000:
            await asyncio.sleep(0.002)
        assert held < 100_000 * 10
        assert b"" == watched.said()
        assert process.returncode is None
        process.pipes.resume()
        process.pipes.resume()
        return await process.wait()

    assert 0 == asyncio.run(run())
    assert [b"%09d" % n for n in range(100_000)] == watched.said().split()


def test_the_exit_is_told_although_reading_is_paused(watched: Watched) -> None:
    """A child that ended is read to the end, paused or not."""

    async def run() -> int:
        process = await watched.start(python("print('last words')"))
        process.pipes.pause()
        return await process.wait()

    assert 0 == asyncio.run(run())
    assert b"last words\n" == watched.said()


def test_a_reader_that_raises_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Errors of the callbacks are logged; the child is read and reaped all the same."""

    def explode(*_: object) -> None:
        raise ZeroDivisionError

    async def run() -> int:
        argv = python("os.write(1, b'one chunk')")
        process = await Process.start(argv, host=Local(), on_output=explode, on_exit=explode)
        return await process.wait()

    assert 0 == asyncio.run(run())
    assert 2 == len([record for record in caplog.records if record.exc_info])


def test_somebody_else_may_reap_the_child(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """Where SIGCHLD is ignored the kernel reaps: the end is noticed, the status unknown."""

    async def run() -> int:
        process = await watched.start(python(PATIENT))
        await watched.hear(b"ready")
        os.kill(process.pid, SIGTERM)
        return await process.wait()

    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert 255 == asyncio.run(run())
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert "reaped by somebody else" in caplog.text


def test_a_missing_binary_is_refused_before_anything_is_spawned(tmp_path: Path) -> None:
    """The error names the file, and whether it is missing or merely not executable."""
    text = tmp_path / "text"
    text.write_text("no program")

    async def run(program: str) -> None:
        await Watched().start([program, "-s"])

    for program in ("/nowhere/iperf", "no-such-iperf", str(text), str(tmp_path), ""):
        with pytest.raises(BinaryNotFound, match=re.escape(repr(program))):
            asyncio.run(run(program))


def test_the_ladder() -> None:
    """INT, TERM, KILL; the last one needs no patience."""
    assert [(SIGINT, 2.0), (SIGTERM, 2.0), (SIGKILL, None)] == list(stop_ladder(2.0))


def test_an_instant_holds_both_clocks(watched: Watched) -> None:
    """Chunks carry a monotonic and a wall-clock stamp of their arrival."""
    stamps: list[Instant] = []

    async def run() -> None:
        process = await Process.start(
            python("os.write(1, b'one chunk')"),
            host=Local(),
            on_output=lambda _source, _data, now: stamps.append(now),
            on_exit=lambda _code, now: stamps.append(now),
        )
        await process.wait()

    began = Instant(time.monotonic_ns(), time.time_ns())
    asyncio.run(run())
    ended = Instant(time.monotonic_ns(), time.time_ns())
    told = [began, *stamps, ended]
    assert sorted(stamp.monotonic_ns for stamp in told) == [s.monotonic_ns for s in told]
    assert 2 == len(stamps)
    assert [] == watched.exits


def _bytes_in(fd: int) -> int:
    import array
    import fcntl
    import termios

    count = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, count)
    return count[0]
