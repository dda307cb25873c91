"""A convergence report as plain data for JSON, and back; knows its shape, not its meaning."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyperf2.core.convergence import ConvergenceRun, statistics_of
from pyperf2.core.figures import Figure
from pyperf2.core.gaps import Outage
from pyperf2.core.outcome import FlowOutcome, Sample, begin_of, end_of
from pyperf2.core.reading import Reader, document_of
from pyperf2.core.records import Instant
from pyperf2.core.stamp import Stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA: Final = "pyperf2.convergence/1"

# What is derived from the flows: told for readers, made anew when it is read back.
_DERIVED: Final = (
    "event_instant",
    "event_instant_error_s",
    "first_route_convergence_s",
    "full_convergence_s",
    "route_specific_convergence_s",
    "loss_of_connectivity_s",
    "loss_derived_loss_of_connectivity_s",
    "packets_lost",
    "packets_out_of_order",
    "packets_duplicate",
    "joint",
    "packet_sampling_interval_s",
    "forwarding_delay_threshold_s",
)
_OF_FLOW: Final = ("hit", "suspect", "loss_of_connectivity_s", "arrival_gap_s", "longest_s")
_READER: Final = Reader(ConvergenceRun, FlowOutcome, Outage, Sample, Figure, Stamp, Instant)
_US: Final = 1e6
_NS: Final = 1e9


def of_runs(runs: Sequence[ConvergenceRun]) -> dict[str, Any]:
    """Make plain data of the runs of a report."""
    return {
        "schema": SCHEMA,
        "runs": [_of_run(run) for run in runs],
        "statistics": {name: _plain(one) for name, one in statistics_of(runs).items()},
    }


def to_runs(text: str) -> tuple[ConvergenceRun, ...]:
    """Read the runs of a JSON document; OptionError for what is none, or of another schema."""
    return _READER.read(_Stored, document_of(text, SCHEMA), "report").runs


class _Stored(NamedTuple):
    """What is read of a document; all else is derived from it."""

    runs: tuple[ConvergenceRun, ...]


def _of_run(run: ConvergenceRun) -> dict[str, Any]:
    own = {one.name: getattr(run, one.name) for one in fields(run)}
    return {
        **{name: _plain(value) for name, value in own.items() if name != "flows"},
        "summary": {
            **{name: _plain(getattr(run, name)) for name in _DERIVED},
            "flows": len(run.flows),
            "flows_hit": len(run.hit),
            "never_recovered": [one.label for one in run.never_recovered],
        },
        "flows": [
            {**_plain(one), "derived": {name: _plain(getattr(one, name)) for name in _OF_FLOW}}
            for one in run.flows
        ],
        # Names of Open Traffic Generator's models, result/flow.yaml (Flow.Metric) and
        # result/convergence.yaml (Convergence.Metric, Convergence.Event).
        "flow_metrics": [_flow_metric(one) for one in run.flows],
        "convergence_metrics": [_convergence_metric(one) for one in run.flows],
    }


def _flow_metric(flow: FlowOutcome) -> dict[str, Any]:
    sent, lost = flow.packets_sent, flow.packets_lost
    return {
        "name": flow.flow,
        "port_rx": flow.receiver,
        "frames_tx": sent,
        "frames_rx": flow.packets_received,
        "bytes_rx": flow.bytes,
        "loss": 100 * lost / sent if lost is not None and sent else None,
    }


def _convergence_metric(flow: FlowOutcome) -> dict[str, Any]:
    """Give the times of one flow, in microseconds: from its own first loss, and from the event."""
    events: list[dict[str, Any]] = []
    for outage in flow.outages:
        ends = (("below", begin_of(outage)), ("above", end_of(outage)))
        events += [
            {
                "type": f"flow_rx_rate_{side}_threshold",
                "source": flow.flow,
                "begin_timestamp_ns": round(figure.low * _NS),
                "end_timestamp_ns": round(figure.high * _NS),
            }
            for side, figure in ends
            if figure is not None
        ]
    whole = flow.outages and all(outage.complete for outage in flow.outages)
    span = max(o.end_s for o in flow.outages) - min(o.begin_s for o in flow.outages) if whole else 0
    from_event = flow.convergence_s
    return {
        "name": flow.flow,
        "port_rx": flow.receiver,
        "data_plane_convergence_us": span * _US if whole else None,
        "control_plane_data_plane_convergence_us": from_event.value * _US if from_event else None,
        "events": events,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Figure):
        return {"value": value.value, "error": value.error}
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value
