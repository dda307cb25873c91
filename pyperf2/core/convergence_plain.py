"""A convergence report as plain data for JSON, and back; knows its shape, not its meaning."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.convergence import ConvergenceRun, statistics_of
from pyperf2.core.figures import Figure
from pyperf2.core.gaps import Outage
from pyperf2.core.outcome import FlowOutcome, Sample, begin_of, end_of
from pyperf2.core.records import Instant
from pyperf2.core.stamp import Stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
_US: Final = 1e6
_NS: Final = 1e9


def of_runs(runs: Sequence[ConvergenceRun]) -> dict[str, Any]:
    """Make plain data of the runs of a report."""
    return {
        "schema": SCHEMA,
        "runs": [_of_run(run) for run in runs],
        "statistics": {name: _plain(one) for name, one in statistics_of(runs).items()},
    }


def to_runs(data: Mapping[str, Any]) -> list[ConvergenceRun]:
    """Make the runs of plain data; ValueError for another schema."""
    if data.get("schema") != SCHEMA:
        raise ValueError(f"schema {data.get('schema')!r} is not known; this reads {SCHEMA!r}")
    return [_to_run(run) for run in data["runs"]]


def _of_run(run: ConvergenceRun) -> dict[str, Any]:
    own = {one.name: getattr(run, one.name) for one in fields(run)}
    return {
        **{name: _plain(value) for name, value in own.items() if name != "flows"},
        "summary": {
            **{name: _plain(getattr(run, name)) for name in _DERIVED},
            "flows": len(run.flows),
            "flows_hit": len(run.hit),
            "never_recovered": [f"{one.flow} at {one.receiver}" for one in run.never_recovered],
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


def _to_run(data: Mapping[str, Any]) -> ConvergenceRun:
    own = {one.name: data[one.name] for one in fields(ConvergenceRun) if one.name in data}
    for name in ("events", "marks", "steps"):
        own[name] = tuple(_to_stamp(one) for one in own[name])
    own["notes"] = tuple(own["notes"])
    own["environment"] = tuple(own.get("environment", ()))
    own["flows"] = tuple(_to_flow(one) for one in own["flows"])
    return ConvergenceRun(**own)


def _to_stamp(data: Mapping[str, Any]) -> Stamp:
    return Stamp(name=data["name"], before=Instant(*data["before"]), after=Instant(*data["after"]))


def _to_flow(data: Mapping[str, Any]) -> FlowOutcome:
    own = {one.name: data[one.name] for one in fields(FlowOutcome) if one.name in data}
    for name in ("outages", "earlier"):
        own[name] = tuple(_to_outage(one) for one in own[name])
    own["samples"] = tuple(Sample(*one) for one in own["samples"])
    own["zero_at"] = _moment(own["zero_at"])
    if own["convergence_s"] is not None:
        own["convergence_s"] = Figure(**own["convergence_s"])
    return FlowOutcome(**own)


def _to_outage(data: Mapping[str, Any]) -> Outage:
    known = {one.name for one in fields(Outage)}
    own = {name: value for name, value in data.items() if name in known}
    own["begin_at"], own["end_at"] = _moment(own["begin_at"]), _moment(own["end_at"])
    return Outage(**own)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
