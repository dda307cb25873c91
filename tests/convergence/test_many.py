"""Many flows through one failover: all of them are in the report, and nothing is left of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import Client, Server
from pyperf2.convergence import ConvergenceTest, Flow
from pyperf2.lab import Blackout, Lab
from tests.conftest import iperf_children

if TYPE_CHECKING:
    from pyperf2.lab import Bracket, Hit

FLOWS = 100
LIMIT_S = 60

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(180)]


def test_a_hundred_flows_go_through_one_failover() -> None:
    """Four namespaces, two links in their middle; what all lost is what the dead one dropped."""
    began = time.monotonic()
    with Lab() as lab:
        (a, b), left, right = lab.hosts("a", "b"), lab.router("left"), lab.router("right")
        lab.link(a, left, "10.0.1.0/24")
        lab.link(right, b, "10.0.2.0/24")
        primary, backup = lab.link(left, right), lab.link(left, right)
        names = {node.namespace for node in lab.nodes.values()}
        left.route("10.0.2.0/24", str(primary.end_of(right).addresses[0].ip))
        fault = primary.prepare(Blackout(), toward=right)

        def dies() -> Hit:
            return fault.start()

        def is_replaced() -> Bracket:
            time.sleep(0.5)
            return left.route("10.0.2.0/24", str(backup.end_of(right).addresses[0].ip))

        def flow(port: int) -> Flow:
            common: dict[str, Any] = {"protocol": "udp", "port": port, "realtime": False}
            return Flow(
                f"flow {port}",
                server=Server(**common, use_linux_namespace=b.namespace),
                client=Client(
                    b.address, **common, bandwidth="100pps", use_linux_namespace=a.namespace
                ),
            )

        test = ConvergenceTest(
            [flow(6000 + number) for number in range(FLOWS)], [dies, is_replaced],
            steady=0.5, recovery=1.0, report_interval=0.5,
        )  # fmt: skip
        report = test.run()
        dropped = fault.stop().dropped
    took = time.monotonic() - began

    assert 4 == len(names)
    assert FLOWS == len(report.flows) == len(report.hit), str(report)
    assert {"recovered"} == {one.status for one in report.flows}, str(report)
    assert () == report.notes
    assert dropped == report.packets_lost.value, str(report)
    assert all(one.convergence_s for one in report.flows), str(report)
    assert report.full_convergence_s is not None
    assert 0.5 <= report.full_convergence_s.high
    assert {} == iperf_children()
    assert set() == names & {path.name for path in Path("/run/netns").iterdir()}
    assert took < LIMIT_S
