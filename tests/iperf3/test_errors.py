"""What goes wrong with real iperf3: a clear error with its own words, and nothing left."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import (
    BadHost,
    BindFailed,
    Client,
    ConnectionFailed,
    IPerfError,
    PortUnavailable,
    ReadyTimeout,
    Server,
    UnsupportedOption,
)
from pyperf2.core.binary import V3_10, V3_20, V3_22
from tests.conftest import iperf_children
from tests.iperf3.pairs import client_of, only_stream, own_port, server_of
from tests.live.support import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyperf2 import PyPerf2Error
    from pyperf2.core.binary import Build, Version
    from tests.live.support import Lab

NOBODY: dict[str, Any] = {"test_duration": 1}


def refused(instance: Server | Client, kind: type[PyPerf2Error], words: str) -> None:
    """Start what has to fail at once; see what is told of it."""
    assert instance.start() is False
    error = instance.error
    assert isinstance(error, IPerfError)
    assert kind is type(error), error
    assert words in str(error)
    assert tuple(instance.result().argv) == error.argv != ()
    assert words in " ".join(error.output)
    assert "stopped" == instance.status
    assert {} == iperf_children()


def nobody_at(iperf3: Path, **options: Any) -> Client:
    """Return a client whose server is not there."""
    return Client(
        **{"server_ip": LOOPBACK, "port": own_port(), "iperf_binary_path": str(iperf3),
           **NOBODY, **options}
    )  # fmt: skip


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_refused_connection(iperf3: Path, build: Build, protocol: str) -> None:
    """3.9 has no better words for it than those of a consequence."""
    words = "Connection refused" if build.version >= V3_10 else "Bad file descriptor"
    refused(nobody_at(iperf3, protocol=protocol), ConnectionFailed, words)


def test_a_host_without_an_address(iperf3: Path, build: Build) -> None:
    """Its name does not resolve; 3.9 cannot be told from a refused connection."""
    kind = BadHost if build.version >= V3_10 else ConnectionFailed
    client = nobody_at(iperf3, server_ip="no-such-host.invalid")
    assert client.start(timeout=20) is False
    assert kind is type(client.error), client.error


@pytest.mark.netns
def test_no_route(lab: Lab, iperf3: Path, build: Build) -> None:
    """A network that the namespace knows no way to."""
    words = "nreachable" if build.version >= V3_10 else "Bad file descriptor"
    client = nobody_at(iperf3, server_ip="203.0.113.1", use_linux_namespace=lab.left)
    refused(client, ConnectionFailed, words)


@pytest.mark.parametrize("role", [Server, Client])
def test_an_option_that_iperf_does_not_know(role: type[Server | Client], iperf3: Path) -> None:
    """iperf3 says so and prints its help; the run is over."""
    instance = role(
        server_ip=LOOPBACK, port=own_port(), extra_args=["--bogus"],
        iperf_binary_path=str(iperf3),
    )  # fmt: skip
    refused(instance, IPerfError, "unrecognized option '--bogus'")


def test_a_parameter_that_iperf_refuses(iperf3: Path, build: Build) -> None:
    """What only iperf3 itself finds wrong, in its words."""
    if build.version >= V3_10:
        client = nobody_at(iperf3, rcv_timeout=5000)
        refused(client, IPerfError, "receive timeout is valid only in receiving mode")
    else:
        refused(nobody_at(iperf3, omit=60, extra_args=["-O", "61"]), IPerfError, "omit")


def test_a_congestion_control_that_the_kernel_does_not_know(iperf3: Path) -> None:
    """The client finds out when it is connected; the server goes on serving."""
    server = server_of(iperf3)
    with server:
        refused_words = "unable to set TCP_CONGESTION"
        client = client_of(server, tcp_congestion="nosuch", test_duration=1)
        client.start()
        assert client.wait(timeout=5)
        assert isinstance(client.error, IPerfError)
        assert refused_words in str(client.error)
        with client_of(server, num="64K") as second:
            assert second.wait(timeout=5)
        assert None is second.error


def test_a_port_that_somebody_else_holds(iperf3: Path) -> None:
    """Its control connection is TCP, whatever the test is."""
    with socket.create_server((LOOPBACK, 0)) as holder:
        port = holder.getsockname()[1]
        server = Server(protocol="udp", port=port, iperf_binary_path=str(iperf3))
        with pytest.raises(PortUnavailable, match=f"{port}.* is taken"):
            server.start()
    assert "configured" == server.status


def test_an_address_of_another_host(iperf3: Path) -> None:
    """A server cannot bind it; of a client's only iperf3 itself finds out."""
    with pytest.raises(BindFailed, match=r"203\.0\.113\.9"):
        server_of(iperf3, bind_ip="203.0.113.9").start()
    client = nobody_at(iperf3, bind_ip="203.0.113.9")
    assert client.start() is False
    assert isinstance(client.error, (BindFailed, ConnectionFailed))


