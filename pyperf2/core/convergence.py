"""Many flows → one run of a convergence test: how long the network took, with RFC 6412's terms.

The sections named are those of RFC 6412, where no other is. Instants are not sampled (3.5.1) but
taken off the sequence clock of each flow (``core/gaps.py``), so every figure has bounds. All of
them are on one wall clock: the receivers run on this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyperf2.core.figures import Figure, Statistics, common, total
from pyperf2.core.late import FORWARDING_DELAY_THRESHOLD_S
from pyperf2.core.outcome import begin_of, end_of
from pyperf2.core.stamp import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from pyperf2.core.gaps import Outage
    from pyperf2.core.outcome import FlowOutcome
    from pyperf2.core.stamp import Stamp


_NO_INSTANT: Final = ("degraded", "rate")  # outages that tell nothing of a common instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """What several flows together say of one common cause: where all their bounds overlap.

    Attributes:
        flows: how many there are.
        begin_s: when it began, in seconds since the epoch; None if the flows contradict another.
        end_s: when it ended, likewise; None too where they ended at different times.
        duration_s: how long it lasted.
    """

    flows: int
    begin_s: Figure | None
    end_s: Figure | None
    duration_s: Figure | None

    @property
    def begin_at(self) -> datetime | None:
        """The beginning, on the wall clock."""
        return moment(self.begin_s.value) if self.begin_s else None

    @property
    def end_at(self) -> datetime | None:
        """The end, on the wall clock."""
        return moment(self.end_s.value) if self.end_s else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvergenceRun:
    """One run of a convergence test: what was done, what became of each flow.

    Of several receivers, or streams, of a flow each counts as a flow (a route, in RFC 6412). Of
    the impaired packets (3.8.1) only those lost count as loss; the others are told apart.

    Attributes:
        number: of the run, from 1.
        flows: an outcome for each flow at each receiver.
        events: what was run, in order; the first is the convergence event.
        marks: what ``mark()`` stamped.
        steps: what the test did when.
        steady_s: how long all flows had to be steady before the event.
        recovery_s: sustained convergence validation time (3.7.5).
        error: why the run was broken off; None if it was not.
        notes: what else a reader should know.
        environment: names and versions of what it was measured with.
    """

    number: int = 1
    flows: tuple[FlowOutcome, ...] = ()
    events: tuple[Stamp, ...] = ()
    marks: tuple[Stamp, ...] = ()
    steps: tuple[Stamp, ...] = ()
    steady_s: float = 0.0
    recovery_s: float = 0.0
    error: str | None = None
    notes: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()

    @property
    def event_instant(self) -> datetime | None:
        """The convergence event instant (3.2.2), in the middle of what its stamp leaves open."""
        return self.events[0].at if self.events else None

    @property
    def event_instant_error_s(self) -> float | None:
        """Half of what the stamp of the convergence event leaves open."""
        return self.events[0].wall.error if self.events else None

    @property
    def hit(self) -> tuple[FlowOutcome, ...]:
        """The flows that had an outage since the event."""
        return tuple(one for one in self.flows if one.hit)

    @property
    def never_recovered(self) -> tuple[FlowOutcome, ...]:
        """The flows that were not whole, or not for long enough, when the test ended."""
        return tuple(one for one in self.flows if one.never_recovered)

    @property
    def first_route_convergence_s(self) -> Figure | None:
        """The first route convergence time (3.6.2), until the first flow had recovered."""
        statistics = self.route_specific_convergence_s
        return statistics.minimum if statistics else None

    @property
    def full_convergence_s(self) -> Figure | None:
        """The full convergence time (3.6.1), until the last flow had.

        None if one never did, or none was hit.
        """
        statistics = self.route_specific_convergence_s
        return statistics.maximum if statistics and not self.never_recovered else None

    @property
    def route_specific_convergence_s(self) -> Statistics | None:
        """Route-specific convergence times (3.6.3) of the flows that were hit and have recovered.

        One that has not been clean for the validation time is not converged (RFC 6413, 4).
        """
        return Statistics.of(
            one.convergence_s
            for one in self.flows
            if one.convergence_s is not None and not one.never_recovered
        )

    @property
    def loss_of_connectivity_s(self) -> Statistics | None:
        """Route loss of connectivity periods (3.6.5) of the flows hit that have recovered."""
        return Statistics.of(
            period
            for one in self.hit
            if not one.never_recovered and (period := one.loss_of_connectivity_s) is not None
        )

    @property
    def loss_derived_loss_of_connectivity_s(self) -> Figure | None:
        """The loss-derived loss of connectivity period, the loss of all flows by the load of all.

        By 3.6.6, equation 9, the flows not hit count, too (3.5.2). Flows that count datagrams
        only; None if one never recovered.
        """
        counting = [one for one in self.flows if one.protocol == "udp"]
        periods = [one.loss_of_connectivity_s for one in counting]
        known = [period for period in periods if period is not None]
        if self.never_recovered or not counting or len(known) < len(counting):
            return None
        # Where a load is given in bits: what was sent in the same time is in proportion to it.
        loads = [one.offered_pps or 0.0 for one in counting]
        if not all(loads):
            loads = [float(one.packets_sent or 0) for one in counting]
        if not all(loads):  # the average lies between them, whatever the loads were
            return Figure.between(min(one.low for one in known), max(one.high for one in known))
        weighted = [
            Figure(period.value * load, period.error * load)
            for period, load in zip(known, loads, strict=True)
        ]
        summed = total(weighted)
        return Figure(summed.value / sum(loads), summed.error / sum(loads))

    @property
    def packets_lost(self) -> Figure:
        """Datagrams lost over the whole run, by all flows that count them."""
        return total(lost for one in self.flows if (lost := one.lost) is not None)

    @property
    def packets_out_of_order(self) -> int:
        """Datagrams that arrived after a later one; no loss."""
        return sum(one.packets_out_of_order or 0 for one in self.flows)

    @property
    def packets_duplicate(self) -> int:
        """Datagrams that arrived more than once; no loss."""
        return sum(one.packets_duplicate or 0 for one in self.flows)

    @property
    def joint(self) -> Joint | None:
        """What the flows that were hit say together, if they had one cause; None if they had not.

        Each flow's longest outage counts, unless it is suspect, for then its sender had stalled.
        TCP does not: it waits to send again when the network is long back.
        """
        return joint_estimate(
            max(clear, key=lambda outage: outage.duration_s)
            for one in self.hit
            if (clear := [o for o in one.outages if not o.suspect and o.method not in _NO_INSTANT])
        )

    @property
    def packet_sampling_interval_s(self) -> float:
        """The packet sampling interval (3.7.4), the longest report interval of a flow.

        It bounds where outages shorter than it are, and all times of TCP.
        """
        return max((one.interval_s for one in self.flows), default=0.0)

    @property
    def forwarding_delay_threshold_s(self) -> float:
        """The forwarding delay threshold (3.7.6); what comes later still is told as lost."""
        return FORWARDING_DELAY_THRESHOLD_S


def joint_estimate(outages: Iterable[Outage]) -> Joint | None:
    """Bound the common cause of outages, one of each flow; None where their bounds do not meet."""
    listed = list(outages)
    begins = [begin for outage in listed if (begin := begin_of(outage)) is not None]
    ends = [end for outage in listed if (end := end_of(outage)) is not None]
    begin = common(begins) if len(begins) == len(listed) else None
    end = common(ends) if len(ends) == len(listed) else None
    if begin is None and end is None:
        return None
    duration = None
    if begin is not None and end is not None:
        between = Figure.between(end.low - begin.high, end.high - begin.low)
        lasted = [Figure(one.duration_s, one.duration_error_s) for one in listed]
        duration = common([between, *lasted])
    return Joint(flows=len(listed), begin_s=begin, end_s=end, duration_s=duration)


def statistics_of(runs: Iterable[ConvergenceRun]) -> dict[str, Statistics]:
    """Give what the figures of runs come to, by their names.

    Runs that were broken off are left out, and those that have no such figure.
    """
    listed = [run for run in runs if run.error is None]
    made = {
        name: Statistics.of(figure for run in listed if (figure := of(run)) is not None)
        for name, of in _OVER_RUNS.items()
    }
    return {name: one for name, one in made.items() if one is not None}


def _longest(run: ConvergenceRun) -> Figure | None:
    return run.loss_of_connectivity_s.maximum if run.loss_of_connectivity_s else None


_OVER_RUNS: Final[Mapping[str, Callable[[ConvergenceRun], Figure | None]]] = {
    "first_route_convergence_s": lambda run: run.first_route_convergence_s,
    "full_convergence_s": lambda run: run.full_convergence_s,
    "loss_of_connectivity_max_s": _longest,
    "loss_derived_loss_of_connectivity_s": lambda run: run.loss_derived_loss_of_connectivity_s,
    "packets_lost": lambda run: run.packets_lost,
}
