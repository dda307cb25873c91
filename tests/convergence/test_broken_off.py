"""Whatever breaks a test off: everything is stopped, the error says where, the report is kept."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import Client, ConvergenceError, NoSteadyState, Server, StateError
from pyperf2.convergence import ConvergenceTest, Flow
from tests.conftest import iperf_children
from tests.convergence.interrupting import interrupted_in
from tests.live.support import LOOPBACK, Lab, free_port, run, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.convergence.network import Network

pytestmark = pytest.mark.slow

QUICK: dict[str, Any] = {"steady": 0.2, "recovery": 0.2, "timeout": 10.0}


def loopback(name: str = "a", *, protocol: str = "udp", client_port: int | None = None) -> Flow:
    """Return a flow to this host."""
    port = free_port(protocol)
    common: dict[str, Any] = {"protocol": protocol, "realtime": False}
    return Flow(
        name,
        server=Server(**common, port=port),
        client=Client(LOOPBACK, **common, port=client_port or port),
    )


def nothing() -> None:
    """Be an event."""


def test_an_event_that_raises_is_told_with_the_report_so_far() -> None:
    """Its own error is the cause; the flows' figures until then are there."""

    def failing() -> None:
        raise LookupError("no such router")

    test = ConvergenceTest([loopback()], [nothing, failing], **QUICK)
    with pytest.raises(ConvergenceError, match="'failing' raised LookupError: no such") as told:
        test.run()
    assert ("event", None) == (told.value.step, told.value.flow)
    assert isinstance(told.value.__cause__, LookupError)
    assert told.value.report is test.report
    assert test.report is not None
    assert "no such router" in (test.report.error or "")
    assert ["nothing", "failing"] == [stamp.name for stamp in test.report.events]
    (flow,) = test.report.flows
    assert 200 <= (flow.packets_received or 0)
    assert test.report.check().passed is None
    assert {} == iperf_children()


def test_an_instance_that_ends_by_itself_breaks_the_test_off() -> None:
    """The error names the flow, which side, and the step."""
    flow = loopback()

    def kill() -> None:
        os.kill(flow.client.pid or 0, signal.SIGKILL)
        wait_for(lambda: flow.client.status == "stopped", "the client's end")

    with pytest.raises(ConvergenceError, match="flow 'a', recovery: its client: ended") as told:
        ConvergenceTest([flow], kill, **QUICK).run()
    assert ("recovery", "a") == (told.value.step, told.value.flow)


def test_a_flow_that_does_not_start_is_named() -> None:
    """Nobody listens where its client connects; the other flow was stopped again."""
    alone = loopback("b", protocol="tcp", client_port=free_port("tcp"))
    test = ConvergenceTest([loopback("a"), alone], nothing, **QUICK)
    with pytest.raises(ConvergenceError, match="flow 'b', start: its client: did not") as told:
        test.run()
    assert isinstance(told.value.__cause__, ConnectionError)
    assert {} == iperf_children()


def test_what_cannot_be_started_is_found_before_anything_is() -> None:
    """A namespace that is not there, and an instance that runs already."""
    away = loopback("b")
    away.client.use_linux_namespace = "nowhere-at-all"
    with pytest.raises(ConvergenceError, match="flow 'b', validate: its client: there is no"):
        ConvergenceTest([loopback("a"), away], nothing, **QUICK).run()
    busy = loopback("c")
    with (
        busy.receivers[0],
        pytest.raises(ConvergenceError, match="flow 'c', validate: its server: runs already"),
    ):
        ConvergenceTest([busy], nothing, **QUICK).run()


def test_a_port_that_is_taken_is_told_with_its_flow() -> None:
    """By somebody else's socket."""
    first, second = loopback("a"), loopback("b")
    with (
        Server(protocol="udp", port=second.receivers[0].port),
        pytest.raises(ConvergenceError, match=r"flow 'b', start: its server: .*is taken"),
    ):
        ConvergenceTest([first, second], nothing, **QUICK).run()


