"""Command lines whose process dies with this one; knows nothing of who starts them.

A child asks the kernel for ``PR_SET_PDEATHSIG(SIGKILL)`` before it becomes iperf, so it ends even
if the parent is killed with SIGKILL. ``preexec_fn`` would be the place, but it is not safe in a
program with threads (and warns from 3.12 on), so a small launcher runs first; the pid stays.

``setpriv`` (util-linux) is used where it works. It runs twice: the first sets the signal, then
reaches the second through ``/proc/<our pid>/root``. If we died before the signal was set, that
path is gone, the exec fails and nothing is left. One alone loses children if the parent is killed
while it starts many: their request comes after the death (`tests/run/test_guard.py` shows it).
Where there is no ``setpriv``, a Python one-liner does the same and compares ``getppid``.

Median of 200 starts of ``/bin/true`` on a quiet 2-core machine, start to exit (``Popen`` itself
returns after 0.13 ms in every case): plain 0.6 ms, one setpriv 1.2 ms, two 1.8 ms, Python 9.8 ms.

The signal belongs to the *thread* that spawned: a child dies when that thread ends. The engine's
thread lives as long as the program; with asyncio it is the thread the loop runs in. A binary with
setuid or file capabilities loses the request when it is executed (prctl(2)).
"""

from __future__ import annotations

import functools
import logging
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger(__name__)

_SELF: Final = "/proc/self"
_PROBE_TIMEOUT_S: Final = 5.0
_ASK: Final = ("--pdeathsig", "KILL", "--")
_SHIM: Final = """\
import ctypes, os, sys
parent, *argv = sys.argv[1:]
ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
if os.getppid() != int(parent):
    os._exit(125)
try:
    os.execv(argv[0], argv)
except OSError as error:
    os.write(2, f"cannot execute {argv[0]}: {error.strerror}\\n".encode())
    os._exit(126)
"""


def guarded(argv: Sequence[str]) -> list[str]:
    """Return the command line that runs ``argv`` bound to the life of this process.

    Args:
        argv: what to run; ``argv[0]`` is the absolute path of an executable.
    """
    return [*_LAUNCHERS[_launcher()](), *argv]


def _setpriv_twice() -> list[str]:
    path = _setpriv()
    # The pid as /proc counts it, which need not be getpid() in a pid namespace.
    pid = os.readlink(_SELF)  # noqa: PTH115 - on every start
    return [path, *_ASK, f"/proc/{pid}/root{path}", *_ASK]


def _setpriv_once() -> list[str]:
    return [_setpriv(), *_ASK]


def _shim() -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _SHIM, str(os.getpid())]


def _nothing() -> list[str]:
    return []


_LAUNCHERS: Final = {
    "setpriv twice": _setpriv_twice,
    "setpriv once": _setpriv_once,
    "python": _shim,
    "none": _nothing,
}


@functools.cache
def _launcher() -> str:
    """Choose the launcher once: the first that proves itself."""
    for name in ("setpriv twice", "setpriv once"):
        if _setpriv() and _sets_the_signal(name):
            return name
    # A frozen program's sys.executable is the program itself: never run it as an interpreter.
    if sys.executable and not getattr(sys, "frozen", False):
        return "python"
    _log.warning("neither setpriv nor a Python interpreter: children may outlive a SIGKILL of us")
    return "none"


@functools.cache
def _setpriv() -> str:
    found = shutil.which("setpriv")
    return os.path.abspath(found) if found else ""  # noqa: PTH100 - resolve() follows links


def _sets_the_signal(launcher: str) -> bool:
    """Whether a process started through it really has the signal (``setpriv --dump`` says)."""
    try:
        told = subprocess.run(  # noqa: S603 - setpriv, by its full path
            [*_LAUNCHERS[launcher](), _setpriv(), "--dump"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_PROBE_TIMEOUT_S,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        _log.debug("%s does not work here: %s", launcher, error)
        return False
    return b"Parent death signal: KILL" in told
