"""Reports for pictures and pages: flows of 1000 datagrams a second, down from 2 ms on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pyperf2.core.outcome import Sample
from tests.convergence.samples import EVENT, flow, outage, report, stamp

if TYPE_CHECKING:
    from pyperf2.convergence import ConvergenceReport, FlowOutcome

BEGUN_S = 10.0  # a flow's second 0 is so long before the event
INTERVAL_S = 0.1


def samples(*dark: tuple[float, float], seconds: float = 14.0, shift_s: float = 0.0) -> Any:
    """Return what arrives in each interval, where nothing does from … to … after the event."""
    made = []
    for number in range(round(seconds / INTERVAL_S)):
        start = number * INTERVAL_S
        end = start + INTERVAL_S
        lost = sum(
            max(0.0, min(end, BEGUN_S + last) - max(start, BEGUN_S + first)) for first, last in dark
        )
        pps = 1000.0 * (1 - lost / INTERVAL_S)
        made.append(Sample(start + shift_s, end + shift_s, pps * 1470 * 8, pps))
    return tuple(made)


def down(name: str, lost: int, *, begin_s: float = 0.002, **others: Any) -> FlowOutcome:
    """Return a flow that is down for as many milliseconds as it lost datagrams."""
    end_s = begin_s + lost / 1000
    made = outage(begin_s, lost, **others.pop("outage", {}))
    return flow(name, made, samples=samples((begin_s, end_s)), **others)


def mixed() -> ConvergenceReport:
    """Return one flow of each kind."""
    dark = outage(0.002, 3998, complete=False, method="open")
    silent = outage(0.1, 0, method="rate", duration_s=0.3, error_s=0.05, end_s=10.4,
        end_at=EVENT + timedelta(seconds=0.4),
    )  # fmt: skip
    return report(
        down("voice", 200),
        down("video", 50, outage={"error_s": 0.02, "method": "contained"}),
        down("stalled", 120, outage={"suspect": True}),
        flow("blinked", samples=samples((-5.0, -4.9)), earlier=(outage(-5.0, 100),)),
        flow("tcp", silent, protocol="tcp", packets_lost=None, offered_pps=None,
             packets_out_of_order=None, packets_duplicate=None,
             samples=tuple(one._replace(packets_per_second=None) for one in samples((0.1, 0.4)))),
        flow("untouched", samples=samples()),
        flow("dark", dark, samples=samples((0.002, 4.0))),
        flow("silent", status="no data", packets_lost=None, zero_at=None, samples=()),
        marks=(stamp("the link is down", at_s=0.0004), stamp("bgp up", at_s=0.25),
               stamp("late word", at_s=3.5)),
        steps=(stamp("start", at_s=-11, wide_s=0.5), stamp("steady state", at_s=-1, wide_s=1.0),
               stamp("event", at_s=0.1, wide_s=0.2), stamp("recovery", at_s=2, wide_s=3.5)),
        events=(stamp("link failure", wide_s=0.0006),),
        environment=("pyperf2 1.0.0", "iperf2 2.1.8", "Python 3.11.2", "Linux 6.1.0"),
    )  # fmt: skip


def many(count: int) -> ConvergenceReport:
    """Return as many flows, each down a little longer, every 17th until the end."""
    flows = []
    for number in range(count):
        name, lost = f"flow {number:03}", 40 + 7 * number
        if number % 17 == 16:
            dark = outage(0.002, 3998, complete=False, method="open")
            flows.append(flow(name, dark, samples=samples((0.002, 4.0))))
        elif number % 5 == 4:
            flows.append(flow(name, samples=samples()))
        else:
            flows.append(down(name, lost))
    return report(*flows, marks=(stamp("bgp up", at_s=0.25),))
