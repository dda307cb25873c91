"""iperf2 and iperf3 from Python: live intervals, loss events, results.

Classes are imported when they are first asked for: pytest imports this package in every session,
for its plugin, and most have nothing to do with iperf.
"""

from typing import TYPE_CHECKING, Any

from pyperf2.errors import (
    BadHost,
    BinaryNotFound,
    BindFailed,
    ConnectionFailed,
    ConvergenceError,
    EventTimeout,
    IPerfError,
    MissingExtra,
    NameSpaceNotFoundError,
    NoSteadyState,
    NoSuchStream,
    NotIPerf,
    OptionError,
    PortUnavailable,
    PrivilegeError,
    PyPerf2Error,
    RawLogError,
    ReadyTimeout,
    RunawayOutput,
    StartFailed,
    StateError,
    TrafficError,
    UnsupportedOption,
)
from pyperf2.replay import replay  # not later: its module, of the same name, would hide it

if TYPE_CHECKING:
    from pyperf2.aio import AsyncClient, AsyncServer
    from pyperf2.core.gaps import Outage
    from pyperf2.core.loss import LossEvent
    from pyperf2.core.records import Interval, Notice, Summary
    from pyperf2.core.results import Result, StreamResult
    from pyperf2.instance import Client, IPerfInstance, Server, start_all, stop_all

__version__ = "1.0.0.dev0"

__all__ = [
    "AsyncClient",
    "AsyncServer",
    "BadHost",
    "BinaryNotFound",
    "BindFailed",
    "Client",
    "ConnectionFailed",
    "ConvergenceError",
    "EventTimeout",
    "IPerfError",
    "IPerfInstance",
    "Interval",
    "LossEvent",
    "MissingExtra",
    "NameSpaceNotFoundError",
    "NoSteadyState",
    "NoSuchStream",
    "NotIPerf",
    "Notice",
    "OptionError",
    "Outage",
    "PortUnavailable",
    "PrivilegeError",
    "PyPerf2Error",
    "RawLogError",
    "ReadyTimeout",
    "Result",
    "RunawayOutput",
    "Server",
    "StartFailed",
    "StateError",
    "StreamResult",
    "Summary",
    "TrafficError",
    "UnsupportedOption",
    "replay",
    "start_all",
    "stop_all",
]

_MODULES = {
    "pyperf2.aio": ("AsyncClient", "AsyncServer"),
    "pyperf2.core.gaps": ("Outage",),
    "pyperf2.core.loss": ("LossEvent",),
    "pyperf2.core.records": ("Interval", "Notice", "Summary"),
    "pyperf2.core.results": ("Result", "StreamResult"),
    "pyperf2.instance": ("Client", "IPerfInstance", "Server", "start_all", "stop_all"),
}

if not TYPE_CHECKING:  # a type checker shall not take any name for one of these

    def __getattr__(name: str) -> Any:
        """Import what is asked for (PEP 562)."""
        from importlib import import_module

        for module, names in _MODULES.items():
            if name in names:
                value = globals()[name] = getattr(import_module(module), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        """Name what has not been asked for, too."""
        return sorted({*globals(), *__all__})
