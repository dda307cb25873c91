"""Loss and outages against the kernel's own counter where the datagrams arrive."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pyperf2 import Client, Server
from pyperf2.run.host import Netns
from tests.iperf3.pairs import only_stream, own_port, traffic_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyperf2.core.binary import Build
    from tests.live.support import Lab

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.quiet]

PPS: Final = 1000
OUTAGE_S: Final = 0.7
LENGTH: Final = 200  # a socket's buffer then holds a quarter of a second of a starved receiver
DOUBT: Final = 2  # what 3.22's threads may leave in doubt of a last interval without bytes
# iperf3 says hello over UDP, in a few bytes, before its first datagram.
_DATA: Final = "udp length > 100"
_DIALECTS: Final = pytest.mark.parametrize("json", [False, True], ids=["text", "JSON"])


class Drops:
    """Rules at the receiver's ingress that drop data of one port, and count what they drop."""

    def __init__(self, lab: Lab, port: int) -> None:
        self._lab, self._port = lab, port
        self._before = self._overflown()
        lab.nft(
            f"add counter inet lab came{port}\nadd counter inet lab dropped{port}\n"
            f"add rule inet lab count udp dport {port} {_DATA} counter name came{port}\n"
        )

    @contextmanager
    def dropping(self, which: str = "") -> Iterator[None]:
        """Drop while the block runs: all of it, or the ``which`` of nft's words."""
        self._lab.nft(
            f"add rule inet lab outage udp dport {self._port} {_DATA} {which} "
            f"counter name dropped{self._port} drop\n"
        )
        try:
            yield
        finally:
            self._lab.nft("flush chain inet lab outage\n")

    @property
    def came(self) -> int:
        """How many datagrams came to the receiver."""
        return self._lab.counted(f"came{self._port}") - (self._overflown() - self._before)

    @property
    def dropped(self) -> int:
        """How many came no further: dropped by rule, or (on a busy machine) for want of room."""
        by_rule = self._lab.counted(f"dropped{self._port}")
        return by_rule + (self._overflown() - self._before)

    def _overflown(self) -> int:
        with Netns(self._lab.right).entered():
            lines = Path("/proc/thread-self/net/snmp").read_text().splitlines()
        names, values = (line.split() for line in lines if line.startswith("Udp:"))
        return int(values[names.index("RcvbufErrors")])


def pair_in(lab: Lab, iperf3: Path, *, json: bool, **client: Any) -> tuple[Server, Client]:
    """Return a receiver and its sender, paired, in their namespaces."""
    common: dict[str, Any] = {
        "protocol": "udp", "port": own_port(), "report_interval": 0.1,
        "iperf_binary_path": str(iperf3), "json_stream": json, "packet_len": LENGTH,
    }  # fmt: skip
    receiver = Server(use_linux_namespace=lab.right, **common)
    sender = Client(
        lab.RIGHT_IP, use_linux_namespace=lab.left, bandwidth=f"{PPS}pps", **common, **client
    )
    receiver.pair(sender)
    return receiver, sender


@pytest.fixture
def _speaks(build: Build, *, json: bool, has_json: bool) -> None:
    """Leave out the JSON of a build that has none; that it is refused is proven elsewhere."""
    if json and not has_json:
        pytest.skip(f"{build} prints no JSON line by line")


