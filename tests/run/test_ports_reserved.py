"""Reserved ports are bound, locked, and let go only for a server of this program."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pyperf2 import Client, Server
from pyperf2.errors import OptionError, PortUnavailable
from pyperf2.run import engine, ports
from pyperf2.run.host import Local, Netns
from pyperf2.run.reservations import (
    PICKED_FROM,
    check_if_port_is_free,
    check_port,
    find_free_port,
    reserve_port,
    unreserve_port,
)
from tests.run.conftest import ROOT, descriptors, is_gone, python, wait_for
from tests.run.test_ports import hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyperf2.core.records import Protocol

PORT = 24_000 + os.getpid() % 500 * 4  # another suite may run on this machine
ADDRESSES = ["0.0.0.0", "127.0.0.1", "::", "::1"]  # noqa: S104 - taken on purpose


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """No test leaves a descriptor open, or an entry in the table."""
    engine.current()  # it has three descriptors for good
    before = len(descriptors())
    yield
    wait_for(lambda: len(descriptors()) <= before, "descriptors to be closed")
    assert {} == ports._claims
    assert {} == ports._lenders


def seen_by_others(code: str) -> str:
    """Run ``code`` in another process that has imported the package; return what it printed."""
    head = f"""
sys.path[:0] = {[str(ROOT), *[one for one in sys.path if "site-packages" in one]]!r}
from pyperf2 import Server
from pyperf2.errors import PortUnavailable
from pyperf2.run.reservations import check_port, find_free_port, reserve_port
"""
    done = subprocess.run(python(head + code), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("ip", ADDRESSES)
def test_a_port_that_is_taken_is_seen(protocol: Protocol, ip: str) -> None:
    """TCP or UDP, IPv4 or IPv6, any address or one: it is bound, not guessed."""
    assert check_port(PORT)
    with hold(protocol, PORT, ip):
        assert not check_port(PORT)
        assert not check_port(PORT, protocol=protocol)
        assert check_port(PORT, protocol="udp" if protocol == "tcp" else "tcp")
        told = rf"port {PORT} on this host is taken by process {os.getpid()}"
        with pytest.raises(PortUnavailable, match=told):
            reserve_port(PORT, find_port=False)
    assert check_port(PORT)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("ip", ADDRESSES)
def test_what_is_reserved_cannot_be_bound(protocol: Protocol, ip: str) -> None:
    """Not even with the option that iperf shares ports by."""
    with reserve_port(PORT, find_port=False) as reservation:
        assert reservation.held
        with pytest.raises(OSError, match="Address already in use"):
            hold(protocol, PORT, ip)
    hold(protocol, PORT, ip).close()
    assert not reservation.held


def test_who_connects_to_a_reserved_port_is_refused() -> None:
    """It is held without listening: nobody waits for an answer that never comes."""
    with reserve_port(PORT), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", PORT), timeout=1)


def test_connections_that_linger_are_no_obstacle() -> None:
    """A port in TIME_WAIT can be reserved, and is held as any."""
    with hold("tcp", PORT) as server, socket.create_connection(("127.0.0.1", PORT)) as client:
        accepted, _ = server.accept()
        accepted.close()  # the server's side closes first, and waits
        assert b"" == client.recv(1)
    with reserve_port(PORT, find_port=False), pytest.raises(OSError, match="already in use"):
        hold("tcp", PORT)


def test_the_next_free_number_is_found() -> None:
    """Taken ones are passed over, up to ``count`` tries."""
    with hold("tcp", PORT), hold("udp", PORT + 1, "::1"), reserve_port(PORT + 2):
        with reserve_port(PORT, count=4) as fourth:
            assert PORT + 3 == fourth.port
        assert PORT + 3 == find_free_port(PORT, 4)
        told = rf"no TCP/UDP port from {PORT} to {PORT + 2} is free on this host; 3 were tried"
        with pytest.raises(PortUnavailable, match=told):
            reserve_port(PORT, count=3)
        with pytest.raises(PortUnavailable, match="this very program has it"):
            reserve_port(PORT + 2, find_port=False)


def test_the_search_ends_at_the_last_port() -> None:
    """65535 has no next number."""
    with hold("tcp", 65535), pytest.raises(PortUnavailable, match="65535 on this host is taken"):
        reserve_port(65535)


def test_without_a_number_one_is_picked_that_no_client_gets() -> None:
    """From 20000 to 29999, below the ports that the kernel gives to clients."""
    with reserve_port() as one, reserve_port() as other:
        assert one.port != other.port
        assert one.port in PICKED_FROM
        assert other.port in PICKED_FROM


@pytest.mark.parametrize("wrong", [0, -1, 65536, "http", 5201.5])
def test_what_is_no_port_is_refused(wrong: object) -> None:
    """Before anything is bound."""
    with pytest.raises(OptionError, match="port="):
        reserve_port(wrong)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="port="):
        unreserve_port(wrong)  # type: ignore[arg-type]
    for count in (0, "many", 1.5, True):
        with pytest.raises(OptionError, match=f"count={count!r}"):
            reserve_port(PORT, count=count)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="protocol='sctp'"):
        reserve_port(PORT, protocol="sctp")  # type: ignore[arg-type]


def test_releasing_twice_is_once() -> None:
    """The second one does not give away what somebody else has reserved meanwhile."""
    first = reserve_port(PORT)
    first.release()
    with reserve_port(PORT, find_port=False):
        first.release()
        assert not check_port(PORT)


def test_a_port_is_given_back_by_its_reservation_or_its_number() -> None:
    """More than once is once; what others have reserved is none of it."""
    with reserve_port(PORT + 1), reserve_port(PORT, protocol="tcp"):
        udp = reserve_port(PORT, False, 1, protocol="udp")  # noqa: FBT003 - as scripts have it
        for _ in range(2):
            unreserve_port(udp)
            assert [True, False] == [
                check_if_port_is_free(PORT, None, one) for one in ("udp", "tcp")
            ]
        reserve_port(PORT, protocol="udp")
        for _ in range(2):
            unreserve_port(PORT)
            assert check_if_port_is_free(PORT)
        assert not check_if_port_is_free(PORT + 1)


@pytest.mark.netns
def test_each_namespace_has_all_numbers(namespace: str) -> None:
    """One number is reserved here and there; names of a namespace lead to the same place."""
    with reserve_port(PORT, find_port=False), reserve_port(PORT, find_port=False, host=namespace):
        assert not check_port(PORT, namespace)
        assert not check_port(PORT, Netns(namespace))
        told = rf"{PORT} on network namespace '{namespace}' is taken"
        with pytest.raises(PortUnavailable, match=told):
            reserve_port(PORT, find_port=False, host=namespace)
        unreserve_port(PORT, namespace)
        assert [False, True] == [check_port(PORT), check_port(PORT, namespace)]
    assert check_port(PORT)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_server_gets_the_port_and_gives_it_back(protocol: Protocol) -> None:
    """By the reservation or its number; nobody else gets it before, meanwhile or afterwards."""
    look = f"print(check_port({PORT}))"
    with reserve_port(PORT) as reservation:
        server = Server(protocol=protocol, port=reservation, realtime=False)
        assert PORT == server.port
        for _ in range(2):
            with server:
                assert reservation.held
                assert "False" == seen_by_others(look)
                with Client("127.0.0.1", protocol=protocol, port=PORT, num="10K") as client:
                    assert client.wait(10)
            assert server.error is None
            assert reservation.held
            with pytest.raises(OSError, match="already in use"):
                hold(protocol, PORT)
            assert "False" == seen_by_others(look)
    assert "True" == seen_by_others(look)


@pytest.mark.slow
def test_an_iperf3_server_gets_the_port_for_both_protocols() -> None:
    """Its control connection is TCP, the test UDP; it binds that later."""
    with reserve_port(PORT) as reservation:
        server = Server(tool="iperf3", port=reservation)
        client = Client("127.0.0.1", tool="iperf3", protocol="udp", port=PORT, test_duration=1)
        with server, client:
            assert client.wait(10)
        assert client.error is None
        assert client.result().streams
        assert reservation.held


def test_a_server_keeps_a_port_that_is_released_under_it() -> None:
    """Other processes get it when the server has ended, not before."""
    reservation = reserve_port(PORT)
    with Server(protocol="udp", port=reservation, realtime=False):
        reservation.release()
        assert "False" == seen_by_others(f"print(check_port({PORT}, protocol='udp'))")
    assert check_port(PORT)


def test_while_a_port_is_lent_the_lock_stays() -> None:
    """Between letting go and iperf's own bind, no other process of this library takes it."""
    with reserve_port(PORT) as reservation, ports.claim(Local(), "udp", PORT) as claim:
        assert reservation.held
        hold("udp", PORT).close()  # iperf can
        told = seen_by_others(f"""
print(check_port({PORT}))
try:
    Server(protocol="udp", port={PORT}).start()
except PortUnavailable as error:
    print(error)
""")
        taken = f"UDP port {PORT} on this host is kept by another process that uses pyperf2"
        assert ["False", f"[Errno 98] {taken}"] == told.splitlines()
        claim.release()
        with pytest.raises(OSError, match="already in use"):
            hold("udp", PORT)


