"""Labs end with the program, by whichever door it leaves, as long as it can still run code.

Normal end, exceptions and Ctrl-C unwind by themselves; TERM and HUP are made to. What KILL leaves
is found later, by ``cleanup()``.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_FATAL: Final = (signal.SIGTERM, signal.SIGHUP)
_ENDINGS: Final = (signal.SIGINT, *_FATAL)


class Closable(Protocol):
    """What has to be closed before the program ends."""

    def close(self) -> None:
        """Close it; harmless when it is closed."""


_open: Final[dict[Closable, int]] = {}  # and the process that opened it: a fork must not close it


def keep(thing: Closable) -> None:
    """Close it at the end of this process, if nobody did so before."""
    if not _open:
        atexit.register(_close_all)
    _open[thing] = os.getpid()
    if threading.current_thread() is threading.main_thread():
        for number in _FATAL:
            if signal.getsignal(number) is signal.SIG_DFL:  # a program's own handler stays
                signal.signal(number, _leave)


def release(thing: Closable) -> None:
    """It is closed."""
    _open.pop(thing, None)
    if _open:
        return
    atexit.unregister(_close_all)
    if threading.current_thread() is threading.main_thread():
        for number in _FATAL:
            if signal.getsignal(number) is _leave:
                signal.signal(number, signal.SIG_DFL)


def is_ours(thing: Closable) -> bool:
    """Tell whether this very process keeps it, not one that it was forked from."""
    return _open.get(thing) == os.getpid()


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Run the block to its end; signals that would end the program are delivered after it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are handled in the main thread
        return
    came: list[int] = []
    before: dict[signal.Signals, Any] = {number: signal.getsignal(number) for number in _ENDINGS}
    for number, handler in before.items():
        if callable(handler):
            signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            if callable(handler):
                signal.signal(number, handler)
        for late in dict.fromkeys(came):
            signal.raise_signal(late)


def _leave(number: int, _frame: FrameType | None) -> None:
    """Leave by way of ``finally``, unless this is a process that somebody forked."""
    if os.getpid() not in _open.values():
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
        return
    raise SystemExit(128 + number)


def _close_all() -> None:
    for thing, pid in list(_open.items()):
        if pid == os.getpid():
            thing.close()
