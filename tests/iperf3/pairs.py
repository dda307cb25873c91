"""An iperf3 server and its client over loopback; how a process is killed under a test."""

from __future__ import annotations

import itertools
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

from pyperf2 import Client, Server
from tests.live.support import LOOPBACK, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from pyperf2 import Result, StreamResult
    from pyperf2.instance import IPerfInstance

# Below /proc/sys/net/ipv4/ip_local_port_range; two runs of the tests begin at different places.
_PORTS = itertools.cycle(range(10_000, 32_000))
for _ in range(os.getpid() * 97 % 22_000):
    next(_PORTS)

SLOW = "4M"  # offered load of tests where the figures do not matter


def own_port() -> int:
    """Return a port that is free for TCP and UDP, and that no client is given as its own.

    iperf3 binds the UDP port when a test begins; a client elsewhere may hold it by then.
    """
    while True:
        port = next(_PORTS)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind((LOOPBACK, port))
        except OSError:
            continue
        return port


def server_of(iperf3: Path, **options: Any) -> Server:
    """Return a server on a port of its own."""
    return Server(**{"iperf_binary_path": str(iperf3), "port": own_port(), **options})


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
