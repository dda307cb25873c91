"""One run of a convergence test: start, steady state, event, recovery, stop.

Every deadline is on the monotonic clock, every stamp is on both.
"""

from __future__ import annotations

import platform
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from pyperf2 import __version__
from pyperf2.convergence.calls import Aborted, OverTime, call
from pyperf2.convergence.events import name_of, now, stamped
from pyperf2.convergence.lookout import Lookout, fail, offered_pps
from pyperf2.core.command import DEFAULT_LOAD
from pyperf2.core.convergence import ConvergenceRun
from pyperf2.core.outcome import outcomes_of
from pyperf2.core.stamp import Stamp
from pyperf2.errors import ConvergenceError, EventTimeout, NoSteadyState, PyPerf2Error
from pyperf2.instance import start_together, stop_all

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pyperf2.convergence.flows import Flow
    from pyperf2.convergence.harness import ConvergenceTest
    from pyperf2.core.figures import Figure
    from pyperf2.core.outcome import FlowOutcome
    from pyperf2.core.records import Instant
    from pyperf2.instance import IPerfInstance

_START_S: Final = 5.0  # for each instance to become ready,
_START_EACH_S: Final = 0.1  # and more where many processes share a machine
_POLL_S: Final = (0.01, 0.05)
_LAST_WORDS_S: Final = 1.0  # for servers to print what the senders' FINs have ended
_CLOCK_STEP_S: Final = 0.001
_ABORTED: Final = "it was aborted"
_NAMED: Final = 5  # flows in a message


