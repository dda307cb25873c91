"""The order of things in a stream, and its port."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import Client, OptionError, PortUnavailable, Server, StateError
from pyperf2.run import sockets
from pyperf2.traffic import SingleHostStream, Stream, check_port, max_loss, reserve_port
from tests.conftest import iperf_children
from tests.live.support import LOOPBACK
from tests.run.test_ports import hold
from tests.traffic.pairs import PORT, QUICK, async_stream, stream, watch_runs

if TYPE_CHECKING:
    from tests.live.support import Lab


@pytest.mark.alone
def test_the_server_is_bound_before_clients_start_and_these_start_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No client is spawned before the server's socket exists; none waits for another."""
    one = stream(clients=3)
    bound: list[bool] = []
    seen = watch_runs(
        monkeypatch, lambda: bound.append(sockets.is_bound(one.server.pid or 0, "udp", PORT))
    )
    one.start()
    started = seen.copy()
    one.stop()
    assert [("start", "rx"), ("start done", "rx")] == started[:2]
    assert {("start", f"tx{n}") for n in (1, 2, 3)} == set(started[2:5])
    assert {("start done", f"tx{n}") for n in (1, 2, 3)} == set(started[5:])
    # Of the later ones the first may be there already: iperf makes its socket that client's own,
    # and another for those to come.
    assert [False, True] == bound[:2]


