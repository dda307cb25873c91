"""Where a process runs: here, or in a network namespace; knows nothing of iperf or asyncio."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol, TypeAlias

from pyperf2.errors import (
    BinaryNotFound,
    NameSpaceNotFoundError,
    OptionError,
    PrivilegeError,
    StateError,
)
from pyperf2.run import guard

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from contextlib import AbstractContextManager

_log = logging.getLogger(__name__)

_NETNS_FOLDER: Final = Path("/var/run/netns")  # where ip-netns(8) and pyroute2 keep the names
_OWN_NETNS: Final = "/proc/thread-self/ns/net"
_NAMES_TOLD: Final = 10

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
        with self.entered():
            pass

    @contextlib.contextmanager
    def entered(self) -> Generator[None]:
        """Run the block with this thread inside the namespace; sockets made there stay there.

        Raises:
            NameSpaceNotFoundError: there is no such namespace.
            PrivilegeError: this process may not enter it.
            StateError: the thread could not be brought back, and is of no more use.
        """
        home = os.open(_OWN_NETNS, os.O_RDONLY)
        try:
            self._enter()
            try:
                yield
            finally:
                self._leave(home)
        finally:
            os.close(home)

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

    def _enter(self) -> None:
        try:
            fd = os.open(_NETNS_FOLDER / self.name, os.O_RDONLY)
        except FileNotFoundError:
            raise NameSpaceNotFoundError(self._unknown()) from None
        except PermissionError as error:
            raise PrivilegeError(self._forbidden(error)) from error
        try:
            _setns(fd)
        except PermissionError as error:
            raise PrivilegeError(self._forbidden(error)) from error
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            message = f"{_NETNS_FOLDER / self.name} is a stale file, not a network namespace"
            raise NameSpaceNotFoundError(message) from error
        finally:
            os.close(fd)

    def _leave(self, home: int) -> None:
        try:
            _setns(home)
        except OSError as error:
            message = (
                f"a thread is stuck in {self} and may not be used any more, "
                f"every socket it opens is in the wrong place: {error}"
            )
            _log.critical(message)
            raise StateError(message) from error

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