class Trial:
    """One run; its parts are called in order by ``run``."""

    def __init__(self, test: ConvergenceTest, number: int) -> None:
        """Take the description of the test."""
        self._test = test
        self._number = number
        self._began = now()
        self._stopped: Instant | None = None
        self._events: list[Stamp] = []
        self._steps: list[Stamp] = []
        self._step = "validate"
        self._failed_in: str | None = None
        self._overflows_before: dict[str, int] = {}  # of the receivers' kernels
        self._overflows: dict[str, int] = {}  # meanwhile
        self._started = False
        self._lent = ExitStack()  # what the flows' instances have only for this run
        self._lookout: Lookout
        self._poll_s = _POLL_S[1]

    # --- its course -------------------------------------------------------------------------

    def run(self) -> None:
        """Do all of it; however it ends, everything has been stopped."""
        with self._doing("validate"):
            self._validate()
        try:
            try:
                self._measure()
            finally:
                with self._doing("stop"):
                    self._stop()
        finally:  # a Ctrl-C in any line above ends here
            self._end()

    def _measure(self) -> None:
        with self._doing("start"):
            self._start()
        with self._doing("steady state"):
            self._await_steadiness()
        with self._doing("event"):
            self._run_events()
        with self._doing("recovery"):
            self._await_recovery()

    @contextmanager
    def _doing(self, step: str) -> Generator[None]:
        self._step = self._test.step = step
        began = now()
        try:
            yield
        except BaseException:
            self._failed_in = self._failed_in or step
            raise
        finally:
            self._steps.append(Stamp(name=step, before=began, after=now()))

    def _validate(self) -> None:
        """Set what is not set and check all that can be checked without a process."""
        members = [(flow, one) for flow in self._test.flows for one in flow.instances]
        for flow, one in members:
            if one.running:
                fail(self._step, "runs already; the test starts and stops it", flow, one)
        for flow, one in members:
            left_open = _left_open(flow, one, self._test.report_interval)
            self._lent.enter_context(one._lent(**left_open))  # noqa: SLF001 - our own
        for flow, one in members:
            try:
                one._prepared()  # noqa: SLF001 - our own
            except PyPerf2Error as error:
                fail(self._step, str(error), flow, one, cause=error)
        self._lookout = Lookout(self._test.flows, steady_s=self._test.steady)

    def _start(self) -> None:
        """Start the servers, then the clients, one after another within an interval."""
        flows = self._test.flows
        intervals = [float(one.report_interval) for flow in flows for one in flow.receivers]
        self._poll_s = min(max(min(intervals) / 2, _POLL_S[0]), _POLL_S[1])
        for flow in flows:
            flow.client.pair(*flow.receivers)
        self._started = True
        self._overflows_before = self._lookout.overflows()
        self._start_group([one for flow in flows for one in flow.receivers], 0.0)
        self._start_group([flow.client for flow in flows], max(intervals))

    def _start_group(self, group: Sequence[IPerfInstance], spread_s: float) -> None:
        timeout = min(_START_S + _START_EACH_S * len(group), self._test.timeout)
        failures = start_together(group, timeout, spread_s=spread_s)
        for one, error in failures.items():
            flow = next(flow for flow in self._test.flows if one in flow.instances)
            fail(self._step, f"did not start: {error}", flow, one, cause=error)

    def _await_steadiness(self) -> None:
        if self._wait(lambda: not self._lookout.unsteady(), self._test.timeout):
            return
        reasons = self._lookout.unsteady()
        first = next(flow for flow, _ in reasons.values())
        told = "; ".join(f"{name}: {why}" for name, (_, why) in list(reasons.items())[:_NAMED])
        more = f"; and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
        message = f"not steady after {self._test.timeout:g} s: {told}{more}"
        raise NoSteadyState(self._step, message, flow=first.name)

    def _run_events(self) -> None:
        deadline = time.monotonic() + self._test.timeout
        for number, event in enumerate(self._test.events, 1):
            name = name_of(event) or f"event {number}"
            before = now()
            try:
                left = max(deadline - time.monotonic(), 0.0)
                done = call(event, name, left, self._test.aborted)
            except BaseException as error:  # it had begun: what is lost since is its doing
                self._events.append(Stamp(name=name, before=before, after=now()))
                self._tell_failed(name, error)
                raise
            self._events.append(stamped(name, done.before, done.after, done.returned))

    def _tell_failed(self, name: str, error: BaseException) -> None:
        if isinstance(error, OverTime):
            told = f"; {error}" if str(error) else ""
            raise EventTimeout(
                self._step,
                f"{name!r} was not over when the time of all events was, "
                f"timeout={self._test.timeout:g} s{told}",
            ) from error
        if isinstance(error, Aborted):
            raise ConvergenceError(self._step, _ABORTED) from error
        if isinstance(error, Exception):
            message = f"{name!r} raised {type(error).__name__}: {error}"
            raise ConvergenceError(self._step, message) from error

    def _await_recovery(self) -> None:
        """Wait until every flow has been clean for long enough, or time is up: both are results."""
        self._lookout.look(self._step)
        self._lookout.begin_anew("the event")
        earliest = time.monotonic() + self._test.recovery
        self._wait(
            lambda: time.monotonic() >= earliest and self._lookout.clean_for(self._test.recovery),
            self._test.timeout,
        )

    def _stop(self) -> None:
        """Stop the senders first: what they say of themselves shows what was lost at the end."""
        self._stopped = now()
        with suppress(PyPerf2Error):  # a namespace that is gone has been told already
            told = self._lookout.overflows()  # FINs that nobody takes any more are none of it
            before = self._overflows_before
            self._overflows = {place: told[place] - before[place] for place in before}
        clients = [flow.client for flow in self._test.flows]
        sending = any(client.status == "running" for client in clients)
        stop_all(clients)
        deadline = time.monotonic() + _LAST_WORDS_S
        while sending and time.monotonic() < deadline and not self._lookout.all_ended():
            time.sleep(_POLL_S[0])
        stop_all(self._everyone())

    def _end(self) -> None:
        """Stop what still runs, however impatient the user is."""
        try:
            stop_all(self._everyone())
        except KeyboardInterrupt:
            stop_all(self._everyone())
            raise

    def _everyone(self) -> list[IPerfInstance]:
        return [one for flow in self._test.flows for one in flow.instances]

    # --- what is left -----------------------------------------------------------------------

    def close(self) -> None:
        """Give the flows' instances back as they came."""
        self._lent.close()

    def left(
        self, marks: Sequence[Stamp], instant: Stamp | None, error: BaseException | None = None
    ) -> ConvergenceRun:
        """Give what was measured, whether or not the run was carried through."""
        events = [instant, *self._events] if instant is not None else self._events
        stopped = self._stopped or now()
        return ConvergenceRun(
            number=self._number,
            flows=tuple(self._outcomes(events[0].wall if events else None, stopped.wall_ns / 1e9)),
            events=tuple(events),
            marks=tuple(marks),
            steps=tuple(self._steps),
            steady_s=self._test.steady,
            recovery_s=self._test.recovery,
            error=None if error is None else self._told(error),
            notes=tuple(self._notes(stopped)),
            environment=tuple(self._environment()),
        )

    def _outcomes(self, event: Figure | None, stopped_s: float) -> Generator[FlowOutcome]:
        if not self._started:
            return
        for flow in self._test.flows:
            for server in flow.receivers:
                yield from outcomes_of(
                    flow.name,
                    flow.name_of(server),
                    server.result(),
                    event=event,
                    stopped_s=stopped_s,
                    recovery_s=self._test.recovery,
                    offered_pps=offered_pps(flow.client),
                )

    def _told(self, error: BaseException) -> str:
        if isinstance(error, ConvergenceError):
            return str(error)
        return f"{self._failed_in}: {type(error).__name__}{f': {error}' if str(error) else ''}"

    def _notes(self, stopped: Instant) -> Generator[str]:
        for place, datagrams in self._overflows.items():
            if datagrams:
                yield (
                    f"{place} itself dropped {datagrams} datagrams that a receiver was too slow "
                    "to take: what was lost so, the network did not lose"
                )
        step_ns = (stopped.wall_ns - self._began.wall_ns) - (
            stopped.monotonic_ns - self._began.monotonic_ns
        )
        if abs(step_ns) > _CLOCK_STEP_S * 1e9:
            yield f"the wall clock was set by {step_ns / 1e6:.1f} ms meanwhile: mind the instants"

    def _environment(self) -> Generator[str]:
        yield f"pyperf2 {__version__}"
        results = [one.result() for one in self._everyone()]
        yield from sorted({f"{one.tool} {one.version}" for one in results if one.version})
        yield f"Python {platform.python_version()}"
        yield f"{platform.system()} {platform.release()}"

    # --- looking ----------------------------------------------------------------------------

    def _wait(self, done: Callable[[], bool], timeout: float) -> bool:
        """Look at all flows until it is done or time is up; tell which."""
        deadline = time.monotonic() + timeout
        while True:
            self._lookout.look(self._step)
            if done():
                return True
            if time.monotonic() >= deadline:
                return False
            if self._test.aborted.wait(self._poll_s):
                raise ConvergenceError(self._step, _ABORTED)


def _left_open(flow: Flow, one: IPerfInstance, interval_s: float) -> dict[str, Any]:
    """Give what the test needs and the user has not set."""
    needed: dict[str, Any] = {"report_interval": interval_s}
    if flow.client.protocol == "udp":
        needed["bandwidth"] = flow.client.bandwidth or DEFAULT_LOAD
    return {
        name: value
        for name, value in needed.items()
        if not one._options.is_set(name)  # noqa: SLF001 - our own
    }
