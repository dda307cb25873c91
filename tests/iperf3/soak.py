"""200 s on every build of iperf3 that is here, all at once: ``make soak-iperf3``.

Not found by itself, because of its name: nobody wants to wait for it after each change.
``SOAK_S`` sets how long it takes, in seconds.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyperf2 import start_all, stop_all
from tests.iperf3.pairs import client_of, only_stream, server_of, words
from tests.live.support import ROOT, nothing_leaks

if TYPE_CHECKING:
    from pyperf2 import Client

__all__ = ["nothing_leaks"]

SECONDS = int(os.environ.get("SOAK_S", "200"))
PPS = 1000


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 60)
def test_each_build_for_long(iperf3: Path) -> None:
    """UDP at 1000 pps and TCP: each second told in its second, every datagram accounted for."""
    found = {iperf3, *Path(ROOT, ".cache/iperf").glob("*/iperf3")}
    members = []
    clients: list[Client] = []
    for path in sorted(found):
        for protocol, load in (("udp", f"{PPS}pps"), ("tcp", "20M")):
            name = f"{path.parent.name} {protocol}"
            server = server_of(path, protocol=protocol, name=f"{name} server")
            client = client_of(
                server, protocol=protocol, bandwidth=load, test_duration=SECONDS, name=name
            )
            members += [server, client]
            clients.append(client)
    began = time.monotonic()
    try:
        start_all(members)
        for client in clients:
            assert client.wait(timeout=SECONDS + 20), client
        assert time.monotonic() - began < SECONDS + 10
        tests = {one.name: next(one.runs()) for one in members if one.type == "server"}
    finally:
        stop_all(members)
    for client in clients:
        assert client.error is None
        received = only_stream(tests[f"{client.name} server"])
        sent = only_stream(client.result())
        assert [] == words(client.result()) == words(tests[f"{client.name} server"])
        for stream in (sent, received):
            assert SECONDS <= stream.interval_count <= SECONDS + 1
        if client.protocol == "udp":
            assert pytest.approx(SECONDS * PPS, rel=0.01) == sent.packets_sent
            # Nothing drops on loopback, but a busy machine's receive buffer may.
            assert (received.packets_received or 0) >= SECONDS * PPS * 0.99
        else:
            assert pytest.approx(SECONDS * 20e6 / 8, rel=0.02) == sent.bytes
