"""An event that does not return: its time is over some time, and the run ends in good order."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from pyperf2 import Client, EventTimeout, Server
from pyperf2.convergence import ConvergenceTest, Flow
from pyperf2.convergence.calls import OverTime, call
from tests.conftest import iperf_children
from tests.live.support import LOOPBACK, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

pytestmark = pytest.mark.timeout(60)

FOREVER_S: Final = 3600.0
SOON_S: Final = 0.2
QUICK: Final[dict[str, Any]] = {"steady": 0.2, "recovery": 0.2, "timeout": 5.0}


@pytest.fixture
def release() -> Generator[threading.Event]:
    """Return what hanging events wait for; none of their threads outlives its test."""
    free = threading.Event()
    yield free
    free.set()
    wait_for(lambda: not threads_of_events(), "the end of the events' threads")


def threads_of_events() -> list[str]:
    """Name the threads in which events are called."""
    return [one.name for one in threading.enumerate() if one.name.startswith("pyperf2 event")]


def in_a_thread(work: Callable[[], Any]) -> Any:
    """Do something in another thread than the main one; give what comes of it, or the error."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001 - handed on
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    return found[0]


def wait_in_vain() -> None:
    """Wait for what never comes."""
    threading.Event().wait(FOREVER_S)


def run_a_program() -> None:
    """Wait for a program that never ends."""
    subprocess.run(["sleep", str(FOREVER_S)], check=True)


def spin() -> None:
    """Compute without end."""
    while True:
        pass


def retry() -> None:
    """Try again, whatever goes wrong."""
    while True:
        with suppress(Exception):
            time.sleep(FOREVER_S)


@pytest.mark.parametrize(
    "hang", [wait_in_vain, run_a_program, spin, retry, lambda: time.sleep(FOREVER_S)]
)
def test_a_function_is_interrupted_where_it_is(hang: Callable[[], None]) -> None:
    """In the main thread, by a signal: its own clean-up runs; the handler is as it was."""
    before = signal.getsignal(signal.SIGURG)
    left: list[str] = []

    def event() -> None:
        try:
            hang()
        finally:
            left.append("cleaned up")

    began = time.monotonic()
    with pytest.raises(OverTime):
        call(event, "event", SOON_S)
    assert SOON_S <= time.monotonic() - began < SOON_S + 5
    assert ["cleaned up"] == left
    assert before == signal.getsignal(signal.SIGURG)


def test_an_event_is_called_where_the_test_is_run(release: threading.Event) -> None:
    """In the main thread right there; any other one calls it in a thread of its own."""
    assert threading.main_thread() is call(threading.current_thread, "who", 5).returned
    other = in_a_thread(lambda: call(threading.current_thread, "who", 5)).returned
    assert "pyperf2 event 'who'" == other.name
    assert other.daemon
    assert not release.is_set()


def test_what_an_event_returns_or_raises_comes_through() -> None:
    """From either thread."""

    def failing() -> None:
        raise TimeoutError("of its own")

    for run in (lambda work: work(), in_a_thread):
        assert 7 == run(lambda: call(lambda: 7, "seven", 5)).returned
    with pytest.raises(TimeoutError, match="of its own"):
        call(failing, "failing", 5)
    assert "of its own" == str(in_a_thread(lambda: call(failing, "failing", 5)))


@pytest.mark.parametrize("run", [lambda work: work(), in_a_thread])
def test_when_it_was_does_not_count_what_guards_it(run: Callable[..., Any]) -> None:
    """The bar of an instant is no wider than the call itself, of a coroutine to its end."""
    inside: list[int] = []

    def event() -> None:
        inside.append(time.monotonic_ns())

    async def waits() -> None:
        event()
        await asyncio.sleep(SOON_S)
        event()

    before = time.monotonic_ns()
    done = run(lambda: call(event, "event", 5))
    assert before <= done.before.monotonic_ns <= inside[0] <= done.after.monotonic_ns
    widths = [run(lambda: call(event, "event", 5)) for _ in range(50)]
    least_ns = min(one.after.monotonic_ns - one.before.monotonic_ns for one in widths)
    assert least_ns < 50_000, "a timer, a thread, a signal handler take more"
    inside.clear()
    done = run(lambda: call(waits, "waits", 5))
    assert done.before.monotonic_ns <= inside[0] < inside[1] <= done.after.monotonic_ns


def test_who_makes_something_else_of_it_is_over_time_all_the_same() -> None:
    """One that raises its own error, and one that takes the interruption for nothing."""

    def changes() -> None:
        try:
            time.sleep(FOREVER_S)
        except BaseException as error:
            raise LookupError("no router") from error

    def ignores() -> None:
        with suppress(BaseException):
            time.sleep(FOREVER_S)

    for event in (changes, ignores):
        with pytest.raises(OverTime):
            call(event, "event", SOON_S)


def test_a_handler_of_the_user_s_is_called_meanwhile_and_afterwards() -> None:
    """The signal is borrowed, not taken."""
    got: list[int] = []
    before = signal.signal(signal.SIGURG, lambda number, _: got.append(number))
    try:
        call(lambda: os.kill(os.getpid(), signal.SIGURG), "kill", 5)
        os.kill(os.getpid(), signal.SIGURG)
    finally:
        signal.signal(signal.SIGURG, before)
    assert [signal.SIGURG] * 2 == got


