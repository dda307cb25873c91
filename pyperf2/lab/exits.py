"""Labs end with the program, by whichever door it leaves, as long as it can still run code.

Normal end and exceptions unwind by themselves; TERM and HUP are made to, as Ctrl-C is. What KILL
leaves is found later, by ``cleanup()``.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DEFAULTS: Final = (signal.SIG_DFL, signal.default_int_handler)


class Closable(Protocol):
    """What has to be closed before the program ends."""

    def close(self) -> None:
        """Close it; harmless when it is closed."""


_open: Final[dict[Closable, int]] = {}  # and the process that opened it: a fork must not close it
_replaced: Final[dict[int, Any]] = {}  # handlers
_shields: Final[list[object]] = []  # one for each block that must not be disturbed
_came: Final[list[int]] = []  # signals, meanwhile


def keep(thing: Closable) -> None:
    """Close it at the end of this process, if nobody did so before."""
    if not _open:
        atexit.register(_close_all)
    _open[thing] = os.getpid()
    if threading.current_thread() is threading.main_thread():
        for number in _ENDINGS:
            handler = signal.getsignal(number)
            if handler in _DEFAULTS:  # a program's own handler stays
                _replaced[number] = handler
                signal.signal(number, _leave)


def release(thing: Closable) -> None:
    """It is closed."""
    _open.pop(thing, None)
    if _open:
        return
    atexit.unregister(_close_all)
    if threading.current_thread() is threading.main_thread():
        for number, handler in _replaced.items():
            if signal.getsignal(number) is _leave:
                signal.signal(number, handler)
        _replaced.clear()


def is_ours(thing: Closable) -> bool:
    """Tell whether this very process keeps it, not one that it was forked from."""
    return _open.get(thing) == os.getpid()


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Run the block to its end; a signal that would end the program ends it after that."""
    shield = object()
    _shields.append(shield)  # one step: from here on, `_leave` only takes notes
    try:
        yield
    finally:
        _shields.remove(shield)
        if _came and not _shields:
            number = _came[0]
            _came.clear()
            if threading.current_thread() is threading.main_thread():
                _end(number)
            signal.raise_signal(number)


def _leave(number: int, _frame: FrameType | None) -> None:
    """Leave by way of ``finally``, unless this is a process that somebody forked."""
    if os.getpid() not in _open.values():
        signal.signal(number, _replaced.get(number, signal.SIG_DFL))
        signal.raise_signal(number)
    elif _shields:
        _came.append(number)
    else:
        _end(number)


def _end(number: int) -> NoReturn:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _close_all() -> None:
    for thing, pid in list(_open.items()):
        if pid == os.getpid():
            thing.close()
