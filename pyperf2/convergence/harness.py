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
from typing import TYPE_CHECKING, Any

from pyperf2.convergence.events import now
from pyperf2.convergence.flows import refuse_conflicts
from pyperf2.convergence.report import ConvergenceReport
from pyperf2.convergence.trial import Trial
from pyperf2.core.stamp import Stamp
from pyperf2.errors import ConvergenceError, OptionError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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
        event: Callable[[], Any] | Sequence[Callable[[], Any]],
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
            timeout: seconds that may pass until the steady state, and after the event until the
                recovery.
            report_interval: of those instances that have none of their own.

        Raises:
            OptionError: no flow, no event, two flows that would get in each other's way, a time
                that is none, or is not over before ``timeout``.
        """
        self.flows = tuple(flows)
        self.events: tuple[Callable[[], Any], ...] = (
            (event,) if callable(event) else tuple(event or ())
        )
        self.steady, self.recovery, self.timeout = steady, recovery, timeout
        self.report_interval = report_interval
        self.report: ConvergenceReport | None = None
        self.step: str | None = None
        self.aborted = threading.Event()
        self._busy = threading.Lock()
        self._marks: list[Stamp] = []
        self._instant: Stamp | None = None
        for name in ("steady", "recovery", "timeout", "report_interval"):
            if not getattr(self, name) > 0:
                raise OptionError(f"{name}={getattr(self, name)!r}: more than 0 seconds are wanted")
        for name in ("steady", "recovery"):
            if getattr(self, name) >= timeout:
                raise OptionError(
                    f"{name}={getattr(self, name):g} is never reached within timeout={timeout:g}; "
                    "take a longer timeout"
                )
        if not self.events or not all(callable(one) for one in self.events):
            raise OptionError("event is something to call without arguments, or a sequence of such")
        refuse_conflicts(self.flows)

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
            ConvergenceError: a flow did not start or ended, a namespace is gone, an event raised,
                or it was aborted. The error names flow and step, and has the ``report`` so far.
            StateError: it runs already.
        """
        self._claim(repeat)
        return self._run_claimed(repeat)

    async def run_async(self, repeat: int = 1) -> ConvergenceReport:
        """Run the test beside an event loop; cancelling it stops everything.

        The events are called in another thread; one that is a coroutine function gets a loop of
        its own there.
        """
        self._claim(repeat)  # here: a cancellation may come before the thread has begun
        run = partial(contextvars.copy_context().run, self._run_claimed, repeat)
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

    def _claim(self, repeat: int) -> None:
        if repeat < 1:
            raise OptionError(f"repeat={repeat}: at least 1 is wanted")
        if not self._busy.acquire(blocking=False):
            raise StateError("this test runs already; make another for another thread")
        self.aborted.clear()

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
