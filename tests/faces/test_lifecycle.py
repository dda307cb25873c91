"""Starting, waiting, stopping, and reading on the synchronous face."""

from __future__ import annotations

import threading
import time

import pytest

from pyperf2 import Client, OptionError, PortUnavailable, Server, StateError
from tests.conftest import iperf_children
from tests.faces.pairs import LIGHT, udp_pair
from tests.live.support import LOOPBACK, free_port, wait_for

pytestmark = pytest.mark.slow


def test_the_states_of_a_run() -> None:
    """configured, running, stopped by itself; pid, returncode, error and version with them."""
    server, client = udp_pair()
    assert ("configured", None, None, None, None) == (
        client.status, client.pid, client.returncode, client.error, client.version
    )  # fmt: skip
    assert not client.wait(timeout=0.01)
    with server as entered, client:
        assert entered is server
        assert ("running", None) == (client.status, client.returncode)
        assert client.pid in iperf_children()
        assert client.version
        assert not client.wait(timeout=0.05)
        assert client.wait(timeout=5)
        assert ("stopped", 0, None) == (client.status, client.returncode, client.error)
        assert client.wait()
    assert ("stopped", 0, None) == (server.status, server.returncode, server.error)
    assert server.stop()
    assert server.stop()


def test_without_waiting() -> None:
    """start(wait=False) returns at once; the run still becomes ready, or fails, by itself."""
    server, client = udp_pair()
    started = time.monotonic()
    assert server.start(wait=False)
    assert time.monotonic() - started < 0.5
    assert "running" == server.status
    server.stop()
    assert client.start(False)  # noqa: FBT003 - as old scripts may
    client.stop()
    late = Client(LOOPBACK, port=free_port("tcp"), **LIGHT)
    assert late.start(wait=False)
    assert late.wait(timeout=5)
    assert "refused" in str(late.error)


def test_starting_twice() -> None:
    """A second start of what runs is True and starts nothing."""
    server, _ = udp_pair()
    with server:
        pid = server.pid
        assert server.start()
        assert pid == server.pid
        assert [pid] == list(iperf_children())


def test_starting_twice_at_the_same_moment() -> None:
    """Eight threads start one object: one iperf."""
    server, _ = udp_pair()
    outcomes: list[bool] = []
    threads = [threading.Thread(target=lambda: outcomes.append(server.start())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [True] * 8 == outcomes
    assert [server.pid] == list(iperf_children())
    server.stop()


def test_options_changed_while_it_runs() -> None:
    """They are for the next start; starting what runs with other options is refused."""
    server, _ = udp_pair()
    with server:
        argv = server.result().argv
        server.report_interval = 0.5
        assert argv == server.result().argv
        with pytest.raises(StateError, match="stop"):
            server.start()
        assert "running" == server.status
    with server:
        assert "0.5" in server.result().argv


def test_stopping_from_many_threads() -> None:
    """All return True, and only when it is over."""
    server, client = udp_pair(test_duration=20)
    outcomes: list[tuple[bool, str]] = []
    with server:
        client.start()
        threads = [
            threading.Thread(target=lambda: outcomes.append((client.stop(), client.status)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [(True, "stopped")] * 8 == outcomes


def test_stopping_while_another_thread_starts() -> None:
    """Whoever comes first: afterwards nothing runs that says it does not."""
    for _ in range(5):
        server, _client = udp_pair()
        starter = threading.Thread(target=server.start)
        starter.start()
        server.stop()
        starter.join()
        assert ("running" == server.status) == bool(iperf_children())
        server.stop()
        assert {} == iperf_children()


def test_an_error_in_the_block_stops_it() -> None:
    """The context manager ends the child, whatever happens inside."""
    server, _ = udp_pair()
    with pytest.raises(ZeroDivisionError), server:
        raise ZeroDivisionError
    assert ("stopped", {}) == (server.status, iperf_children())


def test_entering_what_dies_at_once_raises_its_error() -> None:
    """``with`` has no return value to look at."""
    client = Client(LOOPBACK, port=free_port("tcp"), **LIGHT)
    with pytest.raises(ConnectionError, match="refused"), client:
        pytest.fail("it was refused")
    assert "stopped" == client.status


def test_intervals_as_they_arrive_and_for_who_comes_late() -> None:
    """Each reader starts at the first interval and ends with the run."""
    server, client = udp_pair()
    with pytest.raises(StateError, match="start"):
        client.intervals()
    read: list[float] = []
    alive: list[str] = []
    with server, client:
        for interval in client.intervals():
            read.append(interval.start)
            alive.append(client.status)
        assert client.wait(timeout=5)
    assert [0.0, 0.1, 0.2, 0.3, 0.4] == [round(start, 1) for start in read[:5]]
    assert "running" == alive[0]
    assert read == [interval.start for interval in client.intervals()]
    (stream,) = client.result().streams.values()
    assert read == [interval.start for interval in stream.intervals]


def test_intervals_stop_being_kept() -> None:
    """``history`` bounds what is kept, for results and late readers alike; totals stay exact."""
    server, client = udp_pair(history=2)
    with server, client:
        assert client.wait(timeout=5)
    (stream,) = client.result().streams.values()
    assert 2 == len(stream.intervals) == len(list(client.intervals()))
    assert stream.interval_count >= 5
    assert stream.summary is not None
    assert stream.bytes == stream.summary.bytes


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_our_own_port(protocol: str) -> None:
    """The second server of this program on a port is refused, the first one not touched."""
    port = free_port(protocol)
    one = Server(protocol=protocol, port=port, **LIGHT)
    two = Server(protocol=protocol, port=port, **LIGHT)
    with one:
        with pytest.raises(PortUnavailable, match=str(port)):
            two.start()
        assert ("running", "configured") == (one.status, two.status)
        assert [one.pid] == list(iperf_children())
    with two:
        assert "running" == two.status


def test_both_protocols_share_a_number() -> None:
    """TCP and UDP ports are different things."""
    port = free_port("tcp")
    with Server(port=port, **LIGHT) as one, Server(protocol="udp", port=port, **LIGHT) as two:
        assert ("running", "running") == (one.status, two.status)


def test_what_a_failed_start_leaves_of_the_run_before() -> None:
    """A start that never had a process is none: status and results of the last run stand."""
    server, client = udp_pair()
    with server, client:
        assert client.wait(timeout=5)
    before = client.result()
    client.iperf_binary_path = "/nonexistent/iperf"
    with pytest.raises(FileNotFoundError):
        client.start()
    assert ("stopped", before) == (client.status, client.result())


def test_a_snapshot_is_a_snapshot() -> None:
    """A result does not change while the run goes on, and cannot be changed."""
    server, client = udp_pair(test_duration=1)
    with server, client:
        wait_for(lambda: bool(client.result().streams), "the stream")
        early = client.result()
        (stream,) = early.streams.values()
        kept = len(stream.intervals)
        wait_for(lambda: client.result() != early, "more intervals")
        assert kept == len(stream.intervals)
        with pytest.raises(TypeError):
            early.streams["9"] = stream  # type: ignore[index]
        with pytest.raises((AttributeError, TypeError)):
            early.role = "server"  # type: ignore[misc]


def test_an_option_set_on_a_running_object_is_checked_too() -> None:
    """A wrong one changes nothing."""
    server, _ = udp_pair()
    with server:
        with pytest.raises(OptionError):
            server.set_options(report_interval=0.3, port=70000)
        assert 0.1 == server.report_interval
        assert server.start()
