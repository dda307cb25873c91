"""The one loop behind the synchronous objects."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from typing import Any

import pytest

from pyperf2.errors import StateError
from pyperf2.run import engine
from tests.run.conftest import ROOT, python, wait_for


async def answer(value: int) -> int:
    """Return ``value`` after a turn of the loop."""
    await asyncio.sleep(0)
    return value


async def fail() -> None:
    """Raise what a coroutine may raise."""
    raise ZeroDivisionError


def script(code: str, *options: str, timeout: float = 20) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in an interpreter of its own; every warning is an error there."""
    setup = f"sys.path.insert(0, {str(ROOT)!r})\nimport asyncio, threading\n"
    argv = python(setup + "from pyperf2.run import engine\n" + code)
    return subprocess.run(
        [argv[0], *options, "-W", "error", *argv[1:]],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def test_a_call_returns_what_the_coroutine_returns() -> None:
    """And raises what it raises; there is one thread, a daemon."""
    assert 7 == engine.call(answer(7))
    with pytest.raises(ZeroDivisionError):
        engine.call(fail())
    assert 8 == engine.submit(answer(8)).result(5)
    threads = [thread for thread in threading.enumerate() if thread.name == "pyperf2-engine"]
    assert [True] == [thread.daemon for thread in threads]


def test_calls_from_many_threads_share_the_engine() -> None:
    """Callers do not wait for one another."""
    answers: list[int] = []
    gate = asyncio.Event()

    async def all_together(number: int) -> int:
        if number == 19:
            gate.set()
        await gate.wait()
        return number

    threads = [
        threading.Thread(target=lambda n=n: answers.append(engine.call(all_together(n), 10)))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(range(20)) == sorted(answers)


def test_a_timeout_cancels_the_coroutine_before_it_is_raised() -> None:
    """The builtin TimeoutError on every Python; the clean-up has run by then."""
    seen: list[str] = []

    async def hang() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            seen.append("cleaned up")

    with pytest.raises(TimeoutError, match=r"not done within 0\.05 s"):
        engine.call(hang(), timeout=0.05)
    assert ["cleaned up"] == seen


def test_the_coroutine_s_own_timeout_is_passed_on() -> None:
    """It is not taken for ours."""

    async def fail_so() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        engine.call(fail_so(), timeout=5)


def test_ctrl_c_cancels_the_coroutine() -> None:
    """KeyboardInterrupt reaches the caller after the coroutine has cleaned up."""
    seen: list[str] = []

    async def hang() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(60)
        finally:
            seen.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        engine.call(hang())
    assert ["cleaned up"] == seen


def test_ctrl_c_while_the_engine_is_told_cancels_what_has_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What has begun by then, and what that has begun, is not left to itself."""
    begun, ended = threading.Event(), threading.Event()

    async def part() -> None:
        begun.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    async def whole() -> None:
        await asyncio.gather(part())

    loop = engine.current().loop
    tell = loop.call_soon_threadsafe

    def interrupted(*told: Any) -> None:
        monkeypatch.undo()
        tell(*told)
        assert begun.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "call_soon_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.call(whole())
    assert ended.is_set()


def test_ctrl_c_before_the_engine_was_told_begins_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does it complain of a coroutine that nobody awaited."""

    def interrupted(*_: Any) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(engine.current().loop, "call_soon_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.call(answer(9))
    assert 10 == engine.call(answer(10))


def test_a_call_from_the_engine_s_own_thread_is_refused() -> None:
    """It would wait for itself for ever."""

    async def call_inside() -> None:
        assert engine.inside()
        engine.call(answer(1))

    with pytest.raises(StateError, match="engine's own thread"):
        engine.call(call_inside())
    assert not engine.inside()


def test_a_delayed_callback_runs_in_the_engine() -> None:
    """From any thread."""
    seen: list[bool] = []
    engine.current().call_later(0.001, lambda: seen.append(engine.inside()))
    wait_for(lambda: bool(seen), "the callback")
    assert [True] == seen


NORMAL = "engine.call(asyncio.sleep(0))\n"
ENDS = {
    "by itself": ("", 0),
    "sys.exit": ("sys.exit(3)", 3),
    "an exception": ("raise ZeroDivisionError", 1),
    "with a coroutine pending": ("engine.submit(asyncio.sleep(60))", 0),
    "with an asynchronous generator open": (
        """
async def forever():
    while True:
        yield 1
generator = forever()
async def one():
    return await generator.__anext__()
engine.call(one())
""",
        0,
    ),
    "with a caller waiting": (
        "threading.Thread(target=engine.call, args=(asyncio.sleep(60),), daemon=True).start()",
        0,
    ),
    "with a stubborn coroutine": (
        """
async def stubborn():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            break
engine.submit(stubborn())
""",
        0,
    ),
}


@pytest.mark.parametrize("mode", ["-I", "-Xdev"])
@pytest.mark.parametrize("end", ENDS)
def test_the_interpreter_ends_without_a_word(end: str, mode: str) -> None:
    """No hang, no warning, no "Task was destroyed", in development mode neither."""
    code, status = ENDS[end]
    done = script(NORMAL + code, mode)
    assert status == done.returncode, done.stderr
    expected = "ZeroDivisionError" if status == 1 else ""
    if end == "with a caller waiting":
        assert "Task was destroyed" not in done.stderr
    else:
        assert expected == done.stderr.strip().rpartition("\n")[2], done.stderr


def test_after_the_end_nothing_is_started() -> None:
    """An exit handler that comes later is told so instead of hanging."""
    code = """
import atexit
from pyperf2.run import lifetime
def late():
    try:
        engine.call(asyncio.sleep(0))
    except engine.StateError as error:
        print(error)
atexit.unregister(lifetime._end)
atexit.register(late)
atexit.register(lifetime._end)
engine.call(asyncio.sleep(0))
"""
    done = script(code)
    assert (0, "") == (done.returncode, done.stderr)
    assert "the interpreter is exiting" in done.stdout


@pytest.mark.parametrize("mode", ["-I", "-Xdev"])
def test_a_forked_child_gets_an_engine_of_its_own(mode: str) -> None:
    """The parent's goes on undisturbed; both ends are silent."""
    code = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 on: fork in a program with threads
async def beat():
    while True:
        await asyncio.sleep(0.001)
engine.submit(beat())
async def who():
    return threading.get_ident(), os.getpid()
before = engine.call(who())
child = os.fork()
if child == 0:
    assert not engine.inside()
    ident, pid = engine.call(who(), 5)
    assert pid == os.getpid() != before[1]
    assert engine.call(asyncio.sleep(0, 5), 5) == 5
    sys.exit(9)
assert 9 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert before == engine.call(who(), 5)
reader, writer = os.pipe()
async def still_polls():
    heard = asyncio.Event()
    asyncio.get_running_loop().add_reader(reader, heard.set)
    os.write(writer, b"x")
    await asyncio.wait_for(heard.wait(), 5)
    asyncio.get_running_loop().remove_reader(reader)
engine.call(still_polls(), 6)
"""
    done = script(code, mode)
    assert (0, "") == (done.returncode, done.stderr)


def test_a_loop_in_debug_mode_does_not_complain() -> None:
    """``PYTHONASYNCIODEBUG`` finds calls from wrong threads."""
    code = """
import logging
logging.basicConfig(level=logging.INFO)
engine.current().loop.set_debug(True)
assert engine.call(asyncio.sleep(0, 5), 5) == 5
engine.current().call_later(0, lambda: None)
"""
    done = script(code)
    assert (0, "") == (done.returncode, done.stderr)
