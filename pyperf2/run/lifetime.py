"""What still lives when the interpreter ends; knows only how to end it.

Every process started by this library, whatever loop watches it, is registered here. At exit all
of them get INT (iperf prints its summary), after a moment KILL, and are reaped; then the threads
of the library end. Exits that run no Python (SIGKILL, ``os._exit``) are the guard's business.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import select
import time
from enum import IntEnum
from signal import SIGINT
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from signal import Signals

_log = logging.getLogger(__name__)

_GRACE_S: Final = 0.3


class Mortal(Protocol):
    """A running child as the end of the program sees it; every method works in any thread."""

    def send_signal(self, signal: Signals) -> None:
        """Signal it, unless it is gone."""

    def dup_pidfd(self) -> int | None:
        """Return a descriptor of the caller's own that polls readable at its end; None if gone."""

    def kill(self) -> None:
        """End it, reap it, release what it held."""

    def disown(self) -> None:
        """Forget it in a forked child: it is the parent's."""


class Rank(IntEnum):
    """The order in which the library's own threads end, once the children have."""

    ENGINE = 1
    CALLBACKS = 2


_mortals: set[Mortal] = set()
_hooks: dict[Rank, Callable[[], None]] = {}


def register(mortal: Mortal) -> None:
    """Count it among the living."""
    _mortals.add(mortal)


def forget(mortal: Mortal) -> None:
    """It is dead, reaped and released."""
    _mortals.discard(mortal)


def living() -> frozenset[Mortal]:
    """Return what is registered and not yet forgotten."""
    return frozenset(_mortals)


def at_exit(rank: Rank, hook: Callable[[], None]) -> None:
    """Have ``hook`` called when the interpreter ends, after the children, in order of rank."""
    _hooks[rank] = hook


def wait_for_ends(mortals: Iterable[Mortal], timeout: float) -> None:
    """Wait until every one has ended, at most ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    with contextlib.ExitStack() as stack:
        poll = select.poll()
        watched: set[int] = set()
        for mortal in mortals:
            fd = mortal.dup_pidfd()
            if fd is not None:
                stack.callback(os.close, fd)
                poll.register(fd, select.POLLIN)
                watched.add(fd)
        while watched and (left := deadline - time.monotonic()) > 0:
            for fd, _ in poll.poll(left * 1000):
                poll.unregister(fd)
                watched.discard(fd)


def _end() -> None:
    dying = living()
    for mortal in dying:
        mortal.send_signal(SIGINT)
    try:
        wait_for_ends(dying, _GRACE_S)
    except OSError as error:  # no descriptor left to watch with: no grace then
        _log.warning("cannot wait for iperf at exit: %s", error)
    finally:
        for mortal in dying:
            mortal.kill()
        for rank in sorted(_hooks):
            _hooks[rank]()


def _after_fork() -> None:
    for mortal in living():
        mortal.disown()
    _mortals.clear()
    _hooks.clear()


atexit.register(_end)
if hasattr(os, "register_at_fork"):  # elsewhere `pyperf2.run.process` says what is missing
    os.register_at_fork(after_in_child=_after_fork)
