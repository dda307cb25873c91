"""What can hear one another: the two ends of a cable, or all that hang on a bridge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyperf2.lab.addresses import Interface, Network
    from pyperf2.lab.nodes import Node


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """A node's device on a segment."""

    node: Node
    device: str
    mac: str
    addresses: tuple[Interface, ...]


@dataclass(slots=True, eq=False)
class Segment:
    """One broadcast domain, its networks and who is on it."""

    networks: list[Network] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
