"""A server and its client over loopback, quick and light; what most tests of the faces need."""

from __future__ import annotations

from typing import Any

from pyperf2 import AsyncClient, AsyncServer, Client, Server
from tests.live.support import LOOPBACK, free_port

# Real-time priority is of no use here, and costs a start 10 ms (mlockall).
LIGHT: dict[str, Any] = {"realtime": False}


def udp_pair(**client: Any) -> tuple[Server, Client]:
    """Return a UDP server and a client of it, with an interval each 0.1 s."""
    port = free_port()
    rest = {"test_duration": 0.5, "bandwidth": "200pps", "report_interval": 0.1, **LIGHT, **client}
    server = Server(protocol="udp", port=port, name="rx", report_interval=0.1, **LIGHT)
    return server, Client(LOOPBACK, protocol="udp", port=port, name="tx", **rest)


def async_udp_pair(**client: Any) -> tuple[AsyncServer, AsyncClient]:
    """Return the same on the asyncio face."""
    port = free_port()
    rest = {"test_duration": 0.5, "bandwidth": "200pps", "report_interval": 0.1, **LIGHT, **client}
    server = AsyncServer(protocol="udp", port=port, name="rx", report_interval=0.1, **LIGHT)
    return server, AsyncClient(LOOPBACK, protocol="udp", port=port, name="tx", **rest)