@pytest.mark.slow
def test_clients_end_before_the_server_and_the_port_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The delays are those asked for, parts of a second and all; there is no other."""
    slept: list[float] = []
    monkeypatch.setattr("pyperf2.traffic.steps.time", SimpleNamespace(sleep=slept.append))
    one = stream(clients=2)
    one.start(delay=0.25)
    assert PORT == one.reserved_port
    assert not check_port(PORT)
    assert [0.25] == slept
    seen = watch_runs(monkeypatch)
    one.stop(delay=0.125)
    assert [0.25, 0.125] == slept
    assert {("stop", "tx1"), ("stop", "tx2")} == set(seen[:2])
    assert [("stop", "rx"), ("stop done", "rx")] == seen[4:]
    assert check_port(PORT)
    began = time.monotonic()
    one.stop(delay=5)
    assert [0.25, 0.125] == slept
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize("wrong", [-0.1, "soon", True, float("nan")])
def test_a_delay_that_is_none_is_refused(wrong: float) -> None:
    """Before anything is started."""
    one = stream()
    with pytest.raises(OptionError, match="delay="):
        one.start(delay=wrong)
    assert not one.started


def test_a_stream_is_started_once_at_a_time() -> None:
    """A second start is refused and harms nothing; after a stop, all begins anew."""
    one = stream()
    for _ in range(2):
        with one:
            with pytest.raises(StateError, match="is started already"):
                one.start()
            assert one.running
            assert PORT == one.reserved_port
        assert check_port(PORT)


@pytest.mark.quiet
@pytest.mark.slow
def test_a_stream_without_clients_does_everything() -> None:
    """Start, stop, run, with delays too; its server serves whom it likes."""
    one = SingleHostStream(Server(name="rx", **QUICK), "alone", PORT)
    one.start(delay=0.05)
    assert one.running
    with Client(LOOPBACK, port=PORT, test_duration=0.3, **QUICK) as guest:
        assert guest.wait(10)
    one.stop(delay=0.05)
    assert one.validate(server_validation_criteria=[max_loss("100%")]).findings[0].passed
    began = time.monotonic()
    one.run(0.3)
    assert 0.3 <= time.monotonic() - began < 2
    assert "stopped" == one.status


def test_criteria_for_clients_that_are_not_there_are_not_passed() -> None:
    """Nothing is swallowed: there is nothing to hold them against."""
    one = SingleHostStream(Server(name="rx", **QUICK), "alone", PORT)
    report = one.validate(clients_validation_criteria={lambda _: True: {}})
    assert "no data: there is no client" in str(report)
    assert [False, False] == [each.passed for each in report.findings]


def test_two_streams_that_want_one_port_get_two() -> None:
    """The second gets the next free number, and its clients follow it."""
    with stream("one") as one, stream("other") as other:
        assert [PORT, PORT + 1] == [one.reserved_port, other.reserved_port]
        assert [PORT + 1] * 2 == [each.port for each in other.instances]
        assert other.running


@pytest.mark.parametrize(("protocol", "ip"), [("tcp", "127.0.0.1"), ("udp", "::1")])
def test_a_port_that_is_taken_is_passed_over(protocol: str, ip: str) -> None:
    """Whoever has it, by whichever protocol; if there is no other, nothing is started."""
    one, lone = stream("one"), stream("lone")
    lone.port_find_tries = 1
    with hold(protocol, PORT, ip):  # type: ignore[arg-type]
        with one:
            assert PORT + 1 == one.reserved_port
        with pytest.raises(
            PortUnavailable, match=f"port {PORT} on this host is taken by"
        ) as raised:
            lone.start()
        assert lone.error is raised.value
        assert not lone.started
        assert {} == iperf_children()
    lone.start()
    lone.stop()


def test_without_a_port_the_instances_keep_their_own() -> None:
    """Nothing is reserved but by the user, who may hand the reservation in."""
    with reserve_port() as mine:
        one = stream(port=None)
        for each in one.instances:
            each.set_options(port=mine)
        with one:
            assert one.reserved_port is None
            assert one.running
        assert mine.held


@pytest.mark.netns
@pytest.mark.slow
@pytest.mark.parametrize("tool", ["iperf2", "iperf3"])
def test_the_same_port_in_two_namespaces_is_two_ports(lab: Lab, tool: str) -> None:
    """Each stream gets the number it wants; the ports are reserved where the servers are."""
    options = {**QUICK, "tool": tool}
    here = Stream(
        [Client(LOOPBACK, name="tx", **options)], Server(name="rx", **options), "here", PORT
    )
    there = Stream(
        [Client(lab.RIGHT_IP, name="tx", use_linux_namespace=lab.left, **options)],
        Server(name="rx", use_linux_namespace=lab.right, **options),
        "there",
        PORT,
    )
    with here, there:
        assert [PORT, PORT] == [here.reserved_port, there.reserved_port]
        assert not check_port(PORT, lab.right)
        assert check_port(PORT, lab.left)
    results = there.run(1)
    (told,) = results.server.streams.values()
    assert 100 <= (told.packets_received or 0) <= 1100  # a busy machine sends less than it shall
    assert there.validate(server_validation_criteria=[max_loss("1%")])
    assert check_port(PORT, lab.right)


def test_what_is_no_stream_is_refused() -> None:
    """Roles that are mixed up, faces that are, one client twice, a name that cannot be printed."""
    server, client = Server(**QUICK), Client(LOOPBACK, **QUICK)
    with pytest.raises(OptionError, match="stands where a server"):
        Stream([client], client)
    with pytest.raises(OptionError, match="stands where a client"):
        Stream([server], server)
    with pytest.raises(OptionError, match="Server or Client"):
        Stream(async_stream().clients, server)
    with pytest.raises(OptionError, match="there twice"):
        Stream([client, client], server)
    with pytest.raises(OptionError, match="line of text"):
        Stream([client], server, "two\nlines")
    for name in (5, None, ""):
        with pytest.raises(OptionError, match="line of text"):
            Stream([client], server, name)  # type: ignore[arg-type]
    for clients in (None, client):
        with pytest.raises(OptionError, match="a list of clients"):
            Stream(clients, server)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [{"port": "http"}, {"port": 0}, {"port_find_tries": 0}])
def test_a_port_that_is_none_is_refused_when_it_is_given(given: dict[str, Any]) -> None:
    """Not at the start."""
    ((name, value),) = given.items()
    with pytest.raises(OptionError, match=f"{name}={value!r}"):
        SingleHostStream(Server(**QUICK), **given)
