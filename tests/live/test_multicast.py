"""One sender, several receivers of a group, in namespaces; over IPv4 and IPv6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyperf2 import Client, Server, start_all, stop_all
from tests.live.support import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.support import Lab

pytestmark = [pytest.mark.netns, pytest.mark.slow]

PPS = 200


@pytest.mark.quiet
@pytest.mark.parametrize("receivers", [1, 3])
@pytest.mark.parametrize("group", ["239.1.2.3", "ff15::1:2:3"])
def test_every_receiver_of_a_group_gets_all_of_it(
    group: str, receivers: int, lab: Lab, iperf: Path
) -> None:
    """They share the port, each reports one stream without loss, and no line is unknown."""
    port = free_port()
    ipv6 = ":" in group
    joined = [
        Server(
            protocol="udp", bind_ip=f"{group}%up0" if ipv6 else group, port=port, name=f"rx{n}",
            use_linux_namespace=lab.right, iperf_binary_path=str(iperf),
        )
        for n in range(receivers)
    ]  # fmt: skip
    sender = Client(
        f"{group}%up0" if ipv6 else group, protocol="udp", port=port, ttl=4, test_duration=1,
        bandwidth=f"{PPS}pps", use_linux_namespace=lab.left, iperf_binary_path=str(iperf),
    )  # fmt: skip
    try:
        start_all([*joined, sender])
        assert sender.wait(timeout=10)
    finally:
        stop_all([sender, *joined])
    for one in (sender, *joined):
        assert one.error is None
        assert [] == [n.text for n in one.result().notices if n.kind == "unknown-line"]
    for receiver in joined:
        (stream,) = receiver.result().streams.values()
        assert stream.summary is not None
        assert pytest.approx(PPS, abs=6) == stream.summary.packets
        assert 0 == stream.packets_lost
        (message,) = receiver.get_results()[stream.stream_id]["detail"][:1]
        assert receiver.name == message["stream_name"]
