"""Where a process runs: here, or in a network namespace; knows nothing of iperf or asyncio."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar

from pyperf2.errors import (
    BinaryNotFound,
    NameSpaceNotFoundError,
    OptionError,
    PrivilegeError,
    StateError,
)
from pyperf2.run import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from pyperf2.errors import PyPerf2Error

_log = logging.getLogger(__name__)

_NETNS_FOLDER: Final = Path("/var/run/netns")  # where ip-netns(8) and pyroute2 keep the names
_OWN_NETNS: Final = "/proc/thread-self/ns/net"
_NAMES_TOLD: Final = 10

_T = TypeVar("_T")
_Stream: TypeAlias = "int | IO[bytes]"


class Host(Protocol):
    """A place to run processes and to open sockets in."""

    @property
    def name(self) -> str:
        """The name of the place: ``local``, or that of the namespace."""

    def check(self) -> None:
        """Refuse early what ``spawn`` would fail at.

        Raises:
            NameSpaceNotFoundError: there is no such namespace.
            PrivilegeError: this process may not enter it.
        """

    def entered(self) -> AbstractContextManager[None]:
        """Run the block, in this thread, inside the place; whatever happens, come back."""

    def inside(
        self, work: Callable[[], _T], discard: Callable[[_T], object] = lambda _: None
    ) -> _T:
        """Do something short in the place, which no Ctrl-C breaks off half-way.

        Args:
            work: what to do; in another thread, if that is safer.
            discard: what to do with its result where a Ctrl-C has the caller go without it.
        """

    def spawn(
        self,
        argv: Sequence[str],
        *,
        stdout: _Stream = subprocess.PIPE,
        stderr: _Stream = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """Start ``argv`` there, in a session of its own, bound to the life of this thread.

        Standard input is empty, the locale is C, and pipes are unbuffered.

        Raises:
            BinaryNotFound: ``argv[0]`` is no executable file.
            NameSpaceNotFoundError: there is no such namespace.
            PrivilegeError: this process may not enter it.
        """


@dataclass(frozen=True, slots=True)
class Local:
    """This machine, in the network namespace that this process is in."""

    name: str = "local"

    def __str__(self) -> str:
        """Name the place as a sentence needs it."""
        return "this host"

    def check(self) -> None:
        """Nothing can be wrong with here."""

    def entered(self) -> AbstractContextManager[None]:
        """Run the block right here."""
        return contextlib.nullcontext()

    def inside(
        self,
        work: Callable[[], _T],
        discard: Callable[[_T], object] = lambda _: None,  # noqa: ARG002 - see `Host.inside`
    ) -> _T:
        """Do it right here."""
        return work()

    def spawn(
        self,
        argv: Sequence[str],
        *,
        stdout: _Stream = subprocess.PIPE,
        stderr: _Stream = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """Start ``argv`` here; see `Host.spawn`."""
        return _launch(guard.guarded(_resolved(argv)), stdout, stderr)


@dataclass(frozen=True, slots=True)
class Netns:
    """A named network namespace of this machine.

    Args:
        name: as ``ip netns list`` prints it. It is never created.

    Raises:
        OptionError: the name can be none.
    """

    name: str

    def __post_init__(self) -> None:
        """Refuse a name that would leave the folder of namespaces."""
        if self.name in {"", ".", ".."} or "/" in self.name or "\0" in self.name:
            message = f"a namespace's name is one word as `ip netns` lists it, not {self.name!r}"
            raise OptionError(message)

    def __str__(self) -> str:
        """Name the place as a sentence needs it."""
        return f"network namespace {self.name!r}"

    def check(self) -> None:
        """Enter and leave: the one proof that it exists and that we may; see `Host.check`."""
        self.inside(lambda: None)

    def entered(self) -> AbstractContextManager[None]:
        """Run the block with this thread inside the namespace; sockets made there stay there.

        Raises:
            NameSpaceNotFoundError: there is no such namespace.
            PrivilegeError: this process may not enter it.
            StateError: the thread could not be brought back, and is of no more use.
        """
        return _Visit(self)

    def inside(
        self, work: Callable[[], _T], discard: Callable[[_T], object] = lambda _: None
    ) -> _T:
        """Do something short inside the namespace; see `Host.inside`."""

        def entered() -> _T:
            with self.entered():
                return work()

        if threading.current_thread() is threading.main_thread():
            return _apart(entered, discard)
        return entered()

    def spawn(
        self,
        argv: Sequence[str],
        *,
        stdout: _Stream = subprocess.PIPE,
        stderr: _Stream = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """Start ``argv`` inside the namespace; see `Host.spawn`."""
        command = guard.guarded(_resolved(argv))
        child: subprocess.Popen[bytes] | None = None
        try:
            with self.entered():
                child = _launch(command, stdout, stderr)
        except BaseException:
            if child is not None:  # started, but this thread did not come home
                with child:
                    child.kill()
            raise
        return child

    @property
    def path(self) -> Path:
        """The file that stands for it."""
        return _NETNS_FOLDER / self.name

    def refused(self, error: OSError) -> OSError | PyPerf2Error:
        """Put into words why it could not be entered."""
        if isinstance(error, FileNotFoundError):
            return NameSpaceNotFoundError(self._unknown())
        if isinstance(error, PermissionError):
            return PrivilegeError(self._forbidden(error))
        if error.errno == errno.EINVAL:
            return NameSpaceNotFoundError(f"{self.path} is a stale file, not a network namespace")
        return error

    def _unknown(self) -> str:
        try:
            names = sorted(entry.name for entry in _NETNS_FOLDER.iterdir())
        except OSError:
            names = []
        more = ", …" if len(names) > _NAMES_TOLD else ""
        known = ", ".join(names[:_NAMES_TOLD]) + more if names else "none"
        return f"there is no network namespace {self.name!r} (there is: {known})"

    def _forbidden(self, error: OSError) -> str:
        return f"entering {self} takes root (CAP_SYS_ADMIN): {error.strerror}"


class _Visit:
    """A thread's stay in a namespace; it comes home whichever line a Ctrl-C breaks off.

    The one place where nothing can be done is the step into ``__exit__``, which Python does not
    guard: what the main thread has to do elsewhere, it does by `Netns.inside`.
    """

    __slots__ = ("_away", "_files", "_place")

    def __init__(self, place: Netns) -> None:
        self._place = place
        self._files: list[FileIO] = []  # that of home, that of the namespace
        self._away = False

    def __enter__(self) -> None:
        try:
            # In one step: no signal comes between a descriptor and where it is kept.
            self._files.extend(map(FileIO, (_OWN_NETNS, str(self._place.path))))
            self._away = True
            _setns(self._files[1].fileno())
        except OSError as error:
            self._away = False
            self._end()
            raise self._place.refused(error) from error
        except BaseException:
            self._end()
            raise

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        try:
            self._leave()
        except StateError:
            raise
        except BaseException:  # broken off: the whole way again
            self._leave()
            raise

    def _leave(self) -> None:
        try:
            if self._away:
                _setns(self._files[0].fileno())
                self._away = False
        except OSError as error:
            self._away = False  # there is no more that could be done
            message = (
                f"a thread is stuck in {self._place} and may not be used any more, "
                f"every socket it opens is in the wrong place: {error}"
            )
            _log.critical(message)
            raise StateError(message) from error
        finally:
            for file in self._files if not self._away else ():
                file.close()


def _apart(work: Callable[[], _T], discard: Callable[[_T], object]) -> _T:
    """Do something in a thread that ends with it: no signal is ever handled there."""
    turn = threading.Lock()
    begun, given_up, ended = (threading.Event() for _ in range(3))
    done: list[_T] = []
    failed: list[BaseException] = []

    def run() -> None:
        with turn:
            if given_up.is_set():
                return
            begun.set()
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - raised where it was asked for
            failed.append(error)
        ended.set()

    thread = threading.Thread(target=run, name="pyperf2-inside", daemon=True)
    try:
        thread.start()
        thread.join()
    except BaseException:  # a Ctrl-C, maybe in the middle of the start
        with turn:
            given_up.set()
        if begun.is_set():  # it will not be long
            ended.wait()
        for one in done:
            discard(one)
        raise
    if failed:
        raise failed[0]
    return done[0]


def _setns(fd: int) -> None:
    from pyroute2 import netns  # takes 0.1 s: paid by those who use namespaces

    netns.setns(fd, flags=0)


def _resolved(argv: Sequence[str]) -> list[str]:
    """Return ``argv`` with the full path of its program, or say that there is none."""
    program = argv[0]
    path = shutil.which(program)
    if path is None:
        reason = "not an executable file" if os.path.exists(program) else "no such program"  # noqa: PTH110
        where = "" if "/" in program else " on PATH"
        raise BinaryNotFound(errno.ENOENT, reason + where, program)
    return [os.path.abspath(path), *argv[1:]]  # noqa: PTH100 - a link's own name is argv[0]


def _launch(command: list[str], stdout: _Stream, stderr: _Stream) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - no shell; a list, and a path that was looked up
        command,
        bufsize=0,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        close_fds=True,
        start_new_session=True,
        # iperf's messages come from strerror: the parsers read them in English.
        env={**os.environ, "LC_ALL": "C"},
    )
