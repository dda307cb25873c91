"""The one event loop behind every synchronous object; knows nothing of what runs on it.

It is a daemon thread, started on first use and ended by the interpreter's exit, after the
children (see `pyperf2.run.lifetime`). A forked child starts with none and gets its own.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import selectors
import threading
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pyperf2.errors import StateError
from pyperf2.run import lifetime
from pyperf2.run.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_CANCEL_S: Final = 2.0  # for a cancelled coroutine to clean up behind itself
_END_S: Final = 1.0
_POLL_S: Final = 0.002


class _PatientSelector(selectors.EpollSelector):
    """Where something becomes ready all the time, waits a moment for more of it."""

    def __init__(self) -> None:
        super().__init__()
        self._patience = Patience()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(timeout)
        if ready and timeout != 0 and self._patience.waited(time.monotonic()):
            return super().select(0)  # what was ready is so still
        return ready


class _Loop(asyncio.SelectorEventLoop):
    """The loop of one process: what a fork left of it must neither warn nor close anything."""

    inherited = False

    def __del__(self) -> None:
        if not self.inherited:
            super().__del__()


class Engine:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        """Start the thread; use `current`."""
        self.selector = _PatientSelector()
        try:
            self.loop = _Loop(self.selector)
        except BaseException:  # no descriptor left
            self.selector.close()
            raise
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="pyperf2-engine", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # 3.12: "can't create new thread at interpreter shutdown"
            self.loop.close()
            message = f"too late to start anything: {error}"
            raise StateError(message) from error

    def inside(self) -> bool:
        """Whether the caller runs in the engine's own thread."""
        return threading.current_thread() is self._thread

    def submit(self, coroutine: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
        """Run ``coroutine`` on the loop; cancelling the future cancels it."""
        try:
            self._check_open()
            return asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        except BaseException:
            coroutine.close()
            raise

    def call(self, coroutine: Coroutine[Any, Any, _T], timeout: float | None = None) -> _T:
        """Run ``coroutine`` on the loop and wait for what it returns.

        If the wait ends early (timeout, Ctrl-C), the coroutine is cancelled, and given a moment
        to clean up, before this raises.

        Raises:
            StateError: called from the engine's own thread, or while the interpreter exits.
            TimeoutError: it took longer than ``timeout`` seconds.
        """
        if self.inside():
            coroutine.close()
            message = "this call waits for the engine; in the engine's own thread it never ends"
            raise StateError(message)
        outcome: concurrent.futures.Future[_T] = concurrent.futures.Future()
        task: asyncio.Task[_T] | None = None

        def begin() -> None:
            nonlocal task
            task = self.loop.create_task(coroutine)
            task.add_done_callback(lambda done: _settle(done, outcome))

        def give_up() -> None:
            if task is not None:
                task.cancel()
                return
            coroutine.close()  # the loop was never told of it
            outcome.cancel()
            outcome.set_running_or_notify_cancel()

        try:
            self._check_open()
        except BaseException:
            coroutine.close()
            raise
        try:
            # A Ctrl-C may come between the word to the loop and the wait: it has begun then.
            self.loop.call_soon_threadsafe(begin)
            return outcome.result(timeout)
        except BaseException as error:
            if not outcome.done() and self._told(give_up, coroutine):
                concurrent.futures.wait([outcome], _CANCEL_S)
                if isinstance(error, concurrent.futures.TimeoutError):  # 3.10: not the builtin
                    message = f"not done within {timeout:g} s"
                    raise TimeoutError(message) from None
            if isinstance(error, concurrent.futures.CancelledError):
                message = "it was cancelled, as everything is when the interpreter exits"
                raise StateError(message) from error
            raise

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        """Call ``callback`` in the loop's thread after ``delay`` seconds; from any thread."""
        self._check_open()
        self.loop.call_soon_threadsafe(self.loop.call_later, delay, callback)

    def end(self) -> None:
        """Cancel what runs, end the thread, close the loop."""
        if self.inside() or self._ending:
            return
        self._ending = True
        with contextlib.suppress(RuntimeError):  # closed already: somebody stopped the loop
            asyncio.run_coroutine_threadsafe(self._wind_up(), self.loop)
        self._thread.join(2 * _END_S)
        if self._thread.is_alive():
            _log.error("the engine's thread does not end: something blocks its event loop")

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            asyncio.set_event_loop(None)
            self.loop.close()

    async def _wind_up(self) -> None:
        deadline = self.loop.time() + _END_S / 2
        while lifetime.living() and self.loop.time() < deadline:  # noqa: ASYNC110 - threads change it
            await asyncio.sleep(_POLL_S)  # the ends of the last children are still to be told
        mine = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_END_S / 2)
        await self.loop.shutdown_asyncgens()
        self.loop.call_soon(self.loop.stop)  # after the callbacks of the tasks' ends

    def _told(self, give_up: Callable[[], None], coroutine: Coroutine[Any, Any, Any]) -> bool:
        try:
            self.loop.call_soon_threadsafe(give_up)
        except RuntimeError:  # closed: nothing begins there any more
            coroutine.close()
            return False
        return True

    def _check_open(self) -> None:
        if self._ending:
            message = "the interpreter is exiting: nothing new is started"
            raise StateError(message)


def _settle(task: asyncio.Task[_T], outcome: concurrent.futures.Future[_T]) -> None:
    if task.cancelled():
        outcome.cancel()
        outcome.set_running_or_notify_cancel()
    elif (error := task.exception()) is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())


_engine: Engine | None = None
_lock = threading.Lock()
_inherited: list[Engine] = []  # a forked child keeps, untouched, what it may not close


def current() -> Engine:
    """Return the engine of this process; start it if there is none."""
    global _engine  # noqa: PLW0603 - one for the whole program is the point
    engine = _engine
    if engine is None:
        with _lock:
            engine = _engine
            if engine is None:
                engine = _engine = Engine()
                lifetime.at_exit(lifetime.Rank.ENGINE, engine.end)
    return engine


def call(coroutine: Coroutine[Any, Any, _T], timeout: float | None = None) -> _T:
    """Run ``coroutine`` on the engine and wait for it; see `Engine.call`."""
    try:
        engine = current()
    except BaseException:
        coroutine.close()
        raise
    return engine.call(coroutine, timeout)


def submit(coroutine: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
    """Run ``coroutine`` on the engine; see `Engine.submit`."""
    try:
        engine = current()
    except BaseException:
        coroutine.close()
        raise
    return engine.submit(coroutine)


def inside() -> bool:
    """Whether the caller runs in the engine's thread."""
    return _engine is not None and _engine.inside()


def _after_fork() -> None:
    global _engine, _lock  # noqa: PLW0603 - the parent's
    if _engine is not None:
        _inherited.append(_engine)
        _engine.loop.inherited = True
        _engine.selector.close()  # the child's copy of the epoll descriptor, nothing registered
        _engine = None
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
