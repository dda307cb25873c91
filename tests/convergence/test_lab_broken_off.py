"""Ctrl-C in a convergence test inside a lab: iperfs and namespaces go, the report stays."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pyperf2 import Client, Server
from pyperf2.convergence import ConvergenceTest, Flow
from pyperf2.lab import Blackout, Lab
from tests.conftest import iperf_children
from tests.live.support import wait_for

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.mark.parametrize("step", ["start", "steady state", "event", "recovery", "stop"])
def test_ctrl_c_in_any_step_takes_the_lab_along(step: str) -> None:
    """A link is dark when it comes in the event, or later; what was received is told."""
    lab = Lab()
    names: list[str] = []

    def run() -> None:
        with lab:
            a, b = lab.hosts("a", "b")
            link = lab.link(a, b)
            names.extend(node.namespace for node in (a, b))

            def flow(port: int) -> Flow:
                common: dict[str, Any] = {"protocol": "udp", "port": port, "realtime": False}
                return Flow(
                    f"flow {port}",
                    server=Server(**common, use_linux_namespace=b.namespace),
                    client=Client(b.address, **common, use_linux_namespace=a.namespace),
                )

            def dark() -> None:
                with link.impair(Blackout()):
                    time.sleep(1.0 if step == "event" else 0.05)

            test = ConvergenceTest(
                [flow(port) for port in (6001, 6002, 6003)], dark, steady=0.2, recovery=0.3,
                timeout=20, report_interval=1.0 if step == "start" else 0.1,  # a start takes one
            )  # fmt: skip
            tests.append(test)
            thread.start()
            tests[0].run()

    def interrupt() -> None:
        wait_for(lambda: tests[0].step == step, step, deadline_s=30)
        if step == "start":  # in its middle
            wait_for(lambda: bool(iperf_children()), "a server", deadline_s=30)
        os.kill(os.getpid(), signal.SIGINT)

    tests: list[ConvergenceTest] = []
    thread = threading.Thread(target=interrupt)
    with pytest.raises(KeyboardInterrupt):
        run()
    thread.join()
    (test,) = tests
    assert {} == iperf_children()
    assert [] == [name for name in names if Path("/run/netns", name).exists()]
    assert {} == lab.nodes
    assert test.report is not None
    assert (test.report.error or "").startswith(f"{step}: KeyboardInterrupt")
    if step in {"event", "recovery", "stop"}:  # it had been steady for 0.2 s
        assert 3 == len(test.report.flows)
        assert all(100 <= (told.packets_received or 0) for told in test.report.flows)
