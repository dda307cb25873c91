"""iperf2 and iperf3 from Python: live intervals, loss events, results."""

from pyperf2.aio import AsyncClient, AsyncServer
from pyperf2.core.gaps import Outage
from pyperf2.core.loss import LossEvent
from pyperf2.core.records import Interval, Notice, Summary
from pyperf2.core.results import Result, StreamResult
from pyperf2.errors import (
    BadHost,
    BinaryNotFound,
    BindFailed,
    ConnectionFailed,
    ConvergenceError,
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
from pyperf2.instance import Client, IPerfInstance, Server, start_all, stop_all
from pyperf2.replay import replay

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
