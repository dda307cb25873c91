"""One child process: spawn it, read it, stop it, reap it; knows nothing of what it prints.

Everything but `Process.kill`, `Process.send_signal` and, while a `Reader` of another thread has
its pipes, the reading belongs to the thread of the event loop that started the process. Signals go
to the child's process group while its pid is still held, so they can never reach a stranger that
got the same number.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, TypeAlias

from pyperf2.errors import StateError
from pyperf2.run import lifetime
from pyperf2.run.pipes import SOURCES, LoopReader, Pipes, instant_now

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from signal import Signals

    from pyperf2.core.records import Instant
    from pyperf2.run.host import Host
    from pyperf2.run.pipes import OnOutput, Reader, Source

if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
    _message = f"pyperf2 runs processes on Linux 5.3 and newer only (pidfd), not on {sys.platform}"
    raise ImportError(_message)

_log = logging.getLogger(__name__)

OnExit: TypeAlias = "Callable[[int, Instant], None]"

_DRAIN_S: Final = 0.25  # for a pipe that somebody out of our process group keeps open
_KILL_S: Final = 2.0  # SIGKILL takes effect at once unless the process is inside the kernel
_POLL_S: Final = 0.02
_UNKNOWN_STATUS: Final = 255  # what asyncio and trio report if somebody else reaped the child


def stop_ladder(
    grace_s: float, *, first_s: float | None = None
) -> Iterator[tuple[Signals, float | None]]:
    """Signals to send and how long to wait after each; iperf prints its summary on INT.

    TERM counts as iperf's second interrupt ("Interrupt again to force quit"); 2.0.5 may swallow
    both, so the last rung is KILL.

    Args:
        grace_s: seconds to wait after INT and after TERM.
        first_s: seconds to wait after INT, if it has nothing left to print.
    """
    yield from (
        (signal.SIGINT, grace_s if first_s is None else first_s),
        (signal.SIGTERM, grace_s),
        (signal.SIGKILL, None),
    )


class Process:
    """A running child and, later, how it ended.

    Attributes:
        pid: its process id, which is also that of its process group and session.
        pipes: what it prints.
    """

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        pipes: Mapping[Source, int],
        *,
        on_output: OnOutput,
        on_exit: OnExit,
        reader: Reader | None,
    ) -> None:
        """Take over a child that was just spawned; use `start`."""
        self.pid = child.pid
        self._child = child
        self._on_exit = on_exit
        self._loop = asyncio.get_running_loop()
        self._home = LoopReader(self._loop)
        self._lock = threading.Lock()  # guards _returncode and _pidfd: whether pid is still ours
        self._returncode: int | None = None
        self._owned = True
        self._exited = asyncio.Event()  # its end was noticed
        self._over = asyncio.Event()  # and its last output and its exit were handed on
        self._stopping: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self.pipes = Pipes(
            pipes, home=self._home, reader=reader, on_output=on_output, on_end=self._pipe_ended
        )
        self._pidfd: int | None = os.pidfd_open(child.pid)
        lifetime.register(self)

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        host: Host,
        on_output: OnOutput,
        on_exit: OnExit,
        reader: Reader | None = None,
    ) -> Process:
        """Spawn ``argv`` on ``host`` and read it from now on.

        The spawn itself is synchronous: about 0.2 ms in the loop's thread, and the child dies
        with that thread (see `pyperf2.run.guard`).

        Args:
            argv: the command line.
            host: where it runs.
            on_output: called with ``(source, data, now)`` for each chunk, by what reads; what it
                gives is posted there.
            on_exit: called with ``(returncode, now)`` once, in the loop's thread,
                after the last output.
            reader: what reads the pipes while it runs; None: the loop.

        Raises:
            BinaryNotFound, NameSpaceNotFoundError, PrivilegeError: as `Host.spawn` does.
            OSError: no process or descriptor is left.
        """
        # Popen's own pipes leak before 3.12 if there is a descriptor for one but not for both.
        with contextlib.ExitStack() as at_failure:
            pipes: dict[Source, int] = {}
            with contextlib.ExitStack() as once_spawned:
                ends: dict[Source, int] = {}
                for source in SOURCES:
                    pipes[source], ends[source] = os.pipe()
                    at_failure.callback(os.close, pipes[source])
                    once_spawned.callback(os.close, ends[source])
                child = host.spawn(argv, stdout=ends["stdout"], stderr=ends["stderr"])
            try:
                process = cls(child, pipes, on_output=on_output, on_exit=on_exit, reader=reader)
            except BaseException:
                child.kill()
                child.wait()
                raise
            at_failure.pop_all()
        try:
            process._watch()
        except BaseException:
            process.kill()
            process._release()
            raise
        return process

    @property
    def returncode(self) -> int | None:
        """Exit status; negative when a signal ended it, None while it runs."""
        return self._returncode

    @property
    def has_ended(self) -> bool:
        """Whether it is over; the kernel is asked, for the loop may not have noticed yet."""
        with self._lock:
            if self._returncode is not None or self._pidfd is None:
                return True
            poll = select.poll()
            poll.register(self._pidfd, select.POLLIN)
            return bool(poll.poll(0))

    async def wait(self) -> int:
        """Wait for the end, the last output included; return the exit status."""
        self._check_owned()
        await self._over.wait()
        return self._status()

    async def stop(self, ladder: Iterable[tuple[Signals, float | None]]) -> int:
        """End it: climb ``ladder`` until it is gone; return the exit status.

        Callers that come while another's ladder is being climbed wait for that one. Cancelling
        a caller does not stop the climb; if the loop itself ends, the child is killed.

        Args:
            ladder: signals and the seconds to wait after each (None: without end).
        """
        self._check_owned()
        if not self._over.is_set():
            if self._stopping is None:
                self._stopping = self._loop.create_task(self._climb(ladder))
            await asyncio.shield(self._stopping)
        return self._status()

    def send_signal(self, signal_: Signals) -> None:
        """Signal the child's process group, from any thread; nothing happens if it is gone."""
        with self._lock:
            if not self._owned or self._returncode is not None or self._pidfd is None:
                return
            try:
                signal.pidfd_send_signal(self._pidfd, 0)  # reaped behind our back? then no killpg
                os.killpg(self.pid, signal_)
                if signal_ in {signal.SIGINT, signal.SIGTERM}:
                    os.killpg(self.pid, signal.SIGCONT)  # a stopped process would not see it
            except ProcessLookupError:
                _log.debug("process %d is gone before signal %d", self.pid, signal_)

    def kill(self) -> None:
        """End it and reap it now, from any thread and without its loop: for exit time.

        A loop that is running tells the exit as ever; if it is not, nobody is told.
        """
        self.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + _KILL_S
        while (pidfd := self._pidfd) is not None and not self._reap():
            if time.monotonic() > deadline:
                _log.error("process %d did not die of SIGKILL in %g s", self.pid, _KILL_S)
                break
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            poll.poll(_POLL_S * 1000)
        if not self._loop.is_running():  # nobody else will
            self._release()

    def read_by(self, reader: Reader) -> None:
        """Have another read it, unless it has ended.

        Raises:
            OSError: that one cannot; nothing has changed.
        """
        if not self._exited.is_set():
            self.pipes.move(reader)

    def dup_pidfd(self) -> int | None:
        """Return a copy of the pidfd, the caller's to close; None once the child is reaped."""
        with self._lock:
            if self._pidfd is None or self._returncode is not None:
                return None
            return os.dup(self._pidfd)

    def disown(self) -> None:
        """In a forked child: drop the copies of the parent's descriptors, touch nothing else."""
        self._lock = threading.Lock()  # the old one may be held by a thread that is not here
        self._owned = False
        self._child.returncode = _UNKNOWN_STATUS  # Popen would wait for it, and warn
        self._close()

    def _watch(self) -> None:
        self.pipes.watch()
        if self._pidfd is not None:
            self._loop.add_reader(self._pidfd, self._ended)

    def _pipe_ended(self) -> None:
        if self._exited.is_set() and not self.pipes:
            self._finish()

    def _ended(self) -> None:
        """Reap it, end what it left in its process group, read on until the pipes end."""
        if self._pidfd is None:  # released by `kill`
            return
        self._loop.remove_reader(self._pidfd)
        self.send_signal(signal.SIGKILL)  # while the dead leader still holds the group's number
        if not self._reap():  # a debugger sees it first
            self._loop.call_later(_POLL_S, self._ended)
            return
        self.pipes.move()
        self._exited.set()
        self.pipes.resume()  # what is left is no more than a pipe holds
        if self.pipes:
            self._deadline = self._loop.call_later(_DRAIN_S, self._give_up)
        else:
            self._finish()

    def _give_up(self) -> None:
        """Somebody who left the process group keeps a pipe open: take what is there and go."""
        self.pipes.read_now()
        if self.pipes:  # else that was their end
            self._finish()

    def _finish(self) -> None:
        self._release()
        try:
            self._on_exit(self._status(), instant_now())
        except Exception:  # noqa: BLE001 - whatever it is, the waiters are told
            _log.exception("the exit handler of process %d raised", self.pid)
        finally:
            self._over.set()

    async def _climb(self, ladder: Iterable[tuple[Signals, float | None]]) -> None:
        gone = self._loop.create_task(self._over.wait())
        try:
            for signal_, grace_s in ladder:
                self.send_signal(signal_)
                await asyncio.wait([gone], timeout=grace_s)
                if gone.done() or self._exited.is_set():
                    break
            await gone
        except asyncio.CancelledError:  # the loop is ending: so must the child, at once
            self.send_signal(signal.SIGKILL)
            await self._over.wait()
            raise
        finally:
            gone.cancel()

    def _reap(self) -> bool:
        """Collect the exit status if there is one; True once it is known."""
        with self._lock:
            if self._returncode is not None or self._pidfd is None:
                return True
            try:
                seen = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
            except ChildProcessError:
                _log.warning("process %d was reaped by somebody else, status unknown", self.pid)
                self._returncode = _UNKNOWN_STATUS
            else:
                if seen is None:
                    return False
                killed = seen.si_code != os.CLD_EXITED
                self._returncode = -seen.si_status if killed else seen.si_status
            self._child.returncode = self._returncode  # so that Popen neither waits nor warns
            return True

    def _release(self) -> None:
        """Close everything; the child is reaped, or beyond reach."""
        if self._deadline is not None:
            self._deadline.cancel()
        self.pipes.close()
        if self._pidfd is not None:
            self._home.remove_reader(self._pidfd)
        self._close()
        lifetime.forget(self)

    def _close(self) -> None:
        with self._lock:
            pidfd, self._pidfd = self._pidfd, None
        if pidfd is not None:
            os.close(pidfd)
        self.pipes.drop()

    def _status(self) -> int:
        return _UNKNOWN_STATUS if self._returncode is None else self._returncode

    def _check_owned(self) -> None:
        if not self._owned:
            message = f"process {self.pid} belongs to the parent of this forked process"
            raise StateError(message)
