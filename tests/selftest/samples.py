"""Runs of a self-test as literals: one flow or some, one outage, all of it told exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pyperf2 import Outage, StreamResult
from pyperf2.lab import Bracket
from pyperf2.selftest.compare import Break, Findings, Heard, Played, compare
from pyperf2.selftest.plan import LENGTHS_MS
from pyperf2.selftest.report import Report
from pyperf2.selftest.truth import Gap, Truth

if TYPE_CHECKING:
    from pyperf2.selftest.plan import Kind

EPOCH_S = 1_700_000_000
ZERO = datetime.fromtimestamp(EPOCH_S, timezone.utc)
FIRST_NS = EPOCH_S * 10**9
BEGIN_S, LOST = 1.0, 200  # the last datagram before it came at 1.0, the first after it at 1.201
TRUTH = Truth(
    sent=3000,
    lost=LOST,
    late=0,
    duplicates=0,
    leading=0,
    trailing=0,
    first_ns=FIRST_NS,
    gaps=(
        Gap(packets=LOST, begin_ns=FIRST_NS + 10**9, end_ns=FIRST_NS + 1_201_000_000),
    ),
)  # fmt: skip


def outage(shift_s: float = 0.0, lost: int = LOST, **changes: Any) -> Outage:
    """Return an outage as it is told; shifted, if wanted, against the truth."""
    begin_s = BEGIN_S + shift_s
    end_s = begin_s + lost / 1000
    told = Outage(
        begin_s=begin_s,
        end_s=end_s,
        begin_error_s=0.0015,
        end_error_s=0.0015,
        duration_s=lost / 1000,
        duration_error_s=0.001,
        packets_lost=lost,
        begin_at=ZERO + timedelta(seconds=begin_s),
        end_at=ZERO + timedelta(seconds=end_s),
    )
    return replace(told, **changes)


def stream(*outages: Outage, **changes: Any) -> StreamResult:
    """Return what a receiver tells of a flow with these outages."""
    lost = sum(one.packets_lost for one in outages)
    told = StreamResult(
        stream_id="1",
        outages=outages,
        packets_sent=3000,
        packets_received=3000 - lost,
        packets_lost=lost,
        packets_lost_error=0,
        packets_lost_leading=0,
        packets_lost_trailing=0,
    )
    return replace(told, **changes)


def _changed(at_s: float) -> Bracket:
    before_ns = FIRST_NS + round(at_s * 1e9)
    return Bracket(
        before_ns=before_ns,
        after_ns=before_ns + 100_000,
        monotonic_before_ns=0,
        monotonic_after_ns=100_000,
    )


def played(*streams: StreamResult | None, kind: Kind = "outages", truth: Truth = TRUTH) -> Played:
    """Return a run of flows that told this, each with the same truth; the lab cut at 1.0005 s."""
    heard = (
        Heard(flow=f"flow {number}", kind=kind, stream=told, truth=truth)
        for number, told in enumerate(streams, 1)
    )
    one = Break(length_ms=200, began=_changed(1.0005), ended=_changed(1.2005))
    return Played(run=1, heard=tuple(heard), breaks=(one,))


def found(run: Played) -> Findings:
    """Return what comparing a run finds."""
    findings = Findings()
    compare(run, findings)
    return findings


def report(run: Played, **changes: Any) -> Report:
    """Return the report of a run."""
    findings = found(run)
    made = Report(
        pyperf2="1.0",
        tool="iperf2",
        iperf="2.1.8",
        path="/usr/bin/iperf",
        kernel="6.1",
        cores=2,
        seed=1,
        flows=len(run.heard),
        runs=1,
        done=1,
        scenarios=tuple(f"{length} ms" for length in LENGTHS_MS),
        spells=tuple(findings.spells),
        totals=tuple(findings.totals),
        joints=tuple(findings.joints),
        misses=tuple(findings.misses),
    )
    return replace(made, **changes)
