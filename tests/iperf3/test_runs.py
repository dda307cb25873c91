"""A server that keeps serving: a result per test, whatever becomes of the client."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import ConnectionFailed, IPerfError
from tests.iperf3.pairs import client_of, kill, only_stream, pair, server_of, traffic_at, words
from tests.live.support import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyperf2 import Client, Result, Server

PROTOCOLS = pytest.mark.parametrize("protocol", ["tcp", "udp"])
SHORT: dict[str, Any] = {"num": "64K", "bandwidth": "10M"}


def served(server: Server, count: int) -> list[Result]:
    """Return the first tests of a server, waiting for them to end."""
    tests: Iterator[Result] = server.runs()
    return [next(tests) for _ in range(count)]


def run_when_it_listens(client: Client) -> None:
    """Run a test; iperf3's server closes its socket between two, and resets who comes just then."""
    for _ in range(3):
        client.start()
        assert client.wait(timeout=10)
        if not isinstance(client.error, ConnectionFailed):
            return


@pytest.mark.slow
def test_the_same_client_twenty_times(iperf3: Path) -> None:
    """Each test is the server's next, has a result of its own, and none waits for the last."""
    server = server_of(iperf3)
    client = client_of(server, **SHORT)
    told: list[int] = []
    server.register_on_data_callback(lambda message: told.append(message["run_number"]))
    with server:
        for _ in range(20):
            run_when_it_listens(client)
            assert client.error is None
            assert 64 * 1024 <= (only_stream(client.result()).bytes or 0)
        tests = served(server, 20)
    assert list(range(1, 21)) == [test.run_number for test in tests]
    assert [None] * 20 == [test.error for test in tests]
    # Up to 3.12 a server may be told the end before it has read anything of so short a test.
    assert all(only_stream(test).bytes is not None for test in tests)
    assert sorted(told) == told
    assert 20 == server.result().run_number


def test_one_off_ends_by_itself(iperf3: Path) -> None:
    """After its one test the server is stopped, well, and ``runs()`` is over."""
    server = server_of(iperf3, one_off=True)
    with server, client_of(server, **SHORT) as client:
        assert client.wait(timeout=10)
        assert server.wait(timeout=5)
        assert ("stopped", 0, None) == (server.status, server.returncode, server.error)
        (test,) = server.runs()
    assert (1, None) == (test.run_number, test.error)


@pytest.mark.slow
@PROTOCOLS
def test_a_client_that_is_killed(iperf3: Path, protocol: str) -> None:
    """Its test is broken and says why, what it sent is kept, and the next client is served."""
    server, client = pair(iperf3, protocol=protocol)
    with server:
        with client:
            traffic_at(server, intervals=3)
            kill(client)
            assert client.wait(timeout=5)
        (broken,) = served(server, 1)
        with client_of(server, protocol=protocol, test_duration=1) as second:
            assert second.wait(timeout=10)
        assert second.error is None
        well = served(server, 2)[1]
    assert isinstance(client.error, IPerfError)
    assert -9 == client.returncode
    assert (1, 2) == (broken.run_number, well.run_number)
    assert isinstance(broken.error, ConnectionFailed)
    assert "client has unexpectedly closed the connection" in str(broken.error)
    assert len(only_stream(broken).intervals) >= 3
    assert (None, None) == (well.error, server.error)
    assert {2} == {one.run_number for one in only_stream(well).intervals}
    assert 2 == server.result().run_number


@pytest.mark.slow
def test_a_client_that_is_stopped(iperf3: Path) -> None:
    """It is no failure of anybody; the server keeps what it got, and serves on."""
    server, client = pair(iperf3, protocol="udp")
    with server:
        with client:
            traffic_at(server, intervals=3)
        (first,) = served(server, 1)
        with client_of(server, **SHORT) as second:
            assert second.wait(timeout=10)
        assert None is second.error
    assert (None, None, None) == (client.error, first.error, server.error)
    assert len(only_stream(first).intervals) >= 3
    assert [] == words(first) == words(client.result())


@pytest.mark.slow
@PROTOCOLS
def test_a_server_that_is_killed(iperf3: Path, protocol: str) -> None:
    """The client ends with an error in under 2 s and keeps what it told so far."""
    server, client = pair(iperf3, protocol=protocol)
    with server, client:
        traffic_at(client, intervals=3)
        began = time.monotonic()
        kill(server)
        assert client.wait(timeout=2)
        assert time.monotonic() - began < 2
    assert isinstance(client.error, ConnectionFailed)
    assert "closed" in str(client.error) or "terminated" in str(client.error)
    assert client.returncode
    assert len(only_stream(client.result()).intervals) >= 3
    assert isinstance(server.error, IPerfError)
    assert -9 == server.returncode


@pytest.mark.slow
def test_a_server_that_is_stopped_under_its_client(iperf3: Path) -> None:
    """The client is told: it did not end as it was asked to."""
    server, client = pair(iperf3)
    with server, client:
        traffic_at(client, intervals=3)
        server.stop()
        assert client.wait(timeout=2)
    assert isinstance(client.error, ConnectionFailed)
    assert "server has terminated" in str(client.error)
    assert server.error is None


def test_a_busy_server(iperf3: Path) -> None:
    """iperf3 serves one client at a time; the second is told, in iperf3's words."""
    server, first = pair(iperf3)
    second = client_of(server, test_duration=1)
    with server, first:
        traffic_at(first)
        assert second.start() is False
        assert isinstance(second.error, ConnectionFailed)
        # 3.9's server may close the connection before its words are read, or the cookie written.
        words_said = "the server is busy running a test|Connection reset by peer|Broken pipe"
        assert re.search(words_said, str(second.error))
        assert "stopped" == second.status
        assert "running" == first.status
    assert (None, None) == (first.error, server.error)


def test_runs_of_a_server_that_nobody_came_to(iperf3: Path) -> None:
    """There are none, and waiting for them ends with the server."""
    server = server_of(iperf3)
    with server:
        assert "running" == server.status
    assert [] == list(server.runs())
    assert server.error is None


@pytest.mark.slow
def test_a_paired_server_knows_which_client_sent_what(iperf3: Path) -> None:
    """Two clients, one after another: each test's account is that of its own sender."""
    server = server_of(iperf3, protocol="udp", report_interval=0.1)
    counts = []
    with server:
        for pps in (300, 100):
            client: Client = client_of(
                server, protocol="udp", bandwidth=f"{pps}pps", test_duration=1
            )
            server.pair(client)
            with client:
                assert client.wait(timeout=10)
            wait_for(lambda: bool(server.result().streams), "the server's figures")
            stream = only_stream(server.result())
            counts.append((only_stream(client.result()).packets_sent, stream.packets_sent))
    assert 2 == len(counts)
    for sent, known in counts:
        assert sent == known


@pytest.mark.slow
def test_a_server_with_a_duration(iperf3: Path) -> None:
    """iperf3's server has none; it is ended when it is over, and that is no failure."""
    server = server_of(iperf3, test_duration=0.5)
    with server:
        assert server.wait(timeout=5)
    assert ("stopped", None) == (server.status, server.error)
