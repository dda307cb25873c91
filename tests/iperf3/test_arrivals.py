"""Nothing is buffered: a callback runs within 50 ms of the end of its interval, in any dialect."""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from pyperf2 import Client, Server
from pyperf2.core.binary import V3_10
from pyperf2.run.host import Netns
from tests.iperf3.pairs import own_port

if TYPE_CHECKING:
    from pathlib import Path

    from pyperf2.core.binary import Build
    from tests.live.support import Lab

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.quiet]

AT_MOST_S: Final = 0.05
INTERVAL_S: Final = 0.5
_SO_TIMESTAMPNS: Final = 35
_ETH_P_IP: Final = 0x0800
_DATA_BYTES: Final = 300  # a datagram of data; what sets up a test is shorter


class Ear:
    """Hears, in a namespace, when the first datagram of data passed, by the kernel's clock."""

    def __init__(self, namespace: str) -> None:
        with Netns(namespace).entered():
            self._socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP)
            )
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.settimeout(5)

    def first_ns(self) -> int:
        """Return when it passed (CLOCK_REALTIME)."""
        while True:
            packet, ancillary, _, _ = self._socket.recvmsg(2048, 64)
            if packet[9] == socket.IPPROTO_UDP and len(packet) >= _DATA_BYTES:
                seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
                return int(seconds * 10**9 + nanoseconds)

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


@pytest.mark.parametrize("json", [None, False], ids=["as it comes", "text"])
def test_each_interval_is_told_at_its_end(
    lab: Lab, iperf3: Path, build: Build, *, json: bool | None
) -> None:
    """Of both sides, from the first one on; iperf3 by itself would keep all to the test's end."""
    common: dict[str, Any] = {
        "protocol": "udp", "port": own_port(), "report_interval": INTERVAL_S,
        "iperf_binary_path": str(iperf3), "json_stream": json,
    }  # fmt: skip
    server = Server(use_linux_namespace=lab.right, name="server", **common)
    client = Client(
        lab.RIGHT_IP, use_linux_namespace=lab.left, name="client", test_duration=2,
        bandwidth="500pps", **common,
    )  # fmt: skip
    told: dict[str, list[tuple[int, float]]] = {"server": [], "client": []}

    def on_data(message: dict[str, Any]) -> None:
        told[message["stream_name"]].append((time.time_ns(), message["interval_end"]))

    server.register_on_data_callback(on_data)
    client.register_on_data_callback(on_data)
    ear = Ear(lab.right)
    try:
        with server, client:
            first_ns = ear.first_ns()
            assert client.wait(timeout=10)
    finally:
        ear.close()
    for name, callbacks in told.items():
        late = [(at_ns - first_ns) / 1e9 - end for at_ns, end in callbacks]
        assert len(late) >= 4, name
        # The clock of 3.9's server begins some 40 ms before the data.
        earliest = -0.005 if build.version >= V3_10 else -0.1
        assert earliest < late[0] < AT_MOST_S, (name, late)
        assert sorted(late)[len(late) // 2] < AT_MOST_S, (name, late)
