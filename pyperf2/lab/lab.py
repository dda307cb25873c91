"""A network of its own: made of namespaces, wired, broken on purpose, and gone when it is left."""

from __future__ import annotations

import logging
from functools import partial
from itertools import combinations, count
from typing import TYPE_CHECKING, Final, TypeVar

from pyperf2.errors import LabError, OptionError, StateError
from pyperf2.lab import exits, kernel, naming
from pyperf2.lab.addresses import Addresses, read_network
from pyperf2.lab.links import End, Link
from pyperf2.lab.nodes import Bridge, Host, Node, Router
from pyperf2.lab.segments import Segment
from pyperf2.lab.wires import Wires

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Self

    from pyperf2.lab.addresses import Network
    from pyperf2.lab.segments import Member

_log = logging.getLogger(__name__)
_N = TypeVar("_N", bound=Node)

_WIRES: Final = "wires"


def cleanup() -> list[str]:
    """Remove what labs left behind whose process was killed; return the namespaces' names.

    Only what carries a lab's mark is touched, and only if the process that made it has ended.
    Each new lab does this first.

    Raises:
        PrivilegeError: this process may not remove them.
    """
    removed = naming.orphans()
    for name in removed:
        _log.info("removing %s: its lab died", name)
        kernel.remove(name)
    return removed