def test_an_event_that_ends_with_its_time_ends_either_way() -> None:
    """However the two meet: nothing is raised later, no handler and no thread is left."""
    before = signal.getsignal(signal.SIGURG)
    for microseconds in range(-600, 600, 6):
        try:
            call(partial(time.sleep, 0.002 + microseconds / 1e6), "event", 0.002)
        except OverTime:
            continue
    assert before == signal.getsignal(signal.SIGURG)
    time.sleep(0.01)


def test_a_coroutine_is_cancelled() -> None:
    """In either thread; its own clean-up runs."""
    left: list[str] = []

    async def event() -> None:
        try:
            await asyncio.sleep(FOREVER_S)
        finally:
            left.append("cleaned up")

    with pytest.raises(OverTime):
        call(event, "event", SOON_S)
    assert isinstance(in_a_thread(lambda: call(event, "event", SOON_S)), OverTime)
    assert ["cleaned up"] * 2 == left
    assert [] == threads_of_events()


@pytest.mark.parametrize("waits", ["function", "coroutine"])
def test_ctrl_c_comes_through(waits: str) -> None:
    """At once, as without any bound."""
    inside = threading.Event()

    def function() -> None:
        inside.set()
        time.sleep(FOREVER_S)

    async def coroutine() -> None:
        inside.set()
        await asyncio.sleep(FOREVER_S)

    def interrupt() -> None:
        inside.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    event: Any = function if waits == "function" else coroutine
    with pytest.raises(KeyboardInterrupt):
        call(event, "event", 30)
    thread.join()


def test_a_coroutine_that_blocks_its_loop_is_interrupted() -> None:
    """A little later than one that can be cancelled."""

    async def event() -> None:
        time.sleep(FOREVER_S)  # noqa: ASYNC251 - the fault that is tested

    with pytest.raises(OverTime):
        call(event, "event", SOON_S)


def a_test(event: Any) -> ConvergenceTest:
    """Return a test on this host."""
    common: dict[str, Any] = {"protocol": "udp", "port": free_port(), "realtime": False}
    flow = Flow("a", server=Server(**common), client=Client(LOOPBACK, **common))
    return ConvergenceTest([flow], event, **QUICK)


def is_told(test: ConvergenceTest, error: EventTimeout, name: str) -> None:
    """See that the error says which event and step, and that report and machine are clean."""
    assert isinstance(error, TimeoutError)
    assert "event" == error.step
    assert str(error).startswith(f"event: {name!r} was not over when the time of all events was")
    assert "timeout=5 s" in str(error)
    assert error.report is test.report
    assert test.report is not None
    assert str(error) == test.report.error
    assert name == test.report.events[-1].name
    assert 200 <= (test.report.flows[0].packets_received or 0)
    assert test.report.check().passed is None
    assert test.step is None
    assert {} == iperf_children()


@pytest.mark.slow
def test_a_function_that_hangs_ends_the_run() -> None:
    """The second of two; where it hung is in the cause."""

    def quick() -> None:
        pass

    test = a_test([quick, wait_in_vain])
    with pytest.raises(EventTimeout) as told:
        test.run()
    is_told(test, told.value, "wait_in_vain")
    assert test.report is not None
    assert ["quick", "wait_in_vain"] == [one.name for one in test.report.events]
    assert isinstance(told.value.__cause__, OverTime)


@pytest.mark.slow
def test_a_coroutine_that_hangs_ends_the_run() -> None:
    """The same test can be run again."""
    hangs = [True, False]

    async def event() -> None:
        await asyncio.sleep(FOREVER_S if hangs.pop(0) else 0)

    test = a_test(event)
    with pytest.raises(EventTimeout) as told:
        test.run()
    is_told(test, told.value, "event")
    assert test.run().error is None


@pytest.mark.slow
def test_a_function_that_hangs_in_another_thread_is_left_behind(release: threading.Event) -> None:
    """Nothing can end it there; the error says so, and where it goes on."""

    def hangs() -> None:
        release.wait(FOREVER_S)

    test = a_test(hangs)
    error = in_a_thread(test.run)
    is_told(test, error, "hangs")
    assert "it goes on in thread \"pyperf2 event 'hangs'\"" in str(error)
    assert ["pyperf2 event 'hangs'"] == threads_of_events()


@pytest.mark.slow
def test_a_function_that_hangs_beside_a_loop_ends_the_run(release: threading.Event) -> None:
    """The loop runs on meanwhile, and ends."""

    def hangs() -> None:
        release.wait(FOREVER_S)

    test = a_test(hangs)
    with pytest.raises(EventTimeout) as told:
        asyncio.run(test.run_async())
    is_told(test, told.value, "hangs")


@pytest.mark.slow
def test_cancelling_a_run_cancels_a_coroutine_that_hangs() -> None:
    """At once, not when its time is over."""

    async def event() -> None:
        await asyncio.sleep(FOREVER_S)

    test = a_test(event)
    test.timeout = FOREVER_S

    async def cancelled() -> None:
        running = asyncio.ensure_future(test.run_async())
        while test.step != "event":
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancelled())
    assert test.report is not None
    assert "event: it was aborted" == test.report.error
    assert {} == iperf_children()
