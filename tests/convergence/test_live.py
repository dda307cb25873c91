"""Convergence tests on a path that is really broken, beside nft's counters and its clock.

Counts have to be right at once. Instants can only be told as well as the senders keep their rate
and this machine its time: a run whose instants are off is repeated, four times at most.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pyperf2.convergence import ConvergenceTest
from pyperf2.selftest.brackets import between, instant, outside
from tests.convergence.network import sleep_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperf2.convergence import ConvergenceReport, Flow
    from tests.accuracy.path import Toggle
    from tests.convergence.network import Network

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.timeout(90), pytest.mark.quiet]

AGAIN = 4


class Staggered:
    """All flows go dark at once and come back one by one."""

    def __init__(self, network: Network, flows: dict[Flow, float]) -> None:
        self.network, self.flows = network, flows
        self.on: Toggle
        self.off: dict[str, Toggle] = {}

    def cut(self) -> Toggle:
        """Begin the outage of all."""
        self.on = self.network.switch(list(self.flows), on=True)
        return self.on

    def mend(self) -> None:
        """End each in its time."""
        for flow, seconds in sorted(self.flows.items(), key=lambda one: one[1]):
            sleep_until(self.on.after_ns + round(seconds * 1e9))
            self.off[flow.name] = self.network.switch([flow], on=False)


def on_time(play: Callable[[], tuple[ConvergenceReport, list[str]]]) -> ConvergenceReport:
    """Return the report of a run, or of its repetition, whose instants are right."""
    report, faults = play()
    for _ in range(AGAIN):
        if not faults:
            break
        report, faults = play()
    assert [] == faults, f"{faults}\n{report}"
    return report


def undisturbed(play: Callable[[], ConvergenceReport]) -> ConvergenceReport:
    """Return the report of a run in which this machine lost nothing itself."""
    report = play()
    for _ in range(AGAIN):
        if not report.notes:
            break
        report = play()
    return report


def test_staggered_outages_are_counted_and_timed_flow_by_flow(network: Network) -> None:
    """20 ms to 1 s in four flows, one of two receivers of a group, iperf3, TCP; one flow apart."""
    times = {"a": 0.02, "b": 0.1, "c": 0.3, "d": 1.0}

    def play() -> tuple[ConvergenceReport, list[str]]:
        hit = {network.unicast(name): seconds for name, seconds in times.items()}
        hit[network.multicast("group", lossy=1)] = 0.05
        hit[network.unicast("iperf3", tool="iperf3")] = 0.5
        hit[network.tcp("tcp")] = 0.6
        script = Staggered(network, hit)
        test = ConvergenceTest(
            [*hit, network.unicast("apart", receiver=1)], [script.cut, script.mend],
            steady=0.5, recovery=1.0, timeout=15,
        )  # fmt: skip
        report = test.run()
        if report.notes:  # the machine lost datagrams itself
            return report, list(report.notes)
        check_counts(network, report, test)
        return report, timing_faults(report, script)

    report = on_time(play)
    assert report.check(max_outage_ms=10_000, flows=["a", "b", "c", "d", "group"]), str(report)
    assert report.check(max_outage_ms=10).passed is False


def check_counts(network: Network, report: ConvergenceReport, test: ConvergenceTest) -> None:
    """What is lost is what nft dropped; each outage is told once; all have recovered."""
    outcomes = {(one.flow, one.receiver): one for one in report.flows}
    receivers = sum(len(flow.receivers) for flow in test.flows)
    assert receivers == len(outcomes)
    for flow in test.flows:
        mine = [one for (name, _), one in outcomes.items() if name == flow.name]
        if flow.name == "tcp":
            continue
        lost = sum(one.packets_lost or 0 for one in mine)
        doubt = sum(one.packets_lost_error or 0 for one in mine)
        # An iperf3 that is told to stop does not say for certain what it had sent.
        assert doubt <= (3 if flow.client.tool == "iperf3" else 0), str(report)
        assert abs(network.lost(flow) - lost) <= doubt, str(report)
        assert abs(sum(o.packets_lost for one in mine for o in one.outages) - lost) <= doubt
    assert ("untouched", "recovered") == tuple(
        outcomes["group", name].status for name in ("rx0", "rx1")
    )
    assert ["untouched"] == [one.status for one in report.flows if one.flow == "apart"]
    assert 7 == len(report.hit), str(report)
    assert () == report.never_recovered
    assert (["cut", "mend"], None) == ([stamp.name for stamp in report.events], report.error)
    steps = [stamp.name for stamp in report.steps]
    assert ["validate", "start", "steady state", "event", "recovery", "stop"] == steps


def timing_faults(report: ConvergenceReport, script: Staggered) -> list[str]:
    """Name the figures whose bars miss the truth."""
    checked: list[tuple[str, str | None]] = []
    steady = [one for one in report.hit if not one.suspect]
    for one in steady:
        low, high = between(script.on, script.off[one.flow])
        # TCP waits to send again, for up to as long as it was dark.
        late = 1.0 + high if one.flow == "tcp" else 0.0
        checked.append((f"{one.flow} convergence", outside(one.convergence_s, low, high + late)))
        lost = one.loss_of_connectivity_s
        checked.append((f"{one.flow} connectivity", outside(lost, low, high + late)))
    if len(steady) == len(report.hit):
        first, last = (between(script.on, script.off[name]) for name in ("a", "d"))
        checked.append(("first route", outside(report.first_route_convergence_s, *first)))
        full = (last[0], last[1] + 1.0)  # TCP's may be the last
        checked.append(("full", outside(report.full_convergence_s, *full)))
    joint = report.joint
    begin = instant(script.on)
    checked.append(("joint begin", outside(joint.begin_s if joint else None, *begin)))
    return [f"{what}: {fault}" for what, fault in checked if fault is not None]


def test_a_common_cause_is_told_by_all_flows_together_run_after_run(network: Network) -> None:
    """Four flows dark for the same 40 ms, twice: begin and end in the joint bars each time."""

    def play() -> tuple[ConvergenceReport, list[str]]:
        flows = [network.unicast(name) for name in "abcd"]
        toggles: list[tuple[Toggle, Toggle]] = []
        cut, mend = network.outage(flows, 0.04)

        def break_path() -> None:
            toggles.append((cut(), mend()))

        test = ConvergenceTest(flows, break_path, steady=0.4, recovery=0.4, timeout=15)
        report = test.run(repeat=2)
        if any(run.notes for run in report.runs):
            return report, ["the machine lost datagrams itself"]
        assert 2 == len(report.runs) == len(toggles)
        dropped = sum(network.lost(flow) for flow in flows)
        assert dropped == sum(run.packets_lost.value for run in report.runs), str(report)
        assert dropped / 2 == report.statistics["packets_lost"].mean.value
        assert 2 == report.statistics["full_convergence_s"].count
        faults = []
        for run, (on, off) in zip(report.runs, toggles, strict=True):
            joint = run.joint
            for figure, toggle in (
                (joint.begin_s if joint else None, on),
                (joint.end_s if joint else None, off),
            ):
                fault = outside(figure, *instant(toggle))
                faults += [fault] if fault else []
        return report, faults

    on_time(play)


def test_a_flow_that_never_recovers_is_told_when_time_is_up(network: Network) -> None:
    """Dark to the end: what was lost is the sender's count, the other flow is whole.

    The event is a coroutine function; its marks are in the report.
    """
    darkened: list[Flow] = []

    def play() -> ConvergenceReport:
        dark, whole = network.unicast("dark"), network.unicast("whole")
        darkened.append(dark)

        async def cut() -> Toggle:
            test.mark("before")
            await asyncio.sleep(0)
            toggle = network.switch([dark], on=True)
            test.mark("cut", event=True)
            return toggle

        test = ConvergenceTest([dark, whole], cut, steady=0.4, recovery=0.4, timeout=1.5)
        return test.run()

    report = undisturbed(play)
    lost, untouched = report.flows
    assert ("never recovered", "untouched") == (lost.status, untouched.status), str(report)
    assert network.lost(darkened[-1]) == lost.packets_lost == lost.packets_lost_trailing
    assert report.full_convergence_s is None
    assert report.check().passed is False
    assert ["cut", "cut"] == [stamp.name for stamp in report.events]
    assert 0.0 == report.event_instant_error_s
    assert ["before"] == [stamp.name for stamp in report.marks]
    steps = {one.name: one for one in report.steps}
    waited = steps["recovery"].after.monotonic_ns - steps["recovery"].before.monotonic_ns
    assert 1.5e9 <= waited <= 2.5e9


def test_an_outage_too_late_to_see_it_sustained_is_no_recovery(network: Network) -> None:
    """30 ms of loss every 0.3 s, where a second without any is wanted: time is up before."""
    flow = network.unicast("flapping")

    def flap() -> None:
        begun = time.time_ns()
        for number in range(6):
            sleep_until(begun + 300_000_000 * number)
            with network.dark(flow):
                sleep_until(begun + 300_000_000 * number + 30_000_000)

    flapping = threading.Thread(target=flap)
    report = ConvergenceTest([flow], flapping.start, steady=0.4, recovery=1.0, timeout=1.6).run()
    flapping.join()
    (told,) = report.flows
    assert "not sustained" == told.status, str(report)
    assert report.full_convergence_s is None
    assert network.lost(flow) == told.packets_lost
    assert 3 <= len(told.outages)
