"""Hosts, routers and bridges reach one another, by IPv4, IPv6 and multicast."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyperf2.errors import LabError, OptionError
from pyperf2.lab import Lab
from tests.lab.probe import Probe, passes

if TYPE_CHECKING:
    from pyperf2.lab import Host

pytestmark = pytest.mark.netns

ALL = Counter(range(100))


def test_two_hosts_on_a_cable(lab: Lab) -> None:
    """Nothing but two names is needed: networks are chosen, both versions work at once."""
    a, b = lab.hosts("a", "b")
    lab.link(a, b)
    assert passes(a, b, b.address)
    assert passes(b, a, a.address6)


def test_the_networks_asked_for_are_given_in_order(lab: Lab) -> None:
    """The first node gets the first address of each network, the second the second."""
    a, b = lab.hosts("a", "b")
    lab.link(a, b, "192.0.2.0/24", "fd00:1::/64")
    assert ("192.0.2.1", "fd00:1::1") == (a.address, a.address6)
    assert ("192.0.2.2", "fd00:1::2") == (b.address, b.address6)


def test_routes_lead_over_three_routers(lab: Lab) -> None:
    """Hosts at the ends of a chain of routers reach each other without a word about routes."""
    a, b = lab.hosts("a", "b")
    chain: list[Host] = [a, *(lab.router(f"r{number}") for number in range(3)), b]
    for one, other in pairwise(chain):
        lab.link(one, other)
    assert passes(a, b, b.address)
    assert passes(a, b, b.address6)
    assert passes(b, chain[1], chain[1].address)


def test_bridges_connect_many(lab: Lab) -> None:
    """All on two connected bridges hear one another, also what is linked before they are."""
    hosts = lab.hosts("a", "b", "c")
    left, right = lab.bridge("left", "10.0.1.0/24", "fd00:1::/64"), lab.bridge("right")
    lab.link(hosts[0], left)
    lab.link(left, right)
    for host in hosts[1:]:
        lab.link(host, right)
    assert ["10.0.1.1", "10.0.1.2", "10.0.1.3"] == [host.address for host in hosts]
    assert all(passes(hosts[0], host, host.address) for host in hosts[1:])
    assert passes(hosts[2], hosts[0], hosts[0].address6)


def test_a_bridge_behind_a_router(lab: Lab) -> None:
    """Routes lead to the hosts of a bridge, and from them."""
    a, b, c = lab.hosts("a", "b", "c")
    router, bridge = lab.router("r"), lab.bridge("sw")
    lab.link(a, router)
    for node in (router, b, c):
        lab.link(bridge, node)
    assert passes(a, c, c.address)
    assert passes(b, a, a.address6)


def test_a_static_route_switch(lab: Lab) -> None:
    """A route leads another way from a known instant on; both ways work."""
    a, b = lab.hosts("a", "b")
    left, right = lab.router("left"), lab.router("right")
    first, second = lab.router("r1"), lab.router("r2")
    lab.link(a, left)
    for middle in (first, second):
        lab.link(left, middle)
        lab.link(middle, right)
    target = lab.link(right, b).end_of(b)
    assert passes(a, b, b.address)
    when = left.route(str(target.addresses[0].network), second)
    assert 0 < when.width_ns < 1e9
    before = forwarded(second)
    assert passes(a, b, b.address)
    assert forwarded(second) - before >= len(ALL)


def forwarded(router: Host) -> int:
    """Return how many packets a router has forwarded."""
    with router.entered():
        told = Path("/proc/thread-self/net/snmp").read_text(encoding="ascii").splitlines()
    names, figures = (line.split() for line in told if line.startswith("Ip:"))
    return int(dict(zip(names, figures, strict=True))["ForwDatagrams"])


@pytest.mark.parametrize("group", ["239.1.2.3", "ff15::1:3"])
def test_multicast_over_a_bridge(lab: Lab, group: str) -> None:
    """What one sends to a group comes to each receiver once."""
    sender, *receivers = lab.hosts("a", "b", "c", "d")
    bridge = lab.bridge("sw")
    for host in (sender, *receivers):
        lab.link(host, bridge)
    with Probe(sender, receivers, group) as probe:
        probe.send(ALL)
        assert [ALL] * 3 == probe.came()


@pytest.mark.parametrize("group", ["239.1.2.3", "ff15::1:3"])
def test_multicast_over_a_router(lab: Lab, group: str) -> None:
    """A router forwards a group where it was told to, and from there on elsewhere."""
    sender, b, c = lab.hosts("a", "b", "c")
    router = lab.router("r")
    source, to_b, to_c = [lab.link(host, router) for host in (sender, b, c)]
    router.forward_multicast(group, source, to_b)
    with Probe(sender, [b], group) as at_b, Probe(sender, [c], group) as at_c:
        at_b.send(ALL)
        assert [ALL] == at_b.came()
        when = router.forward_multicast(group, source, to_c)
        assert when.width_ns < 1e9
        at_c.send(ALL)
        (came,) = at_c.came()
        assert ALL == came


def test_what_makes_no_network_is_refused(lab: Lab) -> None:
    """Each mistake is named, and leaves the lab as it was."""
    a, b = lab.hosts("a", "b")
    lab.link(a, b, "10.0.1.0/24")
    with pytest.raises(OptionError, match="'a' in this lab already"):
        lab.host("a")
    with pytest.raises(OptionError, match="letters, digits"):
        lab.host("a/../b")
    with pytest.raises(OptionError, match="overlaps"):
        lab.link(a, b, "10.0.0.0/16")
    with pytest.raises(OptionError, match="a network is written as"):
        lab.link(a, b, "10.0.1.1/24")
    with pytest.raises(OptionError, match="itself"):
        lab.link(a, a)
    with pytest.raises(OptionError, match="no multicast group"):
        lab.router("r").forward_multicast("10.0.0.1", lab.links[0])
    with pytest.raises(LabError, match="no IPv6 address"):
        _ = a.address6
    with Lab() as other, pytest.raises(OptionError, match="not in this lab"):
        lab.link(a, other.host("a"))
    assert passes(a, b, b.address)
