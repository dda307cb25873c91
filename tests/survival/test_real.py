"""A real iperf is killed, or frozen, while datagrams flow: what it had said is kept."""

from __future__ import annotations

import os
import time
from operator import ge
from signal import SIGKILL, SIGSTOP
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import Client, Server
from tests.faces.pairs import LIGHT
from tests.live.support import LOOPBACK, free_port, wait_for
from tests.survival.test_faults import intervals_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow


@pytest.fixture(params=["iperf2", "iperf3"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Client]]:
    """Return a server and a client of it that have told of some intervals."""
    options: dict[str, Any] = {
        "tool": request.param, "protocol": "udp", "port": free_port("tcp"),
        "report_interval": 0.1, **LIGHT,
    }  # fmt: skip
    server = Server(name="rx", **options)
    client = Client(LOOPBACK, name="tx", bandwidth="1M", test_duration=30, **options)
    with server, client:
        wait_for(lambda: min(map(intervals_of, (server, client))) >= 3, "the first intervals")
        yield server, client


def test_the_server_is_killed(pair: tuple[Server, Client]) -> None:
    """Both have what they had, and stop; iperf3's client is told by its control connection."""
    server, client = pair
    seen = [intervals_of(one) for one in pair]
    os.kill(server.pid or 0, SIGKILL)
    assert server.wait(timeout=5)
    assert "killed by signal 9" in str(server.error)
    if client.tool == "iperf3":
        assert client.wait(timeout=10)
        assert client.error is not None
    else:
        assert client.stop()
    assert all(map(ge, map(intervals_of, pair), seen))


def test_the_client_is_killed(pair: tuple[Server, Client]) -> None:
    """Its error says so; the server is stopped as ever."""
    server, client = pair
    seen = [intervals_of(one) for one in pair]
    os.kill(client.pid or 0, SIGKILL)
    assert client.wait(timeout=5)
    assert "killed by signal 9" in str(client.error)
    assert server.stop()
    assert all(map(ge, map(intervals_of, pair), seen))


@pytest.mark.parametrize("frozen", ["server", "client", "both"])
def test_frozen(frozen: str, pair: tuple[Server, Client]) -> None:
    """A stop wakes it, so that it can say its last words."""
    seen = [intervals_of(one) for one in pair]
    for one in pair:
        if frozen in {one.type, "both"}:
            os.kill(one.pid or 0, SIGSTOP)
    began = time.monotonic()
    for one in reversed(pair):
        assert one.stop()
        assert None is one.error
    assert time.monotonic() - began < 10
    assert all(map(ge, map(intervals_of, pair), seen))
    for one in pair:
        if one.tool == "iperf2":
            assert all(stream.summary for stream in one.result().streams.values())
