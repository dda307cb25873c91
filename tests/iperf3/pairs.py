"""An iperf3 server and its client over loopback; how a process is killed under a test."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from pyperf2 import Client, Server
from tests.live.support import LOOPBACK, free_port, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from pyperf2 import Result, StreamResult
    from pyperf2.instance import IPerfInstance

SLOW = "4M"  # offered load of tests where the figures do not matter


def server_of(iperf3: Path, **options: Any) -> Server:
    """Return a server on a port of its own."""
    return Server(**{"iperf_binary_path": str(iperf3), "port": free_port("tcp"), **options})


def client_of(server: Server, **options: Any) -> Client:
    """Return a client of it that sends little."""
    given = {
        "iperf_binary_path": server.iperf_binary_path,
        "port": server.port,
        "bandwidth": SLOW,
        **options,
    }
    return Client(LOOPBACK, **given)


def pair(iperf3: Path, **client: Any) -> tuple[Server, Client]:
    """Return a server and a client of it, with an interval each 0.1 s."""
    server = server_of(iperf3, report_interval=0.1, name="rx")
    return server, client_of(server, **{"report_interval": 0.1, "name": "tx", **client})


def only_stream(result: Result) -> StreamResult:
    """Return the one stream of a run that had one."""
    (stream,) = result.streams.values()
    return stream


def kill(instance: IPerfInstance) -> None:
    """Kill an instance's process as the kernel would, out of memory."""
    assert instance.pid is not None
    os.kill(instance.pid, signal.SIGKILL)


def traffic_at(instance: IPerfInstance, intervals: int = 2) -> None:
    """Wait until an instance has told of some intervals."""
    wait_for(
        lambda: any(
            len(stream.intervals) >= intervals for stream in instance.result().streams.values()
        ),
        f"{intervals} intervals at {instance!r}",
    )


def words(result: Result) -> list[str]:
    """Return what was said that nobody knows."""
    return [notice.text for notice in result.notices if notice.kind == "unknown-line"]