@pytest.mark.parametrize(
    ("option", "value", "since"),
    [
        ("bind_dev", "lo", V3_10),
        ("rcv_timeout", 500, V3_10),
        ("snd_timeout", 500, V3_10),
        ("cntl_ka", "20/3/5", V3_20),
        ("skip_rx_copy", True, V3_22),
    ],
)
def test_what_a_build_lacks_is_refused_by_name(
    iperf3: Path, build: Build, option: str, value: object, since: Version
) -> None:
    """Before anything runs, and with the version that would have it."""
    client = nobody_at(iperf3, **{option: value})
    if build.version >= since:
        assert [one for one in client.generate_cli_from_options() if option[:3] in one]
        return
    with pytest.raises(UnsupportedOption, match=rf"{option} .* {build} .* iperf3 >= {since}"):
        client.start()
    assert "configured" == client.status


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"report_interval": 0.05}, r"report_interval=0\.05: iperf3 takes 0\.1 to 60 s"),
        ({"report_interval": 61}, "report_interval=61: iperf3 takes"),
        ({"parallel": 200}, "parallel=200: iperf3 has 128 streams at most"),
        ({"test_duration": 0.5}, r"test_duration=0\.5: iperf3 takes whole seconds"),
        ({"dualtest": True}, "dualtest .* it needs iperf2"),
        ({"full_duplex": True}, "full_duplex .* it needs iperf2"),
        ({"trip_times": True}, "trip_times .* it needs iperf2"),
        ({"protocol": "udp", "server_ip": "239.1.2.3"}, "multicast group; iperf3 .* use iperf2"),
        ({"one_off": True}, "one_off is a server's option"),
        ({"mss": 1000, "protocol": "udp"}, "mss is for tcp only"),
        ({"skip_rx_copy": True, "protocol": "udp"}, "skip_rx_copy is for tcp only"),
    ],
)
def test_what_iperf3_cannot_do(iperf3: Path, options: dict[str, Any], words: str) -> None:
    """Refused before the start, saying what would work."""
    client = nobody_at(iperf3, **options)
    with pytest.raises(UnsupportedOption, match=words):
        client.start()
    assert "configured" == client.status


@pytest.mark.parametrize("option", ["bidir", "omit", "zerocopy", "get_server_output", "title"])
def test_what_only_iperf3_has(iperf: Path, option: str) -> None:
    """An iperf2 refuses it by name, and says which tool has it."""
    client = Client(LOOPBACK, iperf_binary_path=str(iperf), **{option: "1"})
    with pytest.raises(UnsupportedOption, match=f"{option} .* it needs iperf3"):
        client.start()


@contextmanager
def listener(answer: bytes) -> Iterator[int]:
    """Give the port of something that listens, gives one answer, and says no more."""
    held: list[socket.socket] = []

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # closed
                return
            held.append(connection)
            connection.sendall(answer)

    with socket.create_server((LOOPBACK, 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in held:
        connection.close()


@pytest.mark.parametrize("answer", [b"HTTP/1.0 400 Bad Request\r\n\r\n", bytes(range(1, 250))])
def test_a_server_that_answers_something_else(iperf3: Path, build: Build, answer: bytes) -> None:
    """An error in iperf3's words; 3.22 waits on, and is ended."""
    with listener(answer) as port:
        client = nobody_at(iperf3, port=port)
        if build.version >= V3_22:
            with pytest.raises(ReadyTimeout, match="does a server of the same tool listen there"):
                client.start(timeout=1)
        else:
            refused(client, IPerfError, "unknown control message")
    assert "stopped" == client.status
    assert {} == iperf_children()


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_server_that_answers_nothing(iperf3: Path, protocol: str) -> None:
    """Its connection alone makes no test: it is not ready, and is ended."""
    with listener(b"") as port:
        client = nobody_at(iperf3, port=port, protocol=protocol)
        began = time.monotonic()
        with pytest.raises(ReadyTimeout, match="does a server of the same tool listen there"):
            client.start(timeout=1)
        assert time.monotonic() - began < 3
    assert "stopped" == client.status
    assert {} == iperf_children()


@pytest.mark.slow
def test_a_server_of_the_other_tool(iperf: Path, iperf3: Path) -> None:
    """An iperf2 takes iperf3's cookie for a header: it is silent, or (by chance) it answers."""
    with Server(port=own_port(), iperf_binary_path=str(iperf)) as server:
        client = nobody_at(iperf3, port=server.port)
        try:
            assert client.start(timeout=1) is False
        except ReadyTimeout as error:
            assert "does a server of the same tool listen there" in str(error)  # noqa: PT017
        else:
            assert isinstance(client.error, IPerfError)
        assert "stopped" == client.status


@pytest.mark.slow
def test_a_server_that_is_none_and_nobody_waits_for(
    iperf3: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started without waiting, it is ended some time after its duration, and that is an error."""
    monkeypatch.setattr("pyperf2.run.order._OVERRUN_S", 0.2)
    with listener(b"") as port:
        client = nobody_at(iperf3, port=port)
        assert client.start(wait=False)
        assert client.wait(timeout=5)
    assert isinstance(client.error, IPerfError)
    assert "told of no connection" in str(client.error)
    assert {} == dict(client.result().streams)


@pytest.mark.slow
def test_stopped_in_time_it_keeps_what_it_has(iperf3: Path) -> None:
    """Without a duration it runs until it is stopped; that is no failure of either side."""
    server = server_of(iperf3, report_interval=0.2)
    client = client_of(server, report_interval=0.2)
    told = client.generate_cli_from_options()
    assert "0" == told[told.index("-t") + 1]
    with server, client:
        assert not client.wait(timeout=1.1)
    assert (None, None) == (client.error, server.error)
    stream = only_stream(client.result())
    assert len(stream.intervals) >= 4
    assert stream.duration_s == pytest.approx(1.1, abs=0.5)


@pytest.mark.parametrize("option", ["window", "mss", "nodelay", "tcp_congestion"])
def test_what_a_server_is_told_by_its_client(iperf3: Path, option: str) -> None:
    """iperf2's server has them; iperf3's would print its help and end."""
    server = server_of(iperf3, **{option: "1000" if option != "nodelay" else True})
    with pytest.raises(UnsupportedOption, match=f"{option} is a client's option with iperf3"):
        server.start()
