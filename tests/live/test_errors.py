"""What goes wrong with real iperf: a clear error with iperf's own words, and nothing left."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyperf2 import (
    BadHost,
    BindFailed,
    Client,
    ConnectionFailed,
    IPerfError,
    PortUnavailable,
    Server,
)
from tests.conftest import iperf_children
from tests.live.support import LOOPBACK, free_port, wait_for

if TYPE_CHECKING:
    from pyperf2 import PyPerf2Error
    from tests.live.support import Lab

PROTOCOLS = pytest.mark.parametrize("protocol", ["tcp", "udp"])


def refused(instance: Server | Client, kind: type[PyPerf2Error], words: str) -> None:
    """Start what has to fail at once; see what is told of it."""
    assert instance.start() is False
    error = instance.error
    assert isinstance(error, IPerfError)
    assert type(error) is kind
    assert words in str(error)
    assert error.argv
    assert tuple(instance.result().argv) == error.argv
    assert words in " ".join(error.output)
    assert "stopped" == instance.status
    assert {} == iperf_children()


def test_a_refused_connection(iperf: Path) -> None:
    """iperf2 exits with 0; it is an error all the same."""
    client = Client(LOOPBACK, port=free_port("tcp"), iperf_binary_path=str(iperf))
    refused(client, ConnectionFailed, "Connection refused")
    assert 0 == client.returncode


@pytest.mark.slow
def test_udp_that_nobody_listens_to(iperf: Path) -> None:
    """The refusal is heard of during the run or at its end; it is an error then."""
    client = Client(
        LOOPBACK, protocol="udp", port=free_port(), test_duration=1, iperf_binary_path=str(iperf)
    )
    client.start()
    assert client.wait(timeout=10)
    assert isinstance(client.error, ConnectionFailed)
    assert "refused" in str(client.error)


@PROTOCOLS
def test_a_host_without_an_address(protocol: str, iperf: Path) -> None:
    """A resolver's own connection to its name server is not taken for the stream's."""
    client = Client(
        "no-such-host.invalid", protocol=protocol, iperf_binary_path=str(iperf), test_duration=1
    )
    refused(client, BadHost, "")


@PROTOCOLS
def test_a_server_that_binds_to_a_host_without_an_address(protocol: str, iperf: Path) -> None:
    """The name is not looked at before the start: iperf itself refuses."""
    server = Server(
        bind_ip="no-such-host.invalid", protocol=protocol, iperf_binary_path=str(iperf),
        port=free_port(protocol),
    )  # fmt: skip
    refused(server, BadHost, "")


@pytest.mark.netns
def test_no_route(lab: Lab, iperf: Path) -> None:
    """A network that the namespace knows no way to."""
    client = Client("203.0.113.1", use_linux_namespace=lab.left, iperf_binary_path=str(iperf))
    refused(client, ConnectionFailed, "nreachable")


@PROTOCOLS
@pytest.mark.parametrize("role", [Server, Client])
def test_an_option_that_iperf_does_not_know(
    role: type[Server | Client], protocol: str, iperf: Path
) -> None:
    """iperf2 warns and goes on without it; the run is ended, and nothing is left."""
    instance = role(
        protocol=protocol, port=free_port(protocol), extra_args=["--bogus"],
        iperf_binary_path=str(iperf), server_ip=LOOPBACK,
    )  # fmt: skip
    refused(instance, IPerfError, "bogus")


@PROTOCOLS
@pytest.mark.parametrize("address", ["", LOOPBACK])
def test_a_port_that_somebody_else_holds(protocol: str, address: str, iperf: Path) -> None:
    """It is looked at before the start: iperf2 shares a UDP port without a word."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind((address, 0))
        if protocol == "tcp":
            holder.listen()
        port = holder.getsockname()[1]
        server = Server(protocol=protocol, port=port, iperf_binary_path=str(iperf))
        with pytest.raises(PortUnavailable, match=f"{port}.* is taken"):
            server.start()
        assert "configured" == server.status
        assert {} == iperf_children()


@PROTOCOLS
def test_an_address_of_another_host(protocol: str, iperf: Path) -> None:
    """A server cannot bind it."""
    server = Server(
        bind_ip="203.0.113.9", protocol=protocol, port=free_port(protocol),
        iperf_binary_path=str(iperf),
    )  # fmt: skip
    with pytest.raises(BindFailed, match=r"203\.0\.113\.9"):
        server.start()
    assert "configured" == server.status


@pytest.mark.slow
def test_a_client_that_cannot_bind(iperf: Path) -> None:
    """Only iperf itself finds out; it would go on from another address."""
    client = Client(
        LOOPBACK, protocol="udp", bind_ip="203.0.113.9", port=free_port(),
        iperf_binary_path=str(iperf),
    )  # fmt: skip
    refused(client, BindFailed, "bind failed")


@pytest.mark.slow
def test_a_server_that_dies_under_its_client(iperf: Path) -> None:
    """A TCP client tells of the broken connection, and is over."""
    port = free_port("tcp")
    server = Server(port=port, iperf_binary_path=str(iperf))
    client = Client(LOOPBACK, port=port, bandwidth="10M", iperf_binary_path=str(iperf))
    with server, client:
        wait_for(lambda: bool(server.get_results()), "traffic at the server")
        assert server.pid is not None
        Path(f"/proc/{server.pid}/status").read_text()
        assert server._run is not None
        assert server._run._process is not None
        server._run._process.kill()
        assert client.wait(timeout=10)
    assert -9 == server.returncode
    assert isinstance(server.error, IPerfError)
    assert isinstance(client.error, IPerfError)


@pytest.mark.slow
@PROTOCOLS
def test_without_a_duration_it_runs_until_it_is_stopped(protocol: str, iperf: Path) -> None:
    """Longer than iperf2's own default would tell in a second; stopping is no failure."""
    port = free_port(protocol)
    server = Server(protocol=protocol, port=port, iperf_binary_path=str(iperf))
    client = Client(
        LOOPBACK, protocol=protocol, port=port, iperf_binary_path=str(iperf), report_interval=0.2,
        bandwidth="100pps" if protocol == "udp" else "1M",
    )  # fmt: skip
    told = client.generate_cli_from_options()
    assert told[told.index("-t") + 1] in {"0", "10000000"}
    with server, client:
        assert not client.wait(timeout=1.5)
        assert "running" == client.status
    assert ("stopped", None) == (client.status, client.error)
    (stream,) = client.result().streams.values()
    assert stream.summary is not None
    assert stream.summary.end == pytest.approx(1.5, abs=0.7)
    assert not [one for one in client.result().notices if one.kind == "unknown-line"]
