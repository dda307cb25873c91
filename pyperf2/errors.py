"""The exception tree; what went wrong and its evidence, never how to recover.

::

    PyPerf2Error
    ├── OptionError (ValueError)              an option's name or value is wrong
    │   └── UnsupportedOption                 right in itself, but not for this build, tool or role
    ├── BinaryNotFound (FileNotFoundError)    no such executable
    ├── NotIPerf (ValueError)                 there is an executable, but it is no iperf
    ├── NameSpaceNotFoundError (LookupError)  no such network namespace
    ├── PrivilegeError (PermissionError)      the kernel refused what was asked
    ├── RawLogError (OSError)                 the raw log cannot be written where it was asked for
    ├── PortUnavailable (OSError)             the port is taken
    ├── MissingExtra (ImportError)            what was asked for needs an optional dependency
    ├── StateError (RuntimeError)             asked at the wrong time: "already running"
    ├── StartFailed (RuntimeError)            some of many did not start; names each
    ├── TrafficError (RuntimeError)           streams did not start, run or stop; names each failure
    ├── NoSuchStream (LookupError)            a traffic manager has no stream of that name
    ├── LabError (RuntimeError)               a lab could not be built or changed
    │   └── UnsupportedImpairment             sound, but this kernel cannot do it
    ├── ConvergenceError (RuntimeError)       a convergence test was broken off; keeps its report
    │   ├── NoSteadyState (TimeoutError)      a flow never ran as it should before the event
    │   └── EventTimeout (TimeoutError)       an event did not return in time
    └── IPerfError (RuntimeError)             iperf ran, and failed
        ├── ConnectionFailed (ConnectionError)  refused, unreachable, reset
        ├── BadHost (LookupError)             a name that does not resolve, an address that is none
        ├── BindFailed (OSError)              iperf could not bind its socket
        ├── RunawayOutput                     iperf printed without end; it was stopped
        └── ReadyTimeout (TimeoutError)       it did not become ready in time
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyperf2.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class PyPerf2Error(Exception):
    """Base of everything this library raises on purpose."""

    def __str__(self) -> str:
        """Say what happened; iperf's words in it are escaped, a terminal obeys none of them."""
        return printable(super().__str__())


class OptionError(PyPerf2Error, ValueError):
    """An option has an unknown name or an impossible value."""


class UnsupportedOption(OptionError):
    """The option is sound, but this iperf build, tool or role cannot do it."""


class BinaryNotFound(PyPerf2Error, FileNotFoundError):
    """There is no executable iperf at the place that was asked for."""


class NotIPerf(PyPerf2Error, ValueError):
    """The executable answered ``-v`` with something that is no iperf's banner."""


class NameSpaceNotFoundError(PyPerf2Error, LookupError):
    """There is no network namespace of that name."""


class PrivilegeError(PyPerf2Error, PermissionError):
    """The process lacks the right to do what was asked (usually: enter a namespace)."""


class RawLogError(PyPerf2Error, OSError):
    """The folder for the raw log does not exist or cannot be written."""


class PortUnavailable(PyPerf2Error, OSError):
    """Another socket holds the port in the namespace where it is needed."""


class MissingExtra(PyPerf2Error, ImportError):
    """An optional dependency is not installed; the message says how to get it."""


class StateError(PyPerf2Error, RuntimeError):
    """The call makes no sense in the state the instance is in."""


class StartFailed(PyPerf2Error, RuntimeError):
    """Some instances of a group did not start; all of the group were stopped again.

    Attributes:
        failures: what went wrong, by the name of each instance that failed.
    """

    def __init__(self, failures: Mapping[str, BaseException]) -> None:
        """Keep the failures by name and say them all in the message."""
        self.failures = dict(failures)
        told = "; ".join(f"{name}: {error}" for name, error in self.failures.items())
        super().__init__(f"{len(self.failures)} did not start, all were stopped again: {told}")


class TrafficError(PyPerf2Error, RuntimeError):
    """Streams could not be started, run or stopped; all that was started was stopped again.

    Attributes:
        step: ``start``, ``run`` or ``stop``.
        failures: what went wrong, by stream and instance.
    """

    def __init__(self, step: str, failures: Mapping[str, BaseException]) -> None:
        """Keep the failures by name and say them all in the message."""
        self.step = step
        self.failures = dict(failures)
        told = "; ".join(f"{name}: {error}" for name, error in self.failures.items())
        super().__init__(f"{step} failed, everything was stopped: {told}")


class NoSuchStream(PyPerf2Error, LookupError):
    """A traffic manager has no stream of that name."""


class ConvergenceError(PyPerf2Error, RuntimeError):
    """A convergence test could not be carried through; everything was stopped again.

    Attributes:
        step: where it ended: ``start``, ``steady state``, ``event``, ``recovery``, ….
        flow: the flow that ended it; None where it was none.
        report: the ``ConvergenceReport`` of what was measured until then; None where nothing was.
    """

    def __init__(self, step: str, message: str, *, flow: str | None = None) -> None:
        """Say in which step what happened, and to which flow."""
        self.step = step
        self.flow = flow
        self.report: Any = None
        where = f"flow {flow!r}, {step}" if flow is not None else step
        super().__init__(f"{where}: {message}")


class NoSteadyState(ConvergenceError, TimeoutError):
    """Before the event, a flow did not arrive whole and at its rate."""


class EventTimeout(ConvergenceError, TimeoutError):
    """An event of a convergence test was not over in time."""


class LabError(PyPerf2Error, RuntimeError):
    """A lab could not be built or changed; the kernel's or nftables' words are in the message."""


class UnsupportedImpairment(LabError):
    """The impairment is sound, but this kernel or this place in the lab cannot do it."""


class IPerfError(PyPerf2Error, RuntimeError):
    """iperf ran and failed; carries the evidence.

    Attributes:
        argv: the command line that was run.
        returncode: exit status; negative when killed by a signal, None while it runs.
        output: the last lines that iperf printed, as printed.
    """

    def __init__(
        self,
        message: str,
        *,
        argv: Sequence[str] = (),
        returncode: int | None = None,
        output: Sequence[str] = (),
    ) -> None:
        """Say what happened and attach argv, exit status and iperf's own words."""
        self.argv = tuple(argv)
        self.returncode = returncode
        self.output = tuple(output)
        evidence = [message]
        if argv:
            evidence.append("ran: " + " ".join(self.argv))
        if returncode is not None:
            evidence.append(f"exit status {returncode}")
        if output:
            evidence.append("it said: " + " / ".join(self.output))
        super().__init__("; ".join(evidence))
        self.message = message


class ConnectionFailed(IPerfError, ConnectionError):
    """The peer refused, was out of reach, or closed the connection."""


class BadHost(IPerfError, LookupError):
    """The host name does not resolve, or the address is none."""


class BindFailed(IPerfError, OSError):
    """iperf could not bind its socket: port in use, address not here, or no permission."""


class RunawayOutput(IPerfError):
    """iperf printed far more than its report interval allows; it was stopped."""


class ReadyTimeout(IPerfError, TimeoutError):
    """iperf runs, but was not ready (bound, connected) in the time allowed."""
