"""What all traffic has in common, instances and streams alike."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import Client, OptionError, Server
from pyperf2.core.results import Result
from pyperf2.traffic import SingleHostStream, Stream, StreamResults, Traffic, min_bitrate
from tests.live.support import LOOPBACK, wait_for
from tests.run.conftest import is_gone
from tests.traffic.pairs import PORT, QUICK, stream

if TYPE_CHECKING:
    from pathlib import Path


def both_ends() -> tuple[Server, Client]:
    """Return a server, and a client that runs until it is stopped."""
    return Server(port=PORT, **QUICK), Client(LOOPBACK, port=PORT, **QUICK)


def test_servers_clients_and_streams_are_traffic() -> None:
    """The same names on all; nothing runs before its start."""
    server, client = both_ends()
    every: list[Traffic] = [server, client, Stream([client], server), SingleHostStream(server)]
    for one in every:
        assert isinstance(one, Traffic)
        assert (False, False, None) == (one.started, one.running, one.error)
        assert "configured" == one.status
        assert not one.validate()
        one.stop()
        assert "configured" == one.status


@pytest.mark.quiet
@pytest.mark.slow
@pytest.mark.parametrize("duration", [1, 0.6])
def test_a_client_runs_for_its_duration_and_a_server_until_it_is_stopped(duration: float) -> None:
    """``run`` of a client blocks, that of a server returns; options are as they were."""
    server, client = both_ends()
    began = time.monotonic()
    assert server.run(duration)
    assert server.running
    assert time.monotonic() - began < 0.5
    began = time.monotonic()
    assert client.run(duration)
    assert duration <= time.monotonic() - began < duration + 1
    assert (False, "stopped", 0) == (client.running, client.status, client.test_duration)
    assert client.validate([min_bitrate("5M")])
    assert server.running
    for _ in range(2):
        server.stop()
        assert (False, "stopped") == (server.running, server.status)
    assert server.validate({lambda results, least: least <= len(results.streams): {"least": 1}})
    assert isinstance(server.results, Result)
    assert client.start()  # its options are those of the latest start: no StateError
    assert client.start()
    client.stop()


@pytest.mark.slow
def test_a_client_that_has_an_end_of_its_own_keeps_it() -> None:
    """Whichever comes first ends it."""
    server, client = both_ends()
    with server:
        client.test_duration = 0.5
        began = time.monotonic()
        assert client.run(20)
        client.test_duration = 20
        assert client.run(0.5)
        assert time.monotonic() - began < 4
        assert 20 == client.test_duration


def test_a_run_that_fails_is_false_and_says_why() -> None:
    """As with ``start``; the error stays."""
    client = Client(LOOPBACK, protocol="tcp", port=PORT)
    assert client.run(5) is False
    assert "refused" in str(client.error)
    report = client.validate()
    assert report.passed is False
    assert "refused" in str(report)


@pytest.mark.parametrize("wrong", [0, -1, float("inf"), float("nan"), "soon", True, None])
def test_a_duration_that_is_none_is_refused(wrong: Any) -> None:
    """Before anything is started."""
    server, client = both_ends()
    for one in (client, Stream([client], server)):
        with pytest.raises(OptionError, match="duration="):
            one.run(wrong)
        assert not one.started


@pytest.mark.alone
@pytest.mark.slow
def test_a_stream_runs_and_leaves_the_results_of_both_ends() -> None:
    """It returns after the duration plus little; the server has been stopped."""
    one = stream("voice", clients=1)
    began = time.monotonic()
    results = one.run(1)
    assert 1 <= time.monotonic() - began < 2.5
    assert (False, False, True, "stopped") == (one.started, one.running, one.completed, one.status)
    assert isinstance(results, StreamResults)
    received, sent = results.server.streams["1"], results.clients[0].streams["1"]
    assert sent.packets_sent == received.packets_sent
    assert sent.packets_sent == (received.packets_received or 0) + (received.packets_lost or 0)
    assert 900 <= (received.packets_received or 0) <= 1100
    assert results == one.results
    assert one.validate()


@pytest.mark.slow
def test_a_run_ends_when_all_clients_have() -> None:
    """A client with an end of its own does not make anybody wait for the rest."""
    one = stream(clients=2, test_duration=0.5)
    one.server.set_options(test_duration=None)
    began = time.monotonic()
    one.run(30)
    assert time.monotonic() - began < 5
    assert one.completed


@pytest.mark.slow
def test_a_process_that_was_killed_says_by_what() -> None:
    """The return code is negative; so far as it got, the results stand."""
    server, client = both_ends()
    with server, client:
        wait_for(lambda: client.result().streams != {}, "an interval")
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
        assert client.wait(5)
        assert -signal.SIGKILL == client.returncode
        assert client.result().streams


@pytest.mark.slow
def test_every_iterator_begins_with_the_first_interval() -> None:
    """However late it is made, and in however many threads they are read at once."""
    server, client = both_ends()
    client.test_duration = 1
    got: list[list[tuple[float, float]]] = []

    def read() -> None:
        got.append([(one.start, one.end) for one in server.intervals()])

    with server:
        readers = [threading.Thread(target=read) for _ in range(4)]
        client.start()
        for one in readers[:2]:
            one.start()
        assert client.wait(10)
        for one in readers[2:]:
            one.start()
    for one in readers:
        one.join(10)
    assert 4 == len(got)
    assert all(each == got[0] for each in got)
    assert 0.0 == got[0][0][0]
    assert 10 <= len(got[0])


DEAF = """#!/bin/sh
case "$*" in *-v*|*--version*) exec iperf "$@";; esac
trap '' INT TERM
sleep 600 &
echo $! > {pidfile}
iperf "$@" &
wait
sleep 600
"""


@pytest.mark.slow
def test_a_process_that_ignores_signals_is_killed_with_its_children(tmp_path: Path) -> None:
    """INT, TERM, KILL; the stream's other processes end as ever."""
    pidfile, script = tmp_path / "pid", tmp_path / "iperf"
    script.write_text(DEAF.format(pidfile=pidfile))
    script.chmod(0o755)
    one = stream("deaf", protocol="tcp")
    one.server.set_options(iperf_binary_path=str(script))
    one.clients[0].set_options(test_duration=0.2)
    with pytest.raises(Exception, match="deaf"):  # its socket is its child's: never ready
        one.start()
    assert not one.started
    pidfile.unlink()
    deaf: Any = Server(port=PORT, iperf_binary_path=str(script), **QUICK)
    assert deaf.start(wait=False)
    wait_for(lambda: pidfile.exists() and pidfile.read_text().strip() != "", "a grandchild")
    grandchild, began = int(pidfile.read_text()), time.monotonic()
    deaf.stop()
    assert 1 < time.monotonic() - began < 10
    assert -signal.SIGKILL == deaf.returncode
    wait_for(lambda: is_gone(grandchild), "the end of the grandchild")
