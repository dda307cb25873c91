"""One execution of one iperf: spawned, read into its session, ended.

Runs on whichever event loop starts it; both faces drive this one class. With a strand, what is read
is stamped and queued, and the strand makes events of it and calls back, so a callback that blocks
holds up nobody but its own instance. The threads that call back also read; as long as there is
nobody to call, the loop does all of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections import deque
from functools import partial
from itertools import chain
from signal import SIGKILL
from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.loss import LossEvent
from pyperf2.core.messages import message
from pyperf2.core.records import Connected, Interval, RunEnded
from pyperf2.core.session import Ended, Session
from pyperf2.errors import ReadyTimeout
from pyperf2.run import sockets
from pyperf2.run.arrivals import Arrivals
from pyperf2.run.pipes import instant_now
from pyperf2.run.process import Process, stop_ladder
from pyperf2.run.rawlog import RawLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyperf2.core.records import Instant
    from pyperf2.core.results import Result
    from pyperf2.core.session import Event
    from pyperf2.run.callbacks import Strand
    from pyperf2.run.order import Order
    from pyperf2.run.pipes import Source, Thunk
    from pyperf2.run.ports import Claim
    from pyperf2.run.registered import Callbacks

_log = logging.getLogger(__name__)

STOP_GRACE_S: Final = 2.0  # iperf2 prints its summary within 0.3 s of an INT
# An iperf2 server without a stream takes 0.7 to 0.9 s to obey one INT, and obeys two at once.
_IDLE_GRACE_S: Final = 0.05
_KEPT_RUNS: Final = 1_000  # results of an iperf3 server that keeps serving
_INBOX_HIGH: Final = 16 * 2**20  # bytes read but not yet told, before reading pauses
_INBOX_LOW: Final = 4 * 2**20
_KILLED: Final = "iperf obeyed neither INT nor TERM; it was killed, its last words are missing"
_CONNECTED: Final = "connected its streams (does a server of the same tool listen there?)"


class Run:
    """One iperf from its spawn to its end."""

    def __init__(self, order: Order, callbacks: Callbacks, strand: Strand | None) -> None:
        """Take the order; ``strand`` carries user code, None calls back on the loop."""
        self.order = order
        self.callbacks = callbacks
        self.arrivals: Arrivals[Interval] = Arrivals(self._kept, most=order.plan.history)
        self.runs: Arrivals[Result] = Arrivals(self._kept_runs, most=_KEPT_RUNS)
        self._ended_runs: deque[Result] = deque(maxlen=_KEPT_RUNS)
        self._ended_count = 0
        self.finished = threading.Event()
        self.raw_log_path: str | None = None
        self._strand = strand
        self._name = order.plan.name
        self._session = Session(order.plan, started=instant_now())
        for remark in order.command.remarks:
            self._session.remark(remark)
        self._lock = threading.Lock()  # guards _session
        self._bytes_in = 0  # counted by what reads
        self._bytes_out = 0  # counted by what takes
        self._paused = False
        self._process: Process | None = None
        self._claim: Claim | None = None
        self._raw_log: RawLog | None = None
        self._connected = False
        self._stopping = False
        self._timers: list[asyncio.TimerHandle] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._pid = os.getpid()

    # --- what is asked of it ------------------------------------------------------------------

    async def start(self, *, wait: bool, timeout: float) -> bool:
        """Spawn, and if ``wait`` see it ready; False if it died at once (``error`` says why).

        Raises:
            PortUnavailable: another socket holds the server's port.
            RawLogError: the raw log cannot be made.
            ReadyTimeout: it was not bound or connected in time; it was ended again.
        """
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        try:
            self._claim = self.order.claim_port()
            self._open_raw_log()
            self._process = await Process.start(
                self.order.command.argv,
                host=self.order.host,
                on_output=self._on_output,
                on_exit=self._on_exit,
                reader=self._strand if self.callbacks else None,
            )
        except BaseException:
            self._let_go()
            self._close_raw_log()
            raise
        try:
            self._set_timers()
            if not wait:
                return True
            ready = await sockets.wait_until(self._is_ready, timeout=timeout, alive=self._is_sound)
            await self._settle(timeout)
            if self._is_sound():
                if not ready:
                    await self._not_ready(timeout)
                if self._claim is not None:
                    self._claim.settle()
                return True
            return await self._died_at_once(timeout)
        except BaseException:
            with contextlib.suppress(asyncio.CancelledError):
                await self.stop(grace_s=0.1)
            raise

    async def stop(self, *, grace_s: float = STOP_GRACE_S) -> None:
        """End it by the stop ladder and reap it; nothing happens if it has ended."""
        if self._process is None or self.inherited:
            return
        with self._lock:
            if not self._process.has_ended:  # what it died of by itself stays an error
                self._session.stopping()
                self._stopping = True
            idle = self.order.role == "server" and self._session.idle
        first_s = min(_IDLE_GRACE_S, grace_s) if idle else grace_s
        await self._process.stop(stop_ladder(grace_s, first_s=first_s))

    def end_soon(self) -> None:
        """Have it ended, from any thread, also inside a callback, and return at once."""
        self._loop_call(lambda: self._spawn_task(self.stop()))

    async def wait(self, timeout: float | None = None) -> None:
        """Wait until all it printed has been told, or a callback has held that up for so long."""
        try:
            await asyncio.wait_for(self._over.wait(), timeout)
        except (TimeoutError, asyncio.TimeoutError):
            self.give_up_delivery()

    @property
    def pid(self) -> int | None:
        """Process id, while it runs and after."""
        return self._process.pid if self._process else None

    @property
    def returncode(self) -> int | None:
        """Exit status, negative when a signal ended it; None while it runs."""
        return self._process.returncode if self._process else None

    @property
    def inherited(self) -> bool:
        """Whether a fork left it here: it is the parent's, and nothing of it moves any more."""
        return self._pid != os.getpid()

    @property
    def inside_callback(self) -> bool:
        """Whether this thread is just now calling back for this run."""
        return self._strand is not None and self._strand.inside

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """Give the session under its lock: ``with run.session() as session``."""
        with self._lock:
            yield self._session

    def _kept(self) -> tuple[Iterable[Interval], int]:
        """Give the intervals that are kept, of the runs before this one too; and their number."""
        with self._lock:
            now, count = self._session.intervals()
            before = [one for one in self._ended_runs if one.run_number < self._session.run_number]
        streams = (stream.intervals for one in before for stream in one.streams.values())
        return chain(chain.from_iterable(streams), now), count

    def _kept_runs(self) -> tuple[Iterable[Result], int]:
        return list(self._ended_runs), self._ended_count

    def give_up_delivery(self) -> None:
        """Call it finished, even if a callback still blocks; what it holds up stays untold."""
        self.arrivals.end()
        self.runs.end()
        self.finished.set()

    # --- starting -----------------------------------------------------------------------------

    def _open_raw_log(self) -> None:
        order = self.order
        if order.raw_log_folder:
            self._raw_log = RawLog(
                order.raw_log_folder, created=order.created, name=order.plan.name, role=order.role
            )
            self.raw_log_path = self._raw_log.path

    def _let_go(self) -> None:
        """Give back what the process needed; in the loop's thread."""
        for timer in self._timers:
            timer.cancel()
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _close_raw_log(self) -> None:
        if self._raw_log is not None:
            self._raw_log.close()
            if self._raw_log.error is not None:
                self._session.remark(f"the raw log is incomplete: {self._raw_log.error}")

    def _set_timers(self) -> None:
        limits = [
            (self.order.command.stop_after_s, None),
            (self.order.ends_after_s, "iperf did not end by itself in time; it was stopped"),
        ]
        for seconds, remark in limits:
            if seconds is not None:
                self._timers.append(self._loop.call_later(seconds, self._time_is_up, remark))

    def _time_is_up(self, remark: str | None) -> None:
        if remark is not None:
            with self._lock:
                if self.order.role == "client" and not self._connected:
                    self._session.fail(f"{remark}, and had told of no connection")
                self._session.remark(remark)
        self._spawn_task(self.stop())

    def _spawn_task(self, coroutine: Any) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _is_ready(self) -> bool:
        pid = self.pid
        if pid is None:
            return False
        if self.order.role == "server":
            return sockets.is_bound(pid, self.order.listens_on, self.order.port)
        # The stream's own socket, not the one that a resolver asks a name server with.
        order = self.order
        return self._connected or sockets.is_connected(
            pid, order.plan.protocol, order.port, least=order.connections
        )

    def _is_sound(self) -> bool:
        return self.returncode is None and not self._session.fatal

    async def _settle(self, timeout: float) -> None:
        """Have what is already in the pipes read and judged: a complaint stands there by now."""
        if self._process is not None:
            self._process.pipes.read_now()
        if self._strand is not None:
            await self._strand.drained(timeout)

    async def _not_ready(self, timeout: float) -> None:
        what = "bound its port" if self.order.role == "server" else _CONNECTED
        await self.stop(grace_s=0.5)
        await self.wait(timeout)
        with self._lock:
            said = self._session.last_lines
        message = f"iperf had not {what} after {timeout:g} s; it was ended"
        raise ReadyTimeout(message, argv=self.order.command.argv, output=said)

    async def _died_at_once(self, timeout: float) -> bool:
        if self._process is not None:
            await self._process.stop(stop_ladder(0.5))
        await self.wait(timeout)
        failed = self.order.role == "server" or (self.returncode and not self._over.is_set())
        with self._lock:
            if self._session.error is None and failed:
                self._session.fail("iperf ended before it was ready")
            return self._session.error is None

    # --- reading ------------------------------------------------------------------------------

    def _on_output(self, source: Source, data: bytes, now: Instant) -> Thunk | None:
        strand, process = self._strand, self._process
        self._bytes_in += len(data)
        waiting = self._bytes_in - self._bytes_out
        # What it leaves behind at its end is taken in any case: no more than its pipes hold.
        if waiting > _INBOX_HIGH and process is not None and process.returncode is None:
            process.pipes.pause()
            self._paused = True
        if strand is not None and (process is None or process.pipes.apart):
            return partial(self._take, data, now, source)
        self._do(self._take, data, now, source)
        if strand is not None and process is not None and self.callbacks:
            self._read_by_strand(process, strand)
        return None

    def _on_exit(self, returncode: int, now: Instant) -> None:
        self._let_go()
        self._do(self._end, returncode, now)

    def _do(self, what: Callable[..., None], *args: object) -> None:
        """Do it in the strand; here if there is none, or nobody to call or to wait for."""
        strand = self._strand
        if strand is None:
            what(*args)
        elif strand.scheduled or self.callbacks:
            strand.post(partial(what, *args))
        else:
            what(*args, call=False)  # whoever registers meanwhile is not called in this thread

    def _read_by_strand(self, process: Process, strand: Strand) -> None:
        """Have the thread read that calls back: there was nobody to call at the start."""
        try:
            process.read_by(strand)
        except OSError as error:  # no descriptor left: what the loop reads is told as well
            _log.warning("process %d is still read by the engine: %s", process.pid, error)

    def _take(self, data: bytes, now: Instant, source: Source, *, call: bool = True) -> None:
        """Make events of what was read and tell them, in order; ``call`` back on the way."""
        if self._raw_log is not None:
            self._raw_log.write(data)
        self._bytes_out += len(data)
        if self._paused and self._bytes_in - self._bytes_out < _INBOX_LOW:
            self._paused = False
            self._loop_call(self._resume)
        with self._lock:
            interval = self._session.take(data, now, source)
        if interval is not None:
            self._tell_intervals(interval, call=call)
            return
        self._tell_all(call=call)
        if self._session.fatal and self.returncode is None:
            self._loop_call(self._end_for_good)

    def _end(self, returncode: int, now: Instant, *, call: bool = True) -> None:
        """Tell what is left to be told."""
        with self._lock:
            if self._stopping and returncode == -SIGKILL:
                self._session.remark(_KILLED)
            self._session.end(returncode, now)
        self._tell_all(call=call)

    def _tell_all(self, *, call: bool) -> None:
        lock, next_event = self._lock, self._session.next_event
        while True:
            with lock:
                event = next_event()
            if event is None:
                return
            if isinstance(event, Interval):
                self._tell_intervals(event, call=call)
            else:
                self._tell(event, call=call)

    def _tell_intervals(self, interval: Interval, *, call: bool) -> None:
        """Tell one, and those that were read with it and bring nothing else."""
        callbacks, add, more = self.callbacks, self.arrivals.add, self._session.next_interval
        told: Interval | None = interval
        while told is not None:
            if call and callbacks.on_data:
                callbacks.call(callbacks.on_data, message(told, stream_name=self._name))
            add(told)
            told = more()

    def _tell(self, event: Event, *, call: bool) -> None:
        if isinstance(event, LossEvent):
            if call and self.callbacks.on_loss:
                told = event.to_dict(stream_name=self._name)
                self.callbacks.call(self.callbacks.on_loss, told)
        elif isinstance(event, Connected):
            self._connected = True
        elif isinstance(event, RunEnded):
            with self._lock:
                ended = self._session.result()
            self._ended_runs.append(ended)
            self._ended_count += 1
            self.runs.add(ended)
        elif isinstance(event, Ended):
            self._close_raw_log()
            self.give_up_delivery()
            self._loop_call(self._over.set)

    def _end_for_good(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._spawn_task(self._process.stop(stop_ladder(0.5)))

    def _resume(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.pipes.resume()

    def _loop_call(self, function: Callable[[], Any]) -> None:
        """Run on the loop, from whichever thread; a loop that is closed needs it no more."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)