@_DIALECTS
@pytest.mark.usefixtures("_speaks")
def test_every_tenth_datagram_lost(lab: Lab, iperf3: Path, *, json: bool) -> None:
    """10 % at random: sent, received and lost of both sides are the kernel's figures."""
    receiver, sender = pair_in(lab, iperf3, json=json, test_duration=3)
    drops = Drops(lab, receiver.port)
    with receiver:
        with drops.dropping("numgen random mod 10 == 0"), sender:
            assert sender.wait(timeout=10)
        result = next(receiver.runs())
    assert (None, None) == (receiver.error, sender.error)
    received, sent = only_stream(receiver.result()), only_stream(sender.result())
    assert 150 <= drops.dropped <= 500
    assert drops.came + drops.dropped == sent.packets_sent == received.packets_sent
    assert drops.dropped == received.packets_lost
    assert received.packets_lost_error in range(DOUBT + 1)
    assert drops.came == received.packets_received
    assert sum(event.packets_lost_confirmed for event in received.loss_events) >= drops.dropped - 2
    # What the server alone knew at the end of its test: all but the tail.
    alone = only_stream(result).summary
    assert alone is not None
    assert alone.lost_packets is not None
    assert drops.dropped - 3 <= alone.lost_packets <= drops.dropped
    assert sent.server_report is not None
    assert alone.lost_packets == sent.server_report.lost_packets


@_DIALECTS
@pytest.mark.usefixtures("_speaks")
def test_an_outage(lab: Lab, iperf3: Path, *, json: bool) -> None:
    """0.7 s of darkness: one outage of as many datagrams as the kernel dropped, told live."""
    receiver, sender = pair_in(lab, iperf3, json=json, test_duration=3)
    drops = Drops(lab, receiver.port)
    told: list[tuple[float, dict[str, Any]]] = []
    receiver.register_on_packetloss_callback(lambda event: told.append((time.monotonic(), event)))
    with receiver, sender:
        traffic_at(receiver, intervals=8)
        began = time.monotonic()
        with drops.dropping():
            time.sleep(OUTAGE_S)
        ended = time.monotonic()
        assert sender.wait(timeout=10)
    assert (None, None) == (receiver.error, sender.error)
    stream = only_stream(receiver.result())
    dropped = drops.dropped
    assert pytest.approx(OUTAGE_S * PPS, rel=0.3) == dropped
    assert dropped == stream.packets_lost
    assert stream.packets_lost_error in range(DOUBT + 1)
    (outage,) = stream.outages
    assert outage.complete
    assert dropped == outage.packets_lost
    assert pytest.approx(dropped / PPS, abs=0.005) == outage.duration_s
    (event,) = stream.loss_events
    assert dropped == event.packets_lost_confirmed
    assert "stable" == told[-1][1]["status"]
    live = [one for at, one in told if began < at < ended]
    assert "losing all packets" in {one["status"] for one in live}


def test_an_outage_until_the_end(lab: Lab, iperf3: Path, *, has_json: bool) -> None:
    """iperf3's receiver never counts what is lost at the end; its sender's count tells it."""
    receiver, sender = pair_in(lab, iperf3, json=has_json, test_duration=2)
    drops = Drops(lab, receiver.port)
    with receiver, sender:
        traffic_at(receiver, intervals=8)
        with drops.dropping():
            assert sender.wait(timeout=10)
    stream = only_stream(receiver.result())
    assert stream.summary is not None
    assert 0 == stream.summary.lost_packets
    assert drops.dropped > 0.4 * PPS
    assert drops.dropped == stream.packets_lost
    assert stream.packets_lost_error in range(DOUBT + 1)
    assert drops.dropped == stream.packets_lost_trailing
    (outage,) = stream.outages
    assert (False, drops.dropped) == (outage.complete, outage.packets_lost)


def test_nothing_arrives_at_all(lab: Lab, iperf3: Path, *, has_json: bool) -> None:
    """100 %: iperf3 says ``0/0 (0%)`` and exits with 0; all that was sent is lost."""
    receiver, sender = pair_in(lab, iperf3, json=has_json, test_duration=1)
    drops = Drops(lab, receiver.port)
    with receiver, drops.dropping(), sender:
        assert sender.wait(timeout=10)
    stream = only_stream(receiver.result())
    assert drops.dropped > 0.9 * PPS
    assert 0 == drops.came
    assert (drops.dropped, 0) == (stream.packets_lost, stream.packets_received)
