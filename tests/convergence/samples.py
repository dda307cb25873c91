"""Made-up outages, flows and reports: what the figures must come to is known."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from pyperf2 import Outage
from pyperf2.convergence import ConvergenceReport, ConvergenceRun, Figure, FlowOutcome, Stamp
from pyperf2.core.outcome import Sample
from pyperf2.core.records import Instant

EVENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
EVENT_S = EVENT.timestamp()
PACKET_S = 0.001


def stamp(name: str = "cut", *, at_s: float = 0.0, wide_s: float = 0.0) -> Stamp:
    """Return a stamp, ``at_s`` after the event."""
    first, last = (round((EVENT_S + at_s + side * wide_s / 2) * 1e9) for side in (-1, 1))
    zero = round(EVENT_S * 1e9)
    return Stamp(name=name, before=Instant(first - zero, first), after=Instant(last - zero, last))


def outage(begin_s: float, lost: int, *, error_s: float = 0.0015, **others: Any) -> Outage:
    """Return an outage that began ``begin_s`` after the event; a datagram per millisecond."""
    duration = lost * PACKET_S
    made: dict[str, Any] = {
        "begin_s": 10 + begin_s,
        "end_s": 10 + begin_s + duration,
        "begin_error_s": error_s,
        "end_error_s": error_s,
        "duration_s": duration,
        "duration_error_s": PACKET_S,
        "packets_lost": lost,
        "begin_at": EVENT + timedelta(seconds=begin_s),
        "end_at": EVENT + timedelta(seconds=begin_s + duration),
        **others,
    }
    if not made.get("complete", True):
        made["end_at"] = None
    return Outage(**made)


def flow(name: str, *outages: Outage, **others: Any) -> FlowOutcome:
    """Return a UDP flow with these outages since the event, and the loss they make."""
    lost = sum(one.packets_lost for one in outages)
    done = [one for one in outages if one.end_at is not None]
    convergence = None
    if outages and len(done) == len(outages):
        last = max(one.end_at.timestamp() for one in done if one.end_at)
        convergence = Figure(last - EVENT_S, done[-1].end_error_s)
    recovered = "recovered" if outages else "untouched"
    made: dict[str, Any] = {
        "receiver": "rx",
        "status": recovered if len(done) == len(outages) else "never recovered",
        "stream_id": "1",
        "offered_pps": 1 / PACKET_S,
        "interval_s": 0.1,
        "packets_sent": 10_000,
        "packets_received": 10_000 - lost,
        "packets_lost": lost,
        "packets_lost_error": 0,
        "packets_lost_leading": 0,
        "packets_lost_trailing": 0,
        "packets_out_of_order": 0,
        "packets_duplicate": 0,
        "bytes": (10_000 - lost) * 1470,
        "zero_at": EVENT - timedelta(seconds=10),
        "samples": (Sample(0.0, 0.1, 11_760_000.0, 1000.0), Sample(0.1, 0.2, None, None)),
        "convergence_s": convergence,
        **others,
    }
    return FlowOutcome(flow=name, outages=outages, **made)


def report(*flows: FlowOutcome, runs: int = 1, **others: Any) -> ConvergenceReport:
    """Return a report of runs with the same flows."""
    made: dict[str, Any] = {"events": (stamp(),), "recovery_s": 1.0, "steady_s": 1.0, **others}
    return ConvergenceReport.of(
        ConvergenceRun(number=number, flows=flows, **made) for number in range(1, runs + 1)
    )
