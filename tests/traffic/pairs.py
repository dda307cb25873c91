"""Streams over loopback, quick and light; what most tests of traffic need."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pyperf2 import AsyncClient, AsyncServer, Client, Server
from pyperf2.run.runner import Run
from pyperf2.traffic import AsyncStream, Stream
from tests.live.support import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

PORT = 26_000 + os.getpid() % 200 * 20  # another suite may run on this machine
QUICK: dict[str, Any] = {"protocol": "udp", "report_interval": 0.1, "realtime": False}


def stream(name: str = "Stream", clients: int = 1, port: int | None = PORT, **more: Any) -> Stream:
    """Return a stream of so many clients, ``tx1``, ``tx2``, …, and a server ``rx``."""
    options = {**QUICK, **more}
    senders = [Client(LOOPBACK, name=f"tx{n + 1}", **options) for n in range(clients)]
    options.pop("bandwidth", None)
    return Stream(senders, Server(name="rx", **options), name, port)


def async_stream(
    name: str = "Stream", clients: int = 1, port: int | None = PORT, **more: Any
) -> AsyncStream:
    """Return the same on the asyncio face."""
    options = {**QUICK, **more}
    senders = [AsyncClient(LOOPBACK, name=f"tx{n + 1}", **options) for n in range(clients)]
    return AsyncStream(senders, AsyncServer(name="rx", **options), name, port)


def refused(client: Any) -> None:
    """Make a client one that nobody listens for."""
    client.protocol = "tcp"
    client.server_ip = "127.0.0.9"


def watch_runs(
    monkeypatch: pytest.MonkeyPatch, look: Callable[[], object] = lambda: None
) -> list[tuple[str, str]]:
    """Have noted who begins to start and to stop, and who has done so, in order.

    ``look`` is called before each.
    """
    seen: list[tuple[str, str]] = []

    def noting(what: str, original: Any) -> Any:
        async def noted(run: Run, **how: Any) -> Any:
            name = str(run.order.plan.name)
            look()
            seen.append((what, name))
            try:
                return await original(run, **how)
            finally:
                seen.append((f"{what} done", name))

        return noted

    for what in ("start", "stop"):
        monkeypatch.setattr(Run, what, noting(what, getattr(Run, what)))
    return seen
