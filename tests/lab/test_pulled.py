"""A cable pulled under traffic: what is lost with it is counted to the datagram."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pyperf2 import Client, Server, start_all
from pyperf2.lab import LinkDown
from pyperf2.run import engine
from pyperf2.run.host import Netns
from pyperf2.run.sockets import overflowed_datagrams

if TYPE_CHECKING:
    from pyperf2.lab import Host, Lab

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.quiet]

TOGGLES = 20


@pytest.fixture(autouse=True)
def _the_engine_runs_before() -> None:
    """It has a thread and descriptors for good."""
    engine.current()


def flow(sender: Host, receiver: Host) -> tuple[Server, Client]:
    """Return 5000 small datagrams a second."""
    common = {"protocol": "udp", "packet_len": 200, "bandwidth": "5000pps"}
    server = Server(**common, use_linux_namespace=receiver.namespace)
    client = Client(
        receiver.address, **common, test_duration=30, use_linux_namespace=sender.namespace
    )
    server.pair(client)
    return server, client


def test_what_is_lost_at_the_edges_is_counted_too(lab: Lab) -> None:
    """In both directions, 20 times: the counts are what was sent and did not arrive."""
    a, b = lab.hosts("a", "b")
    fault = lab.link(a, b).prepare(LinkDown())
    flows = {b: flow(a, b), a: flow(b, a)}
    start_all(one for pair in flows.values() for one in pair)
    for _ in range(TOGGLES):
        time.sleep(0.03)
        with fault:
            time.sleep(0.03)
    for server, client in flows.values():
        client.stop()
        server.stop()
    lost, told = {}, {}
    for receiver, (server, _) in flows.items():
        (stream,) = server.result().streams.values()
        assert stream.packets_sent is not None
        assert stream.packets_received is not None
        overflowed = overflowed_datagrams(Netns(receiver.namespace))  # on a busy machine
        lost[receiver.name] = stream.packets_sent - stream.packets_received - overflowed
        told[receiver.name] = sum(hit.counts[receiver.name].datagrams for hit in fault.hits)
    assert min(lost.values()) > TOGGLES * 20
    assert lost == told
    assert all(hit.exact for hit in fault.hits)