def test_a_server_that_starts_is_seen_before_it_has_bound() -> None:
    """An unreserved port too is locked until the server is ready."""
    look = f"print(check_port({PORT}, protocol='tcp'), check_port({PORT}, protocol='udp'))"
    with ports.claim(Local(), "tcp", PORT) as claim:
        assert "False True" == seen_by_others(look)
        claim.settle()
        assert "True True" == seen_by_others(look)
        assert not check_port(PORT)


OWNER = f"""
import sys, time
sys.path[:0] = {[str(ROOT), *sys.path]!r}
from pyperf2.run.reservations import reserve_port
kept = reserve_port({PORT}, find_port=False)
print(kept.port, flush=True)
time.sleep(60)
"""


def test_an_owner_that_is_killed_leaves_nothing_behind() -> None:
    """SIGKILL: the port can be used at once."""
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert str(PORT).encode() == owner.stdout.readline().strip()
        assert not check_port(PORT)
        owner.send_signal(signal.SIGKILL)
        assert -signal.SIGKILL == owner.wait(10)
        with reserve_port(PORT, find_port=False), pytest.raises(OSError, match="in use"):
            hold("udp", PORT)


def in_a_fork(report: int) -> None:
    """In the child: tell what it sees of the parent's port, then wait to be killed."""
    own = reserve_port(PORT, count=2)
    seen = f"{check_port(PORT)} {own.port - PORT} {len(ports._lenders)}"
    os.write(report, seen.encode())
    time.sleep(60)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_no_part_in_it() -> None:
    """It sees the port as taken, keeps it from nobody, and can reserve others."""
    reservation = reserve_port(PORT)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            in_a_fork(writing)
        finally:
            os._exit(1)
    try:
        os.close(writing)
        assert b"False 1 2" == os.read(reading, 100)
        assert reservation.held
        reservation.release()
        assert check_port(PORT)
        assert not check_port(PORT + 1)
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert is_gone(child)
    assert check_port(PORT + 1)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_keeps_no_lock_of_a_port_that_is_lent() -> None:
    """Nor of one that a server which starts has locked: both are free when the parent is done."""
    with (
        reserve_port(PORT) as reservation,
        ports.claim(Local(), "tcp", PORT),
        ports.claim(Local(), "udp", PORT + 1),
    ):
        reservation.release()
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(1)
    try:
        for port in (PORT, PORT + 1):  # as soon as the child runs at all
            wait_for(partial(check_port, port), f"port {port}")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


RESERVER = f"""
import sys
sys.path[:0] = {[str(ROOT), *sys.path]!r}
from pyperf2.run.reservations import reserve_port
sys.stdin.readline()
kept, port = [], 21999
for _ in range(200):
    kept.append(reserve_port(port + 1, count=2000, protocol="udp"))
    port = kept[-1].port
print(*(one.port for one in kept), flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
def test_processes_that_reserve_at_once_never_meet() -> None:
    """Eight of them, 200 ports each, all after the same numbers."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    crowd = [subprocess.Popen([sys.executable, "-c", RESERVER], **pipes) for _ in range(8)]  # type: ignore[call-overload]
    try:
        for one in crowd:
            one.stdin.write("go\n")
            one.stdin.flush()
        got = [int(port) for one in crowd for port in one.stdout.readline().split()]
        assert 1600 == len(set(got)) == len(got)
        assert not any(check_port(port, protocol="udp") for port in got)
    finally:
        for one in crowd:
            one.communicate("end\n", timeout=10)
    assert check_port(got[0])