class Lab:
    """A lab; ``with Lab() as lab:`` makes it and, however the block is left, removes it.

    Everything is in namespaces of its own; the network of the machine is not touched.

    Args:
        routes: hosts and routers get routes to all networks of the lab by themselves.
        neighbours: they know the link addresses of their neighbours for good, without asking.

    Attributes:
        nodes: hosts, routers and bridges, by name.
        links: all links, in the order they were made.
    """

    def __init__(self, *, routes: bool = True, neighbours: bool = True) -> None:
        """Only describe it; ``open()``, or ``with``, makes it."""
        self.nodes: dict[str, Node] = {}
        self.links: list[Link] = []
        self._routes, self._neighbours = routes, neighbours
        self._id = ""
        self._wires: Wires | None = None
        self._namespaces: list[str] = []
        self._addresses = Addresses()
        self._macs = count(1)
        self._greeted: set[tuple[Member, Member]] = set()

    # --- its life ---------------------------------------------------------------------------

    def open(self) -> None:
        """Make it.

        Raises:
            PrivilegeError: this process may not make network namespaces.
            LabError: nftables is not there.
            StateError: it is open.
        """
        if self._wires is not None:
            raise StateError("the lab is open already")
        self._id = naming.next_lab()
        exits.keep(self)
        try:
            kernel.load()
            cleanup()
            namespace = self._namespace(_WIRES)
            kernel.silence(namespace)
            self._wires = Wires(namespace)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove it, and all in it; harmless a second time.

        Raises:
            LabError: something could not be removed; all else was.
        """
        if not exits.is_ours(self):  # a fork of the process that made it, or closed already
            return
        with exits.undisturbed():
            failures = self._remove()
            exits.release(self)
        if failures:
            raise LabError("the lab was not removed as it should be: " + "; ".join(failures))

    def __enter__(self) -> Self:
        """Make it."""
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        self.close()

    def __getitem__(self, name: str) -> Node:
        """Return a node by its name; KeyError if there is none."""
        return self.nodes[name]

    # --- what is in it ----------------------------------------------------------------------

    def host(self, name: str) -> Host:
        """Add a host.

        Raises:
            OptionError: the name is no plain word, or another node has it.
            StateError: the lab is not open.
        """
        return self._node(name, Host)

    def hosts(self, *names: str) -> list[Host]:
        """Add several hosts; errors as those of `host`."""
        return [self.host(name) for name in names]

    def router(self, name: str) -> Router:
        """Add a router; errors as those of `host`."""
        return self._node(name, Router)

    def bridge(self, name: str, *networks: str) -> Bridge:
        """Add a bridge: what is linked to it gets addresses of these networks.

        Args:
            name: what to call it.
            networks: ``10.0.1.0/24``, ``fd00:1::/64``; none: the lab chooses.

        Raises:
            OptionError: a name or a network is wrong, or used already.
            StateError: the lab is not open.
        """
        claimed = self._networks(networks)
        return self._node(name, lambda name, namespace: Bridge(name, namespace, claimed))

    def link(self, first: Node, second: Node, *networks: str, offload: bool = False) -> Link:
        """Connect two nodes; both get addresses, and the lab's routes lead over it.

        Args:
            first: gets the first address of each network.
            second: gets the second. Of both, a bridge gets none.
            networks: ``10.0.1.0/24``, ``fd00:1::/64``; none: those of the bridge at one end, else
                the lab chooses.
            offload: let the kernel pass many segments as one packet: faster, but neither counts
                nor losses are then as on a cable.

        Raises:
            OptionError: a network is wrong or used already; or the nodes are not two of this lab.
            StateError: the lab is not open.
        """
        for node in (first, second):
            if self.nodes.get(node.name) is not node:
                raise OptionError(f"{node} is not in this lab")
        if first is second:
            raise OptionError(f"{first} cannot be linked to itself")
        wires = self._opened()
        segment = self._segment(first, second, networks)
        nodes = (first, second)
        number = len(self.links) + 1
        # Locally administered: the second bit of the first byte is set.
        macs = [f"02:50:{n >> 24 & 255:02x}:{n >> 16 & 255:02x}:{n >> 8 & 255:02x}:{n & 255:02x}"
                for n in (next(self._macs), next(self._macs))]  # fmt: skip
        devices = [node.next_device() for node in nodes]
        ends = [
            (node.namespace, device, mac)
            for node, device, mac in zip(nodes, devices, macs, strict=True)
        ]
        wires.run(number, ends, offload=offload)
        made = [
            self._connect(node, segment, device, mac)
            for node, device, mac in zip(nodes, devices, macs, strict=True)
        ]
        wires.await_carriers(number, [end[:2] for end in ends])
        link = Link(number, (made[0], made[1]), wires)
        self.links.append(link)
        self._introduce(segment)
        return link

    # --- how ----------------------------------------------------------------------------------

    def _remove(self) -> list[str]:
        """Remove all there is; return what went wrong."""
        steps: list[Callable[[], None]] = [node.close for node in self.nodes.values()]
        if self._wires is not None:
            steps.append(self._wires.close)
        steps += [partial(kernel.remove, name) for name in self._namespaces]
        failures = []
        for step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001 - the rest has to be removed all the same
                failures.append(str(error))
        self._wires = None
        self._addresses, self._greeted = Addresses(), set()
        for several in (self._namespaces, self.nodes, self.links):
            several.clear()
        return failures

    def _opened(self) -> Wires:
        if self._wires is None:
            raise StateError("the lab is not open: with Lab() as lab: …")
        return self._wires

    def _namespace(self, label: str) -> str:
        name = naming.namespace_name(label, self._id)
        self._namespaces.append(name)  # before it is there: what is half made is removed as well
        kernel.create(name)
        return name

    def _node(self, name: str, make: Callable[[str, str], _N]) -> _N:
        self._opened()
        if name in self.nodes or name == _WIRES:
            raise OptionError(f"there is a {name!r} in this lab already")
        node = make(name, self._namespace(name))
        self.nodes[name] = node
        return node

    def _networks(self, texts: Sequence[str]) -> list[Network]:
        networks = [read_network(text) for text in texts]
        for network in networks:
            self._addresses.claim(network)
        return networks

    def _segment(self, first: Node, second: Node, texts: Sequence[str]) -> Segment:
        """Return what a link between two nodes belongs to; it has networks."""
        bridges = [node for node in (first, second) if isinstance(node, Bridge)]
        segment = bridges[0].segment if bridges else Segment()
        if len(bridges) > 1:
            self._merge(segment, bridges[1].segment)
        known = {str(network) for network in segment.networks}
        segment.networks += self._networks([text for text in texts if text not in known])
        if not segment.networks:
            segment.networks += self._addresses.next_networks(ipv6=kernel.has_ipv6())
        return segment

    def _merge(self, segment: Segment, other: Segment) -> None:
        """Make two bridged segments one: their bridges are linked."""
        if segment is other:
            raise OptionError("those bridges are connected already, and a loop would never end")
        segment.networks += other.networks
        segment.members += other.members
        for node in self.nodes.values():
            node.segments = [segment if one is other else one for one in node.segments]
            if isinstance(node, Bridge) and node.segment is other:
                node.segment = segment

    def _connect(self, node: Node, segment: Segment, device: str, mac: str) -> End:
        if isinstance(node, Bridge):
            node.attach(device)
            return End(node, device, ())
        if not isinstance(node, Host):
            raise OptionError(f"{node} cannot be linked")
        own = tuple(self._addresses.next_address(network) for network in segment.networks)
        node.connect(segment, device, mac, own)
        return End(node, device, own)

    def _introduce(self, segment: Segment) -> None:
        """Make neighbours known to one another, and the way to all networks to all."""
        if self._neighbours:
            new: dict[Member, list[Member]] = {}
            for one, other in combinations(segment.members, 2):
                if (one, other) not in self._greeted:
                    self._greeted.add((one, other))
                    new.setdefault(one, []).append(other)
                    new.setdefault(other, []).append(one)
            for mine, others in new.items():
                if isinstance(mine.node, Host):
                    mine.node.greet(mine, others)
        if self._routes:
            for node in self.nodes.values():
                if isinstance(node, Host):
                    node.reroute()
