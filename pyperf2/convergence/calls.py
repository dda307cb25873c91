"""Calls what may never return, sync or async, and waits for so long at most."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import signal
import threading
import time
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyperf2.convergence.events import now
from pyperf2.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import FrameType

    from pyperf2.core.records import Instant

# Nothing else wants it, and it is ignored by default: Go interrupts its goroutines by it, too.
_SIGNAL: Final = signal.SIGURG
_POLL_S: Final = 0.05
_GRACE_S: Final = 1.0  # for a coroutine to be cancelled, before it is interrupted
_NEVER: Final = threading.Event()


class OverTime(BaseException):
    """The time of a call is over; no ``except Exception`` in it holds this up."""


class Aborted(Exception):
    """A call was broken off on request."""


class Call(NamedTuple):
    """What came of a call, and when it was: what guards it takes a tenth of a millisecond more."""

    returned: Any
    before: Instant
    after: Instant


def call(
    event: Callable[[], Any], name: str, seconds: float, aborted: threading.Event = _NEVER
) -> Call:
    """Call a function or a coroutine function.

    In the main thread it is called right here, and interrupted where it is when its time is over.
    No other thread can be interrupted: there it is called in one of its own, which is left behind.

    Args:
        event: what to call.
        name: of the thread, if it takes one.
        seconds: how long it may take.
        aborted: what ends a coroutine at once.

    Raises:
        OverTime: it took longer. What blocks in a library that does not heed signals, or goes on
            whatever it is interrupted by, is not bounded.
        Aborted: it was a coroutine, and ``aborted``.
        StateError: it is a coroutine, and this thread runs a loop already.
    """
    deadline = time.monotonic() + seconds
    done = _bounded(event, name, seconds)
    if not inspect.isawaitable(done.returned):
        return done
    left = max(deadline - time.monotonic(), 0.0)
    awaiting = partial(_await, done.returned, left, aborted)
    return _bounded(awaiting, name, left + _GRACE_S)._replace(before=done.before)


def _bounded(event: Callable[[], Any], name: str, seconds: float) -> Call:
    def work() -> Call:
        before = now()
        returned = event()
        return Call(returned, before, now())

    before = signal.getsignal(_SIGNAL)
    if threading.current_thread() is threading.main_thread() and before is not None:
        return _Interrupter(seconds, before).call(work)
    return _call_aside(work, name, seconds)


class _Interrupter:
    """Interrupts one call in the main thread."""

    def __init__(self, seconds: float, before: Any) -> None:
        self._before = before  # the user's handler, if there is one: the signal is borrowed
        self._lock = threading.Lock()
        self._inside = True
        self._expired = False
        self._raised = False
        self._timer = threading.Timer(seconds, self._interrupt)
        self._timer.daemon = True

    def call(self, work: Callable[[], Call]) -> Call:
        signal.signal(_SIGNAL, self._on_signal)
        try:
            self._timer.start()
            try:
                returned = work()
            except Exception as error:  # its time may be over, whatever it made of that
                if self._expired:
                    raise OverTime from error
                raise
            finally:
                with self._lock:  # from here on nothing is raised in this thread any more
                    self._inside = False
        finally:  # also where it was raised in a line above
            self._timer.cancel()
            signal.signal(_SIGNAL, self._before)
        if self._expired:
            raise OverTime
        return returned

    def _interrupt(self) -> None:
        with self._lock:
            if self._inside:
                self._expired = True
                signal.pthread_kill(threading.main_thread().ident or 0, _SIGNAL)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._inside and self._expired and not self._raised:
            self._raised = True
            raise OverTime
        if callable(self._before):
            self._before(number, frame)


def _call_aside(work: Callable[[], Call], name: str, seconds: float) -> Call:
    outcome: Future[Call] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            outcome.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name=f"pyperf2 event {name!r}", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise OverTime(f"it goes on in thread {thread.name!r}, which nothing can end")
    return outcome.result()


def _await(returned: Awaitable[Any], seconds: float, aborted: threading.Event) -> Any:
    """Run a coroutine in a loop of its own."""
    if asyncio._get_running_loop() is None:  # noqa: SLF001 - the one that does not raise
        return asyncio.run(_within(returned, seconds, aborted))
    if inspect.iscoroutine(returned):
        returned.close()
    raise StateError(
        "run() cannot wait for a coroutine inside a running event loop; use: await test.run_async()"
    )


async def _within(returned: Awaitable[Any], seconds: float, aborted: threading.Event) -> Any:
    """Wait for so long at most; the end of the loop cancels what is not done."""
    task = asyncio.ensure_future(returned)
    deadline = time.monotonic() + seconds
    while not task.done():
        left = deadline - time.monotonic()
        if aborted.is_set():
            raise Aborted
        if left <= 0:
            raise OverTime
        await asyncio.wait({task}, timeout=min(left, _POLL_S))
    return task.result()
