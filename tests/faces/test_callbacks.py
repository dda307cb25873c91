"""Callbacks of the synchronous face: order, isolation, and stopping from within."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.faces.pairs import udp_pair
from tests.live.support import wait_for

if TYPE_CHECKING:
    from pyperf2 import Client, Server

pytestmark = pytest.mark.slow


def intervals_of(one: Server | Client) -> int:
    """Return how many intervals have joined the results."""
    return sum(len(stream["detail"]) for stream in one.get_results().values())


def test_loss_first_then_the_results_then_the_data() -> None:
    """For one interval: loss callbacks, the record joins the results, then data callbacks."""
    server, client = udp_pair()
    # Twice what is sent is expected: every interval is short, so each raises a loss event.
    server.set_options(bandwidth="400pps")
    told: list[tuple[str, int, int]] = []

    def note(message: dict[str, Any], what: str) -> None:
        end = message.get("interval_end", 0)
        told.append((what, intervals_of(server), round(end * 10)))

    server.register_on_data_callback(note, what="data 1")
    server.register_on_packetloss_callback(note, what="loss 1")
    server.register_on_packtetloss_callback(note, what="loss 2")
    server.register_on_data_callback(note, what="data 2")
    with server, client:
        assert client.wait(timeout=5)
    first, second = told[:4], told[4:8]
    assert ["loss 1", "loss 2", "data 1", "data 2"] == [what for what, _, _ in first]
    assert [0, 0, 1, 1] == [count for _, count, _ in first]
    assert [1, 1, 2, 2] == [count for _, count, _ in second]
    assert [1, 1, 2, 2] == [end for what, _, end in told[:8] if what.startswith("data")]


def test_a_raising_callback_changes_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its traceback and counted; the others and the results go on."""
    server, client = udp_pair()
    told: list[Any] = []

    def fail(message: dict[str, Any]) -> None:
        raise ZeroDivisionError(message["stream_name"])

    server.register_on_data_callback(fail)
    server.register_on_data_callback(told.append)
    with caplog.at_level(logging.ERROR, "pyperf2"), server, client:
        assert client.wait(timeout=5)
    assert len(told) == intervals_of(server) == server.callback_errors >= 4
    assert "ZeroDivisionError: rx" in caplog.text
    assert server.error is None


def test_a_callback_that_exits_is_no_exit() -> None:
    """Not even ``sys.exit()`` in one ends the reading."""
    server, client = udp_pair()
    told: list[Any] = []

    def leave(message: dict[str, Any]) -> None:
        told.append(message)
        raise SystemExit

    server.register_on_data_callback(leave)
    with server, client:
        assert client.wait(timeout=5)
    assert len(told) == intervals_of(server) >= 4


def test_a_callback_that_exits_when_all_is_over_holds_nothing_up() -> None:
    """All that is left to tell waits behind it: the others, the end, those who wait for it."""
    server, client = udp_pair()
    told: list[Any] = []

    def leave_late(message: dict[str, Any]) -> None:
        told.append(message)
        wait_for(lambda: client.returncode is not None, "iperf's end")
        raise SystemExit

    client.register_on_data_callback(leave_late)
    with server:
        client.start()
        assert client.wait(timeout=10)
    assert len(told) == intervals_of(client) == client.callback_errors >= 4
    assert len(told) == len(list(client.intervals()))


def test_a_blocking_callback_delays_only_its_own_instance() -> None:
    """While one blocks, its own results wait, those of others come on time, and stop() returns."""
    server, client = udp_pair()
    begun, release = threading.Event(), threading.Event()
    late: list[float] = []

    def block(_: dict[str, Any]) -> None:
        begun.set()
        release.wait(20)

    def stamp(message: dict[str, Any]) -> None:
        late.append(time.monotonic_ns() - message["received_monotonic_ns"])

    client.register_on_data_callback(block)
    server.register_on_data_callback(stamp)
    try:
        with server:
            client.start()
            assert begun.wait(5)
            wait_for(lambda: len(late) >= 5, "the other's callbacks")
            assert intervals_of(client) == 1
            assert sorted(late)[len(late) // 2] < 0.2e9
    finally:
        release.set()
    assert client.stop()
    assert intervals_of(client) >= 4


@pytest.mark.parametrize("which", ["own", "other"])
def test_stop_inside_a_callback(which: str) -> None:
    """It returns, and the run ends; what was printed after is still told."""
    server, client = udp_pair(test_duration=20)
    target = client if which == "own" else server
    outcome: list[bool] = []

    def stop(_: dict[str, Any]) -> None:
        if not outcome:
            outcome.append(target.stop())

    client.register_on_data_callback(stop)
    with server, client:
        wait_for(lambda: target.status == "stopped", "the end")
    assert [True] == outcome
    assert target.returncode == 0


def test_restart_inside_a_callback() -> None:
    """A callback may even start another instance."""
    server, client = udp_pair()
    again, _ = udp_pair()
    outcome: list[bool] = []

    def start(_: dict[str, Any]) -> None:
        if not outcome:
            outcome.append(again.start())

    client.register_on_data_callback(start)
    with server, client:
        assert client.wait(timeout=5)
        wait_for(lambda: bool(outcome), "the start")
    assert [True] == outcome
    assert "running" == again.status
    again.stop()
