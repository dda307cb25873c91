"""The convergence test: flows, a steady state, an event, the recovery, a report.

It says what a test is and who may ask it for what; one run of it is in ``trial.py``, what the
figures mean in ``core/convergence.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from functools import partial
from typing import TYPE_CHECKING

from pyperf2.convergence.events import events_of, now
from pyperf2.convergence.flows import flows_of
from pyperf2.convergence.report import ConvergenceReport
from pyperf2.convergence.trial import Trial
from pyperf2.core import kinds
from pyperf2.core.arguments import seconds_of, whole
from pyperf2.core.stamp import Stamp
from pyperf2.errors import ConvergenceError, OptionError, StateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyperf2.convergence.events import Event
    from pyperf2.convergence.flows import Flow
    from pyperf2.core.convergence import ConvergenceRun


class ConvergenceTest:
    """Flows, an event, and the wait for all flows to be whole again.

    Attributes:
        report: that of the latest run; kept when a run was broken off, too.
        step: what is being done just now: ``start``, ``steady state``, ``event``, …; or None.
    """

    def __init__(
        self,
        flows: Iterable[Flow],
        event: Event | Sequence[Event],
        *,
        steady: float = 1.0,
        recovery: float = 5.0,
        timeout: float = 60.0,
        report_interval: float = 0.1,
    ) -> None:
        """Describe a test; nothing is started.

        Args:
            flows: at least one, each under a name of its own.
            event: what is called when all flows are steady: a function or a coroutine function
                without arguments, or several, called in this order. The first is the convergence
                event. If one returns what tells when it happened, as the changes of
                ``pyperf2.lab`` do (``before_ns`` and ``after_ns``, or a hit that has ``began``),
                that counts; otherwise it happened between its call and its return.
            steady: seconds for which all flows must arrive whole and at their rate beforehand.
            recovery: seconds for which all must be clean again: sustained convergence validation
                time (RFC 6412).
            timeout: seconds that may pass until the steady state, in all events together, and after
                them until the recovery.
            report_interval: of those instances that have none of their own.

        Raises:
            OptionError: no flow, no event or one that wants arguments, two flows that would get in
                each other's way, a time that is none, or is not over before ``timeout``.
        """
        self.flows = flows_of(flows)
        self.events = events_of(event)
        self.steady = seconds_of("steady", steady, exclusive=True)
        self.recovery = seconds_of("recovery", recovery, exclusive=True)
        self.timeout = seconds_of("timeout", timeout, exclusive=True)
        self.report_interval = seconds_of("report_interval", report_interval, exclusive=True)
        self.report: ConvergenceReport | None = None
        self.step: str | None = None
        self.aborted = threading.Event()
        self._busy = threading.Lock()
        self._marks: list[Stamp] = []
        self._instant: Stamp | None = None
        for name, seconds in (("steady", self.steady), ("recovery", self.recovery)):
            if seconds >= self.timeout:
                raise OptionError(
                    f"{name}={seconds:g} is never reached within timeout={self.timeout:g}; "
                    "take a longer timeout"
                )

    def mark(self, name: str, *, event: bool = False) -> Stamp:
        """Stamp an instant, from any thread; it is in the report.

        Args:
            name: what happened.
            event: this very instant, not the call of the event, is the convergence event's.
        """
        at = now()
        stamp = Stamp(name=str(name), before=at, after=at)
        if event:
            self._instant = stamp
        else:
            self._marks.append(stamp)
        return stamp

    def abort(self) -> None:
        """Break off the run that is on, from any thread: it stops everything and raises."""
        self.aborted.set()

    def run(self, repeat: int = 1) -> ConvergenceReport:
        """Run the test, and return when everything has been stopped again.

        Args:
            repeat: how often to run it, from start to stop.

        Returns:
            The report of all runs. That flows did not recover in time is in there, no error.

        Raises:
            NoSteadyState: a flow did not arrive whole, and at its rate, in time.
            EventTimeout: an event was not over in time; which, and what became of it, is said.
            ConvergenceError: a flow did not start or ended, a namespace is gone, an event raised,
                or it was aborted. The error names flow and step, and has the ``report`` so far.
            StateError: it runs already.
            OptionError: ``repeat`` is no number of runs.
        """
        return self._run_claimed(self._claim(repeat))

    async def run_async(self, repeat: int = 1) -> ConvergenceReport:
        """Run the test beside an event loop; cancelling it stops everything.

        Each event is called in a thread of its own; one that is a coroutine function gets a loop of
        its own there.
        """
        times = self._claim(repeat)  # here: a cancellation may come before the thread has begun
        run = partial(contextvars.copy_context().run, self._run_claimed, times)
        try:
            running = asyncio.get_running_loop().run_in_executor(None, run)
        except BaseException:
            self._busy.release()
            raise
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self.abort()
            with contextlib.suppress(ConvergenceError):
                await asyncio.shield(running)
            raise

    def _claim(self, repeat: int) -> int:
        times = whole("repeat", repeat, kinds.integer(1))
        if not self._busy.acquire(blocking=False):
            raise StateError("this test runs already; make another for another thread")
        self.aborted.clear()
        return times

    def _run_claimed(self, repeat: int) -> ConvergenceReport:
        try:
            return self._run_all(repeat)
        finally:
            self.step = None
            self._busy.release()

    def _run_all(self, repeat: int) -> ConvergenceReport:
        self.report = None
        runs: list[ConvergenceRun] = []
        for number in range(1, repeat + 1):
            self._marks, self._instant = [], None
            trial = Trial(self, number)
            with contextlib.closing(trial):
                try:
                    trial.run()
                except BaseException as error:
                    runs.append(trial.left(self._marks, self._instant, error))
                    self.report = ConvergenceReport.of(runs)
                    if isinstance(error, ConvergenceError):
                        error.report = self.report
                    raise
                runs.append(trial.left(self._marks, self._instant))
        self.report = ConvergenceReport.of(runs)
        return self.report
