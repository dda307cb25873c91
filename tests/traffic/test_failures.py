"""Whatever fails, all of it ends, the port is free, and one error says everything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import BinaryNotFound, ConnectionFailed, TrafficError
from pyperf2.run.runner import Run
from pyperf2.traffic import TrafficManager, check_port
from pyperf2.traffic.steps import Wait
from tests.conftest import iperf_children
from tests.live.support import ROOT, wait_for
from tests.traffic.pairs import PORT, QUICK, refused, stream

if TYPE_CHECKING:
    from pyperf2.traffic import Stream


def assert_all_over(*streams: Stream) -> None:
    """Nothing runs, nothing is reserved."""
    assert {} == iperf_children()
    for one in streams:
        assert (False, False, None) == (one.started, one.running, one.reserved_port)
    assert check_port(PORT)


def test_a_client_that_does_not_start_takes_all_with_it() -> None:
    """The error names it and its stream, and has iperf's own words; the others had started."""
    one = stream("voice", clients=3)
    refused(one.clients[1])
    with pytest.raises(
        TrafficError, match=r"start failed.* stream 'voice', tx2: .*refused"
    ) as raised:
        one.start()
    assert_all_over(one)
    assert ["stream 'voice', tx2"] == list(raised.value.failures)
    assert isinstance(raised.value.__cause__, ConnectionFailed)
    assert "start" == raised.value.step
    assert raised.value is one.error
    assert not one.validate()


def test_all_that_do_not_start_are_named() -> None:
    """Not the first alone."""
    one = stream("voice", clients=3)
    for each in one.clients[1:]:
        each.set_options(name="tx")
        refused(each)
    with pytest.raises(TrafficError) as raised:
        one.run(5)
    assert ["stream 'voice', tx", "stream 'voice', tx #2"] == list(raised.value.failures)
    assert_all_over(one)


def test_a_server_that_does_not_start_starts_no_client() -> None:
    """What cannot be run at all is refused before anything is."""
    one = stream("voice")
    one.server.set_options(iperf_binary_path="/no/such/iperf")
    with pytest.raises(TrafficError, match=r"voice.*rx: no executable") as raised:
        one.start()
    assert isinstance(raised.value.__cause__, BinaryNotFound)
    assert not one.clients[0].started
    assert_all_over(one)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_what_dies_in_a_run_ends_it_at_once(victim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's death or a client's: the rest of the duration is not waited for."""
    one = stream("voice", clients=2)
    prey = one.instances[victim]

    waits, wait = threading.Event(), Wait.do

    def noted(step: Wait) -> None:
        waits.set()
        wait(step)

    monkeypatch.setattr(Wait, "do", noted)

    def kill() -> None:
        assert waits.wait(20)  # all of them have started
        wait_for(lambda: one.server.result().streams != {}, "an interval")
        os.kill(prey.pid or 0, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(TrafficError, match=f"run failed.* 'voice', {prey.label}: ") as raised:
        one.run(50)
    killer.join()
    assert f"stream 'voice', {prey.label}" in raised.value.failures
    assert_all_over(one)


@pytest.mark.slow
def test_what_cannot_be_stopped_keeps_nobody_from_being_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All others are, the port is released, and the error says who it was."""
    one = stream("voice", clients=2)
    stop = Run.stop

    async def broken(run: Run, **how: Any) -> None:
        await stop(run, **how)
        if run.order.plan.name == "tx1":
            raise OSError("it does not let go")

    one.start()
    monkeypatch.setattr(Run, "stop", broken)
    with pytest.raises(TrafficError, match=r"stop failed.*'voice', tx1: it does not let go"):
        one.stop()
    assert_all_over(one)


def test_one_of_many_streams_fails_and_all_are_stopped() -> None:
    """The error names those that failed, of all streams."""
    manager = TrafficManager()
    streams = [stream(f"s{n}", clients=2) for n in range(3)]
    for one in streams:
        manager.add_stream(one)
    refused(streams[0].clients[1])
    refused(streams[2].clients[0])
    with pytest.raises(TrafficError) as raised:
        manager.start_all()
    assert ["stream 's0', tx2", "stream 's2', tx1"] == list(raised.value.failures)
    assert_all_over(*streams)


def test_start_all_leaves_alone_what_ran_before() -> None:
    """Of a start that fails, only what it has started is stopped."""
    with TrafficManager() as manager:
        before, after = stream("before"), stream("after")
        manager.add_stream(before)
        manager.add_stream(after)
        manager.start("before")
        refused(after.clients[0])
        with pytest.raises(TrafficError):
            manager.start_all()
        assert before.running
        assert not after.started
    assert_all_over(before, after)


CTRL_C = f"""
import os, signal, sys, threading
sys.path[:0] = {[str(ROOT), *sys.path]!r}
from pyperf2 import Client, Server
from pyperf2.traffic import Stream, check_port
from tests.conftest import iperf_children
options = {QUICK!r}
one = Stream([Client("127.0.0.1", **options)], Server(**options), port={PORT})
one.server.register_on_data_callback(lambda _: os.kill(os.getpid(), signal.SIGINT))
try:
    one.run(50)
except KeyboardInterrupt:
    print(one.status, one.started, iperf_children(), check_port({PORT}))
"""


@pytest.mark.slow
def test_ctrl_c_ends_a_run_in_order() -> None:
    """KeyboardInterrupt comes out, when everything has been stopped."""
    told = subprocess.run(
        [sys.executable, "-c", CTRL_C], capture_output=True, text=True, timeout=30, check=False
    )
    assert "stopped False {} True" == told.stdout.strip(), told.stderr


@pytest.mark.slow
def test_a_run_may_be_stopped_by_another_thread_or_a_callback() -> None:
    """It returns, with what there is; whoever stopped it does not wait for it."""
    manager = TrafficManager()
    one = stream("voice")
    manager.add_stream(one)
    stopped: list[str] = []

    def stop(_: object, *, stream: str, role: str) -> None:
        if role == "server" and not stopped:
            stopped.append(stream)
            manager.stop(stream)

    manager.on_interval(stop)
    results = manager.run("voice", 50)
    assert results.server.streams
    assert ["voice"] == stopped
    assert_all_over(one)
    other = threading.Thread(target=one.stop)
    one.start()
    other.start()
    other.join(20)
    assert_all_over(one)
