"""Which way leads from each node to each network: shortest paths over routers, nothing else.

Pure: it knows nodes, segments and addresses, and touches nothing.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyperf2.lab.addresses import Network
    from pyperf2.lab.nodes import Node
    from pyperf2.lab.segments import Segment

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

_ANYWHERE: Final[dict[int, Network]] = {
    4: ipaddress.ip_network("0.0.0.0/0"),
    6: ipaddress.ip_network("::/0"),
}


class Hop(NamedTuple):
    """Where a node sends what is not for its own networks."""

    via: Address
    device: str


def routes(node: Node) -> dict[Network, Hop]:
    """Return the routes of a node: to each network by the fewest routers, the earliest link first.

    A host sends everything to its first router, except what has a shorter way; a router knows
    each network.
    """
    found = dict(_reachable(node))
    if node.is_router:
        return found
    wanted: dict[Network, Hop] = {}
    for network, hop in found.items():
        default = wanted.setdefault(_ANYWHERE[network.version], hop)
        if hop != default:
            wanted[network] = hop
    return wanted


def _reachable(node: Node) -> Iterator[tuple[Network, Hop]]:
    """Walk over the lab from a node, breadth first."""
    known: list[Segment] = list(node.segments)
    passed: list[Node] = [node]
    # What one gets to next, and by which router of which of the node's own segments
    border = [
        (member.node, segment, member.node)
        for segment in node.segments
        for member in segment.members
    ]
    while border:
        beyond = []
        for router, segment, first in border:
            if router in passed or not router.is_router:
                continue
            passed.append(router)
            for further in router.segments:
                if further in known:
                    continue
                known.append(further)
                for network in further.networks:
                    hop = _hop(node, segment, first, network.version)
                    if hop is not None:
                        yield network, hop
                beyond += [(member.node, segment, first) for member in further.members]
        border = beyond


def _hop(node: Node, segment: Segment, router: Node, version: int) -> Hop | None:
    device = next(member.device for member in segment.members if member.node is node)
    for member in segment.members:
        if member.node is router:
            for interface in member.addresses:
                if interface.version == version:
                    return Hop(interface.ip, device)
    return None
