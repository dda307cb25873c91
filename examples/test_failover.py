"""Does the traffic survive when its path fails? A test to copy. Needs root.

Usage: pytest examples/test_failover.py
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pyperf2.convergence import Flow
from pyperf2.lab import Blackout

if TYPE_CHECKING:
    from pyperf2.lab import Hit, Lab
    from pyperf2.pytest_plugin import ClientFactory, ConvergenceFactory, ServerFactory


class Network:
    """A sender, a receiver behind a router, and the link to it that is going to fail."""

    def __init__(self, lab: Lab) -> None:
        """Wire it; take your own devices here."""
        self.sender, self.receiver = lab.hosts("sender", "receiver")
        router = lab.router("r")
        lab.link(self.sender, router)
        self.uplink = lab.link(router, self.receiver)

    def fail(self) -> Hit:
        """Break the link for 100 ms, and tell when that was."""
        with self.uplink.impair(Blackout()) as hit:
            time.sleep(0.1)
        return hit


@pytest.fixture
def network(netns_lab: Lab) -> Network:
    """Return the network under test; it is gone after the test."""
    return Network(netns_lab)


@pytest.fixture
def voice(network: Network, iperf_server: ServerFactory, iperf_client: ClientFactory) -> Flow:
    """Return a flow of 1000 small datagrams a second through the network."""
    receiver, sender = network.receiver.namespace, network.sender.namespace
    server = iperf_server(protocol="udp", packet_len=200, use_linux_namespace=receiver)
    client = iperf_client(server, use_linux_namespace=sender)
    return Flow("voice", server=server, client=client)


@pytest.mark.convergence_limits(max_outage_ms=300, max_duplicates=0)
def test_failover(network: Network, voice: Flow, convergence: ConvergenceFactory) -> None:
    """The voice is back in 300 ms: where that is violated or undecided, the test fails."""
    report = convergence([voice], network.fail, steady=0.5, recovery=0.5)
    assert report.flows[0].hit, "the failure did not reach the flow"


def test_throughput(
    network: Network, iperf_server: ServerFactory, iperf_client: ClientFactory
) -> None:
    """A second of TCP brings 10 Mbit at least."""
    server = iperf_server(use_linux_namespace=network.receiver.namespace)
    client = iperf_client(
        server, start=True, test_duration=1, use_linux_namespace=network.sender.namespace
    )
    assert client.wait(timeout=5)
    (stream,) = server.result().streams.values()
    assert stream.bytes is not None
    assert stream.bytes * 8 > 10_000_000