# Where Python is just opening a file for the main thread, that file is closed with this warning.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("step", ["start", "steady state", "event", "recovery", "stop"])
def test_ctrl_c_in_any_step_stops_everything(step: str) -> None:
    """KeyboardInterrupt comes through; the report of what was is kept."""
    inside = threading.Event()

    def event() -> None:
        inside.set()
        if step == "event":
            time.sleep(1.0)  # so that it is still on when the signal comes

    test = ConvergenceTest([loopback()], event, steady=0.2, recovery=0.3, timeout=10)
    # Not just before the event, but in it.
    interrupted_in(test, step, inside=inside if step == "event" else None)
    assert {} == iperf_children()
    assert test.report is not None
    assert (test.report.error or "").startswith(f"{step}: KeyboardInterrupt")
    assert inside.is_set() is (step in {"event", "recovery", "stop"})
    assert (1 if inside.is_set() else 0) == len(test.report.events)
    assert test.step is None


def test_beside_an_event_loop_cancelling_stops_everything() -> None:
    """Nothing is left when the await has ended; the report is there."""
    test = ConvergenceTest([loopback()], nothing, steady=0.2, recovery=30.0)

    async def cancelled() -> None:
        running = asyncio.ensure_future(test.run_async())
        while test.step != "recovery":
            await asyncio.sleep(0.01)
        with pytest.raises(StateError, match="runs already"):
            test.run()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancelled())
    assert {} == iperf_children()
    assert test.report is not None
    assert "aborted" in (test.report.error or "")


def test_a_cancellation_counts_before_the_thread_of_the_test_has_begun() -> None:
    """Nor does it keep the test from being run again, in a loop or out of it."""
    test = ConvergenceTest([loopback()], nothing, **QUICK | {"recovery": 8.0})

    async def cancelled() -> None:
        busy = threading.Event()
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(max_workers=1))
        waiting = loop.run_in_executor(None, busy.wait, 10)
        running = asyncio.ensure_future(test.run_async())
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.sleep(0)
        busy.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        await waiting

    asyncio.run(cancelled())
    assert test.report is not None
    assert "it was aborted" in (test.report.error or "")
    assert {} == iperf_children()
    test.recovery = 0.2
    assert test.run().error is None


@pytest.mark.netns
def test_a_flow_that_is_not_steady_is_named_with_the_reason(network: Network) -> None:
    """Dark from the start: the event is never called."""
    dark, whole = network.unicast("dark"), network.unicast("whole")
    called: list[Callable[[], None]] = []
    test = ConvergenceTest(
        [dark, whole], lambda: called.append(nothing), steady=0.3, recovery=0.2, timeout=1.0
    )
    with network.dark(dark), pytest.raises(NoSteadyState) as told:
        test.run()
    assert ("steady state", "dark") == (told.value.step, told.value.flow)
    assert "dark: nothing has arrived" in str(told.value)
    assert isinstance(told.value, TimeoutError)
    assert [] == called
    assert test.report is not None
    assert {"whole": "untouched", "dark": "no data"} == {
        one.flow: one.status for one in test.report.flows
    }


@pytest.mark.netns
def test_a_namespace_that_vanishes_breaks_the_test_off() -> None:
    """Iperf would run on in it, unnamed: the error names flow and namespace, all is stopped."""
    lab = Lab()
    lab.build()
    common: dict[str, Any] = {"protocol": "udp", "port": 6001, "realtime": False}
    flow = Flow(
        "gone",
        server=Server(**common, use_linux_namespace=lab.right),
        client=Client(lab.RIGHT_IP, **common, use_linux_namespace=lab.left),
    )
    try:
        test = ConvergenceTest(
            [flow], lambda: run("ip", "netns", "del", lab.right),
            steady=0.2, recovery=5.0, timeout=20,
        )  # fmt: skip
        with pytest.raises(ConvergenceError, match=lab.right) as told:
            test.run()
        assert ("recovery", "gone") == (told.value.step, told.value.flow)
        assert {} == iperf_children()
    finally:
        run("ip", "netns", "del", lab.left)
        if test.report is None:
            run("ip", "netns", "del", lab.right)
