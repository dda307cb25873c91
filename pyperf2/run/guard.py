"""Command lines whose process dies with this one; knows nothing of who starts them.

A child asks the kernel for ``PR_SET_PDEATHSIG(SIGKILL)`` before it becomes iperf, so it ends even
if the parent is killed with SIGKILL. ``preexec_fn`` would be the place, but it is not safe in a
program with threads (and warns from 3.12 on), so a small launcher runs first; the pid stays.

``setpriv`` (util-linux) is used where it works. It sets the signal, then reaches a second program
through ``/proc/<our pid>/root``. If we died before the signal was set, that path is gone, the exec
fails and nothing is left. Alone it loses children if the parent is killed while it starts many:
their request comes after the death (`tests/run/test_guard.py` shows it). The second program is
``prlimit`` (util-linux, too): it bounds the stacks of iperf's threads to 1 MiB. With ``-z`` iperf
locks its memory and touches all of it: 22 MB and 14 ms of CPU a process with 8 MiB stacks, 8 MB
and 2 ms with these (musl gives a thread 128 KiB and iperf2 runs there). Where there is no
``setpriv``, a Python one-liner sets the signal and compares ``getppid``.

Median of 200 starts of ``/bin/true`` on a quiet 2-core machine, start to exit (``Popen`` itself
returns after 0.13 ms in every case): plain 0.6 ms, setpriv 1.2 ms, setpriv and a second program
1.8 ms, Python 9.8 ms.

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
_STACK: Final = (f"--stack={2**20}:", "--")  # the soft limit; the hard one stays
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


def _setpriv_and_prlimit() -> list[str]:
    return [_setpriv(), *_ASK, f"{_our_root()}{_found('prlimit')}", *_STACK]


def _setpriv_twice() -> list[str]:
    return [_setpriv(), *_ASK, f"{_our_root()}{_setpriv()}", *_ASK]


def _our_root() -> str:
    # The pid as /proc counts it, which need not be getpid() in a pid namespace.
    return f"/proc/{os.readlink(_SELF)}/root"  # noqa: PTH115 - on every start


def _setpriv_once() -> list[str]:
    return [_setpriv(), *_ASK]


def _shim() -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _SHIM, str(os.getpid())]


def _nothing() -> list[str]:
    return []


_LAUNCHERS: Final = {
    "setpriv and prlimit": _setpriv_and_prlimit,
    "setpriv twice": _setpriv_twice,
    "setpriv once": _setpriv_once,
    "python": _shim,
    "none": _nothing,
}


@functools.cache
def _launcher() -> str:
    """Choose the launcher once: the first that proves itself."""
    for name in ("setpriv and prlimit", "setpriv twice", "setpriv once"):
        if _setpriv() and _sets_the_signal(name):
            return name
    # A frozen program's sys.executable is the program itself: never run it as an interpreter.
    if sys.executable and not getattr(sys, "frozen", False):
        return "python"
    _log.warning("neither setpriv nor a Python interpreter: children may outlive a SIGKILL of us")
    return "none"


def _setpriv() -> str:
    return _found("setpriv")


@functools.cache
def _found(program: str) -> str:
    found = shutil.which(program)
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
