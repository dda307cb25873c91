"""Ports are looked at where they will be bound, and kept from our own other servers."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from pyperf2.errors import BindFailed, NameSpaceNotFoundError, PortUnavailable
from pyperf2.run import binding, ports
from pyperf2.run.host import Local, Netns
from tests.run.conftest import ROOT, python

if TYPE_CHECKING:
    from pyperf2.core.records import Protocol

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
HERE = Local()
PORT = 21031


def hold(protocol: Protocol, port: int, ip: str = "0.0.0.0") -> socket.socket:  # noqa: S104
    """Return a socket that has the port, bound as iperf binds it."""
    sock = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, KINDS[protocol])
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((ip, port))
        if protocol == "tcp":
            sock.listen()
    except OSError:
        sock.close()
        raise
    return sock


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_free_port_is_free_and_stays_so(protocol: Protocol) -> None:
    """Looking leaves nothing bound, and tells TCP from UDP."""
    for _ in range(3):
        binding.ensure_free(HERE, protocol, PORT)
        binding.ensure_free(HERE, protocol, PORT, ipv6=True)
    with hold("udp" if protocol == "tcp" else "tcp", PORT):
        binding.ensure_free(HERE, protocol, PORT)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("ipv6", [False, True])
def test_a_taken_port_is_told_with_its_holder(protocol: Protocol, ipv6: bool) -> None:  # noqa: FBT001
    """Also if the holder would share it (SO_REUSEADDR), as iperf does with UDP."""
    told = rf"{protocol.upper()} port {PORT} on this host is taken by process {os.getpid()}"
    with hold(protocol, PORT), pytest.raises(PortUnavailable, match=told):
        binding.ensure_free(HERE, protocol, PORT, ipv6=ipv6)
    binding.ensure_free(HERE, protocol, PORT, ipv6=ipv6)


def test_another_address_is_another_port() -> None:
    """What is held on one address is free on another, but not on all."""
    with hold("udp", PORT, "127.0.0.2"):
        binding.ensure_free(HERE, "udp", PORT, address="127.0.0.3")
        binding.ensure_free(HERE, "udp", PORT, address="127.0.0.3%lo")
        for address in ("127.0.0.2", None):
            with pytest.raises(PortUnavailable):
                binding.ensure_free(HERE, "udp", PORT, address=address)


def test_a_multicast_group_may_be_shared() -> None:
    """Several receivers on one machine are what a group is for; names are iperf's to look up."""
    with hold("udp", PORT):
        for address in ("239.1.2.3", "ff15::1", "239.1.2.3%lo", "receiver.example"):
            binding.ensure_free(HERE, "udp", PORT, address=address)
            with ports.claim(HERE, "udp", PORT, address=address):
                ports.claim(HERE, "udp", PORT, address=address).release()


def test_a_tcp_port_in_time_wait_is_free() -> None:
    """Iperf sets SO_REUSEADDR; a restart right after a test must not fail here."""
    with hold("tcp", PORT) as server, socket.create_connection(("127.0.0.1", PORT)) as client:
        accepted, _ = server.accept()
        accepted.close()  # the server's side closes first, and waits
        assert b"" == client.recv(1)
    binding.ensure_free(HERE, "tcp", PORT)


def test_an_address_that_is_not_here_is_refused() -> None:
    """In the words of the kernel, with the address."""
    with pytest.raises(BindFailed, match=r"UDP port 21031 of 192\.0\.2\.1 on this host"):
        binding.ensure_free(HERE, "udp", PORT, address="192.0.2.1")
    with pytest.raises(BindFailed, match="no-such-dev"):
        binding.ensure_free(HERE, "udp", PORT, address="127.0.0.1%no-such-dev")


def test_a_privileged_port_is_told_apart() -> None:
    """Who may not bind below 1024 reads so, instead of "taken"."""
    code = f"""
sys.path.insert(0, {str(ROOT)!r})
from pyperf2.errors import PrivilegeError
from pyperf2.run import binding
from pyperf2.run.host import Local
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    binding.ensure_free(Local(), "tcp", 81)
except PrivilegeError as error:
    print(error)
"""
    if os.geteuid() != 0:
        pytest.skip("takes root to become somebody without rights")
    done = subprocess.run(python(code), capture_output=True, text=True, check=True)
    assert "TCP port 81 on this host: Permission denied" in done.stdout


@pytest.mark.netns
def test_namespaces_have_ports_of_their_own(namespace: str) -> None:
    """The look happens inside; the error names the namespace; a missing one is refused."""
    inside = Netns(namespace)
    with hold("udp", PORT):
        binding.ensure_free(inside, "udp", PORT)
    with inside.entered():
        held = hold("udp", PORT)
    with held:
        binding.ensure_free(HERE, "udp", PORT)
        told = rf"on network namespace '{namespace}' is taken by process {os.getpid()}"
        with pytest.raises(PortUnavailable, match=told):
            binding.ensure_free(inside, "udp", PORT)
    with pytest.raises(NameSpaceNotFoundError):
        ports.claim(Netns("no-such-namespace"), "udp", PORT)


def test_a_claimed_port_is_refused_until_released() -> None:
    """Two servers of this program cannot both find it free, though neither has bound it yet."""
    first = ports.claim(HERE, "udp", PORT)
    with pytest.raises(PortUnavailable, match="taken by this very program"):
        ports.claim(HERE, "udp", PORT)
    with ports.claim(HERE, "tcp", PORT), ports.claim(HERE, "udp", PORT + 1):
        pass
    first.release()
    first.release()
    ports.claim(HERE, "udp", PORT).release()
    assert {} == ports._claims


def test_claims_conflict_as_sockets_do() -> None:
    """Any address takes all of its family, that of IPv6 both families."""
    v4, v6, one, two, other6 = None, "::", "127.0.0.1", "127.0.0.2", "::1"
    conflicts = [(v4, v4), (v4, one), (v6, one), (v6, other6), (one, one), (v6, v4)]
    apart = [(one, two), (v4, other6), (one, other6), ("127.0.0.1%lo", "127.0.0.2%lo")]
    for pair in [*conflicts, *apart, *[(b, a) for a, b in conflicts + apart]]:
        with ExitStack() as stack:
            stack.enter_context(ports.claim(HERE, "udp", PORT, address=pair[0]))
            fails = pair in conflicts or pair[::-1] in conflicts
            if fails:
                stack.enter_context(pytest.raises(PortUnavailable))
            ports.claim(HERE, "udp", PORT, address=pair[1]).release()
    assert {} == ports._claims


def test_a_failed_claim_leaves_no_claim() -> None:
    """The port was taken by somebody else: nothing stays in the table."""
    with hold("udp", PORT), pytest.raises(PortUnavailable):
        ports.claim(HERE, "udp", PORT)
    assert {} == ports._claims


@pytest.mark.netns
def test_one_namespace_under_two_names_is_one_place(namespace: str) -> None:
    """The table goes by the namespace itself, not by its name."""
    alias = f"{namespace}-b"
    subprocess.run(["touch", f"/var/run/netns/{alias}"], check=True)
    try:
        subprocess.run(
            ["mount", "--bind", f"/var/run/netns/{namespace}", f"/var/run/netns/{alias}"],
            check=True,
        )
        with ports.claim(Netns(namespace), "udp", PORT), pytest.raises(PortUnavailable):
            ports.claim(Netns(alias), "udp", PORT)
        ports.claim(HERE, "udp", PORT).release()
    finally:
        subprocess.run(["ip", "netns", "del", alias], check=True)
