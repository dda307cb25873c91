"""Faults 1 to 3 and 8 of the old package, by their numbers: none of them comes back."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import Client, OptionError, Server
from tests.conftest import iperf_children
from tests.faces.pairs import LIGHT, udp_pair
from tests.live.support import LOOPBACK, ROOT, free_port, wait_for

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_fault_1_a_duration_disturbs_neither_stop_nor_status() -> None:
    """stop() works with ``test_duration`` set, before and after iperf's own end."""
    for early in (True, False):
        server, client = udp_pair(test_duration=0.3)
        with server:
            client.start()
            if not early:
                assert client.wait(timeout=5)
            assert client.stop()
            assert "stopped" == client.status


@pytest.mark.slow
def test_fault_1_a_second_start_orphans_nothing() -> None:
    """It starts no second iperf; stop() ends the one there is."""
    server, client = udp_pair(test_duration=20)
    with server:
        for _ in range(3):
            assert client.start()
        assert {server.pid, client.pid} == set(iperf_children())
        client.stop()
        assert {server.pid} == set(iperf_children())


@pytest.mark.slow
def test_fault_1_the_interpreter_exits_while_a_server_runs() -> None:
    """Within a moment, and the server with it."""
    code = (
        "from pyperf2 import Server\n"
        f"server = Server(port={free_port('tcp')}, test_duration=60)\n"
        "server.start()\nprint(server.pid)"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert time.monotonic() - began < 5
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


@pytest.mark.slow
def test_fault_1_a_build_that_ignores_signals_is_killed(tmp_path: Path) -> None:
    """2.0.5 swallows INT and TERM; stop() does not wait for ever."""
    deaf = tmp_path / "iperf"
    deaf.write_text(
        "#!/bin/sh\n"
        '[ "$1" = -v ] && { echo "iperf version 2.0.5 (08 Jul 2010) pthreads"; exit; }\n'
        "trap '' INT TERM\n"
        f"touch {tmp_path}/trapped\n"
        "while :; do sleep 0.1; done\n"
    )
    deaf.chmod(0o755)
    server = Server(iperf_binary_path=str(deaf), port=free_port("tcp"))
    assert server.start(wait=False)
    wait_for((tmp_path / "trapped").exists, "it to be deaf")
    began = time.monotonic()
    assert server.stop()
    assert time.monotonic() - began < 8
    assert ("stopped", -9) == (server.status, server.returncode)


# --- 2: callbacks -------------------------------------------------------------------------


@pytest.mark.slow
def test_fault_2_a_raising_callback_does_not_end_the_reading() -> None:
    """All intervals are read and told, each raise is counted."""
    server, client = udp_pair()
    told: list[Any] = []

    def fail(message: dict[str, Any]) -> None:
        told.append(message)
        raise KeyError("gone")

    server.register_on_data_callback(fail)
    with server, client:
        assert client.wait(timeout=5)
    (stream,) = server.get_results().values()
    assert len(stream["detail"]) == len(told) == server.callback_errors >= 4


@pytest.mark.slow
def test_fault_2_stop_inside_a_callback_does_not_deadlock() -> None:
    """Of a loss callback, on the instance itself."""
    server, client = udp_pair(test_duration=20)
    server.bandwidth = "400pps"  # twice what comes: a loss event at once
    server.register_on_packetloss_callback(lambda _, who: who.stop(), who=server)
    with server, client:
        assert server.wait(timeout=8)
    assert ("stopped", 0) == (server.status, server.callback_errors)


def test_fault_2_result_events() -> None:
    """``get_result_events()`` groups neighbouring lossy intervals."""
    assert [] == Server().get_result_events()


# --- 3: options ---------------------------------------------------------------------------


def test_fault_3_none_and_false_are_no_text() -> None:
    """None is unset, False is off; neither becomes a word on the command line."""
    client = Client(LOOPBACK)
    client.set_options(bind_ip=None, dscp=None, name=None, realtime=False, bandwidth=None)
    told = client.generate_cli_from_options()
    assert not {"None", "False", "-B", "-S", "-b", "-z"} & set(told)
    assert client.get_options()["bind_ip"] is None
    client.set_options(realtime="False")
    assert client.realtime is False


def test_fault_3_unknown_options_are_refused() -> None:
    """With the nearest right name; nothing of the call is stored."""
    client = Client(LOOPBACK)
    with pytest.raises(OptionError, match="'bandwidth'"):
        client.set_options(port=5999, bandwith="10M")
    assert 5001 == client.port
    with pytest.raises(OptionError, match="'bandwidth'"):
        client.bandwith = "10M"


@pytest.mark.slow
def test_fault_3_half_a_second() -> None:
    """``test_duration="0.5"`` runs for half a second."""
    server, client = udp_pair(test_duration="0.5")
    with server:
        assert client.start()
        assert client.wait(timeout=5)
    (stream,) = client.result().streams.values()
    assert pytest.approx(0.5, abs=0.1) == stream.duration_s


# --- 4 and 5: loss ------------------------------------------------------------------------


def test_fault_8_ipv6() -> None:
    """``-V`` comes by itself with an address of IPv6."""
    assert "-V" in Client("2001:db8::1").generate_cli_from_options()
    assert "-V" in Server(bind_ip="::1").generate_cli_from_options()
    assert "-V" not in Client("192.0.2.1").generate_cli_from_options()


@pytest.mark.slow
def test_fault_8_twelve_streams_start_without_skew() -> None:
    """One after the other, in far less than the 2.4 s that 0.2 s of sleep each made."""
    servers = [Server(protocol="udp", port=free_port(), **LIGHT) for _ in range(12)]
    took = []
    try:
        for server in servers:
            began = time.monotonic()
            server.start()
            took.append(time.monotonic() - began)
    finally:
        stoppers = [threading.Thread(target=server.stop) for server in servers]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join()
    assert sorted(took)[6] < 0.1
    assert sum(took) < 1.2


@pytest.mark.slow
def test_fault_8_the_root_logger_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """No handler, no level, no record of ours on it; the library's loggers carry its name."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    server, client = udp_pair()

    def fail(_: object) -> None:
        raise ValueError

    server.register_on_data_callback(fail)
    with caplog.at_level(logging.DEBUG), server, client:
        client.wait(timeout=5)
    names = {record.name for record in caplog.records}
    assert names
    assert all(name.startswith(("pyperf2", "asyncio")) for name in names)
    assert before[0] == [one for one in root.handlers if one in before[0]]


@pytest.mark.slow
def test_fault_8_raw_logs_of_two_objects_do_not_collide(tmp_path: Path) -> None:
    """The same name, the same second, the same folder."""
    (one, _), (two, _) = udp_pair(), udp_pair()
    for server in (one, two):
        server.set_raw_log_path(str(tmp_path))
        server.start(wait=False)
    paths = {one.raw_log_path, two.raw_log_path}
    for server in (one, two):
        server.stop()
    assert 2 == len(paths) == len(list(tmp_path.iterdir()))
