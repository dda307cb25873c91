"""The threads that read and call back: one leads, another takes its place while it is held up.

The leader waits for descriptors to become readable and for posts. What it reads it tells at once,
in its own thread, without a hand-over; where callbacks take their time, it first reads what else
there is. Whether it is held up is looked at from the engine's thread while there is something to
do: every 10 ms, and less often while callbacks return soon. If it is, and something waits, another
thread leads from then on; the one that was held up goes on with its strand alone and ends when it
is of no further use (Schmidt et al., "Leader/Followers", 2000).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import select
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from pyperf2.errors import StateError
from pyperf2.run import engine, lifetime
from pyperf2.run.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperf2.run import callbacks
    from pyperf2.run.pipes import Thunk

_log = logging.getLogger(__name__)

_MOST: Final = 256  # descriptors that are told at once as readable
_LOOK_S: Final = 0.01  # from one look at the leader to the next
_TRUST: Final = 1.005  # how much longer that becomes by a look that finds nothing wrong,
_MOST_LOOK_S: Final = 0.03  # and how long at most: a look costs as much as two lines
_READ_S: Final = 0.005  # what became readable waits behind callbacks for no longer than this
_SHARE_S: Final = 0.005  # a strand with more to do than this goes to the end of the line
_SLOW_S: Final = 0.005  # a callback that runs longer than this holds its thread up
_IDLE_S: Final = 1.5  # a thread that does not lead ends when it was of no use for this time
_EXIT_S: Final = 0.3  # what callbacks still get when the interpreter ends


class Worker:
    """One thread of the pool.

    Attributes:
        busy_since: when the callback that it runs began; None while it runs none.
    """

    __slots__ = ("busy_since", "ident")

    def __init__(self) -> None:
        """Begin idle."""
        self.busy_since: float | None = None
        self.ident = 0  # of its thread, once that runs

    def is_held_up(self, now: float) -> bool:
        """Whether it has been in the same callback for long."""
        began = self.busy_since
        return began is not None and now - began > _SLOW_S


class Workers:
    """A line of strands with work, the descriptors that make it, and the threads that serve both.

    Attributes:
        reading: held while something is read; who holds it is alone with the readers.
        closed: whether nothing is run any more.
    """

    def __init__(self) -> None:
        """Have no thread and no descriptor until there is work."""
        self.reading = threading.RLock()
        self.closed = False
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._line: deque[callbacks.Strand] = deque()
        self._workers: set[Worker] = set()
        self._spare: deque[Worker] = deque()
        self._leader: Worker | None = None
        self._asleep = False  # the leader waits, or is about to
        self._named = 0
        self._short = False  # something that was needed could not be made, and that was said
        self._epoll: select.epoll | None = None
        self._bell = -1
        self._readers: dict[
            int, tuple[callbacks.Strand, Callable[..., Thunk | None], tuple[Any, ...]]
        ] = {}
        self._patience = Patience()
        self._rounds = 0
        self._watched = False  # a look at the leader is planned
        self._rounds_seen = 0
        self._look_s = _LOOK_S
        self._look_due = 0.0

    @property
    def threads(self) -> int:
        """How many there are."""
        return len(self._workers)

    # --- what is asked of it ------------------------------------------------------------------

    def post(self, strand: callbacks.Strand, thunk: Thunk) -> None:
        """Have ``thunk`` run behind all that is in ``strand``; never blocks."""
        with self._lock:
            if self.closed:
                return
            strand.waiting.append(thunk)
            if not strand.scheduled:
                strand.scheduled = True
                self._line.append(strand)
                if self._asleep:
                    self._ring()
            if self._leader is None:
                self._promote()
            stuck = self._leader is None and not self._watched
        if stuck:
            self._watch()

    def add_reader(
        self, fd: int, strand: callbacks.Strand, read: Callable[..., Thunk | None], *args: object
    ) -> None:
        """Call ``read(*args)``, holding ``reading``, whenever ``fd`` is readable.

        What it gives is put into ``strand``, and called at once if that is free and there is time.

        Raises:
            OSError: no descriptor is left to wait with, or no thread to wait in.
        """
        with self.reading:
            with self._lock:
                epoll = self._open()
                if self._leader is None and not self.closed:
                    self._promote()
                if self._leader is None:
                    raise OSError(errno.EAGAIN, "no thread is left to read in")
            self._readers[fd] = strand, read, args
            epoll.register(fd, select.EPOLLIN)

    def remove_reader(self, fd: int) -> None:
        """Read ``fd`` no more; once this returns it is not being read."""
        with self.reading:
            if self._readers.pop(fd, None) is not None and self._epoll is not None:
                with contextlib.suppress(OSError):  # closed already
                    self._epoll.unregister(fd)

    def close(self) -> None:
        """Let what is queued run for a moment, then run nothing more."""
        deadline = time.monotonic() + _EXIT_S
        with self._lock:
            while self._line or any(worker.busy_since for worker in self._workers):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(min(left, _SLOW_S))
            self.closed = True
            self._line.clear()
            self._changed.notify_all()
            if self._epoll is not None:
                self._ring()

    def drop(self) -> None:
        """In a forked child: close the copies of the parent's descriptors."""
        if self._epoll is not None:
            self._epoll.close()
            os.close(self._bell)

    # --- threads: with the lock held ----------------------------------------------------------

    def _open(self) -> select.epoll:
        if self._epoll is None:
            bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            try:
                epoll = select.epoll()
                epoll.register(bell, select.EPOLLIN)
            except BaseException:
                os.close(bell)
                raise
            self._bell, self._epoll = bell, epoll
        return self._epoll

    def _ring(self) -> None:
        """Wake the leader."""
        self._asleep = False
        os.eventfd_write(self._bell, 1)

    def _promote(self) -> None:
        """Have another thread lead: one that is there and idle, or a new one."""
        if self._spare:
            self._leader = self._spare.pop()
            self._changed.notify_all()
            return
        worker = Worker()
        self._named += 1
        name = f"pyperf2-callbacks-{self._named}"
        try:
            epoll = self._open()
            thread = threading.Thread(
                target=self._serve, args=(worker, epoll), name=name, daemon=True
            )
            before, self._leader = self._leader, worker
            self._workers.add(worker)
            try:
                thread.start()
            except BaseException:
                self._leader = before
                self._workers.discard(worker)
                raise
        except (RuntimeError, OSError) as error:  # out of either, or too late in the program's life
            self._complain("no further thread for callbacks", error)
        else:
            self._short = False

    def _complain(self, what: str, error: Exception) -> None:
        """Say what could not be made; once, for it is tried again and again."""
        if not self._short:
            _log.warning("%s: %s", what, error)
        self._short = True

    # --- a thread -----------------------------------------------------------------------------

    def _serve(self, worker: Worker, epoll: select.epoll) -> None:
        worker.ident = threading.get_ident()
        while True:
            while self._leader is worker and not self.closed:
                self._lead(worker, epoll)
            if not self._follow(worker):
                return

    def _follow(self, worker: Worker) -> bool:
        """Wait to be made the leader; False when this thread is not needed."""
        with self._lock:
            if self._leader is worker and not self.closed:
                return True
            self._spare.append(worker)
            self._changed.wait_for(lambda: self._leader is worker or self.closed, _IDLE_S)
            if self._leader is worker and not self.closed:
                return True
            with contextlib.suppress(ValueError):
                self._spare.remove(worker)
            self._workers.discard(worker)
            return False

    def _lead(self, worker: Worker, epoll: select.epoll) -> None:
        """Wait if there is nothing to do, read and tell what there is, run the line, for a while.

        Written for few steps: with one line a millisecond, nothing of what they touch is in the
        processor's caches.
        """
        line = self._line
        self._asleep = True  # before the look into the line: who posts looks the other way round
        ready = epoll.poll(0 if line else -1, _MOST)
        now = time.monotonic()
        if ready and not line and self._patience.waited(now):
            ready = epoll.poll(0, _MOST)  # what was ready is so still
            now = time.monotonic()
        self._asleep = False
        self._rounds += 1
        if not self._watched:
            self._watch()
        read_again = now + _READ_S
        for fd, _ in ready:
            now = self._read(fd, worker, now, late=now > read_again)
            if self._leader is not worker:
                return
        for _ in range(len(line)):
            try:
                strand = line.popleft()
            except IndexError:  # another leads by now
                return
            now = self._run(strand, worker, now)
            if self._leader is not worker or now > read_again:
                return

    def _read(self, fd: int, worker: Worker, now: float, *, late: bool) -> float:
        """Read a descriptor, and run its strand unless that is run or it is ``late``."""
        with self.reading:
            found = self._readers.get(fd)
            if found is None:
                if fd == self._bell:
                    with contextlib.suppress(BlockingIOError):
                        os.eventfd_read(fd)
                return now
            strand, read, args = found
            try:
                thunk = read(*args)
            except Exception:  # noqa: BLE001 - whatever it is, the others are read
                _log.exception("a reader raised; the others are read")
                return now
            if thunk is None:
                return now
            with self._lock:
                strand.waiting.append(thunk)
                if strand.scheduled:
                    return now
                strand.scheduled = True
                if late:
                    self._line.append(strand)
                    return now
        return self._run(strand, worker, now)

    def _run(self, strand: callbacks.Strand, worker: Worker, now: float) -> float:
        """Call what waits in a strand until nothing does, or it has had its share of time."""
        waiting, share_ends = strand.waiting, now + _SHARE_S
        strand.runner = worker.ident
        while waiting and not self.closed:
            thunk = waiting.popleft()
            worker.busy_since = now
            try:
                thunk()
            except BaseException:  # noqa: BLE001 - a callback's sys.exit() is an error like any other
                strand.failed()
            now = time.monotonic()
            if now > share_ends:
                break
        worker.busy_since = None
        with self._lock:
            strand.runner = None
            if waiting:
                self._line.append(strand)
                if self._asleep:  # another leads, and found nothing to do
                    self._ring()
            else:
                strand.scheduled = False
        return now

    # --- whether the leader is held up --------------------------------------------------------

    def _watch(self) -> None:
        """Have the leader looked after from now on, while it has something to do."""
        with self._lock:
            if self._watched:
                return
            self._watched = True
            self._look_s = _LOOK_S
            self._look_due = time.monotonic() + self._look_s
        try:
            with contextlib.suppress(StateError):  # at exit
                engine.current().call_later(self._look_s, self._look)
        except (RuntimeError, OSError) as error:
            self._complain("no engine to look after callbacks", error)
            self._watched = False

    def _look(self) -> None:
        """Let another thread lead if something waits and this one is held up; in the engine.

        There is none at all where none could be made for what was posted: it is tried again.
        Where this look itself comes late, the machine is: further threads would not help.
        """
        with self._lock:
            now = min(time.monotonic(), self._look_due)
            new, self._rounds_seen = self._rounds - self._rounds_seen, self._rounds
            if self._leader is None and self._line:
                self._promote()
            leader = self._leader
            idle = not self._line if leader is None else self._asleep and not new
            if idle or self.closed:
                self._watched = False
                # Who leads counts its round first, and then looks whether it is watched.
                if self._rounds == self._rounds_seen or self.closed:
                    return
                self._watched = True
            if leader is not None and leader.is_held_up(now):
                self._look_s = _LOOK_S
                if self._something_waits():
                    self._promote()
            else:
                self._look_s = min(_TRUST * self._look_s, _MOST_LOOK_S)
            self._look_due = time.monotonic() + self._look_s
        asyncio.get_running_loop().call_later(self._look_s, self._look)

    def _something_waits(self) -> bool:
        return bool(self._line) or (self._epoll is not None and bool(self._epoll.poll(0, 1)))


def _after_fork() -> None:
    global pool  # noqa: PLW0603 - the parent's
    pool.drop()
    pool = _new()


def _new() -> Workers:
    made = Workers()
    lifetime.at_exit(lifetime.Rank.CALLBACKS, made.close)
    return made


pool = _new()
os.register_at_fork(after_in_child=_after_fork)
