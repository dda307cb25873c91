"""Traffic: streams of a server and its clients, managers, criteria, reserved ports, stress."""

from pyperf2.core.endpoints import LOCAL, Endpoint
from pyperf2.core.limits import (
    Criterion,
    max_asymmetry,
    max_bitrate,
    max_intervals,
    max_jitter,
    max_latency,
    max_loss,
    max_lost,
    max_outage,
    max_retransmits,
    min_bitrate,
    min_intervals,
    no_gap,
)
from pyperf2.core.repetitions import Confidence, Gap, Repeated
from pyperf2.core.validation import Finding, ValidationReport
from pyperf2.run.reservations import (
    PortReservation,
    check_if_port_is_free,
    check_port,
    find_free_port,
    reserve_port,
    unreserve_port,
)
from pyperf2.traffic.aio import AsyncSingleHostStream, AsyncStream, AsyncTrafficManager
from pyperf2.traffic.directions import Direction, Directions, Repetition, measure
from pyperf2.traffic.draws import Draw
from pyperf2.traffic.kinds import Traffic
from pyperf2.traffic.ledger import Played, StressReport, StressTotals
from pyperf2.traffic.live import bitrate_below, loss_above
from pyperf2.traffic.manager import TrafficManager
from pyperf2.traffic.stream import StreamResults
from pyperf2.traffic.streams import SingleHostStream, Stream
from pyperf2.traffic.stress import AsyncStressTrafficManager, StressTrafficManager

__all__ = [
    "LOCAL",
    "AsyncSingleHostStream",
    "AsyncStream",
    "AsyncStressTrafficManager",
    "AsyncTrafficManager",
    "Confidence",
    "Criterion",
    "Direction",
    "Directions",
    "Draw",
    "Endpoint",
    "Finding",
    "Gap",
    "Played",
    "PortReservation",
    "Repeated",
    "Repetition",
    "SingleHostStream",
    "Stream",
    "StreamResults",
    "StressReport",
    "StressTotals",
    "StressTrafficManager",
    "Traffic",
    "TrafficManager",
    "ValidationReport",
    "bitrate_below",
    "check_if_port_is_free",
    "check_port",
    "find_free_port",
    "loss_above",
    "max_asymmetry",
    "max_bitrate",
    "max_intervals",
    "max_jitter",
    "max_latency",
    "max_loss",
    "max_lost",
    "max_outage",
    "max_retransmits",
    "measure",
    "min_bitrate",
    "min_intervals",
    "no_gap",
    "reserve_port",
    "unreserve_port",
]
