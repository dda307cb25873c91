"""Hosts, routers and bridges: each a namespace of its own."""

from __future__ import annotations

import ipaddress
import socket
from itertools import count
from typing import TYPE_CHECKING, ClassVar, Final

from pyperf2.errors import LabError, OptionError
from pyperf2.lab import kernel
from pyperf2.lab.addresses import of_version
from pyperf2.lab.instants import bracketed
from pyperf2.lab.multicast import Forwarding, group_version
from pyperf2.lab.routes import routes
from pyperf2.lab.segments import Member, Segment
from pyperf2.run.host import Netns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from pyperf2.lab.addresses import Interface, Network
    from pyperf2.lab.instants import Bracket
    from pyperf2.lab.links import Link
    from pyperf2.lab.routes import Hop

_FAMILIES: Final[dict[int, int]] = {4: socket.AF_INET, 6: socket.AF_INET6}
_NO_DAD: Final = 0x02  # IFA_F_NODAD: an IPv6 address is good at once
_PERMANENT: Final = 0x80  # NUD_PERMANENT
_GROUPS: Final = "224.0.0.0/4"
# A way back may differ from the way there; and nothing waits for duplicate addresses.
_IPV4: Final = {"net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.default.rp_filter": 0}
_IPV6: Final = {
    "net.ipv6.conf.default.accept_dad": 0,
    "net.ipv6.conf.default.dad_transmits": 0,
    "net.ipv6.conf.default.accept_ra": 0,
    "net.ipv6.conf.default.router_solicitations": 0,
    "net.ipv6.conf.all.keep_addr_on_down": 1,
}
_FORWARDS: Final = {"net.ipv4.ip_forward": 1}
_FORWARDS_IPV6: Final = {"net.ipv6.conf.all.forwarding": 1}


class Node:
    """A namespace of a lab.

    Attributes:
        name: what it is called in the lab.
        namespace: what it is called on the machine: for ``use_linux_namespace``, ``ip netns exec``.
        segments: what it is connected to.
    """

    is_router: ClassVar[bool] = False
    is_bridge: ClassVar[bool] = False
    _DEVICE: ClassVar[str] = "eth"

    def __init__(self, name: str, namespace: str) -> None:
        """Set up its namespace, which is there already."""
        self.name = name
        self.namespace = namespace
        self.segments: list[Segment] = []
        self._numbers = count()
        self._set_up()

    def __repr__(self) -> str:
        """Name it as an error message needs it."""
        return f"{type(self).__name__.lower()} {self.name!r}"

    def entered(self) -> AbstractContextManager[None]:
        """Run a ``with`` block in here: this thread, and the sockets that it makes.

        Raises:
            NameSpaceNotFoundError: the namespace is gone.
        """
        return Netns(self.namespace).entered()

    def set_kernel(self, name: str, value: object) -> None:
        """Set a sysctl, ``net.ipv4.conf.all.ignore_routes_with_linkdown`` say.

        Raises:
            LabError: there is none of that name, or it does not take the value.
        """
        kernel.set_kernel(self.namespace, {name: value})

    def next_device(self) -> str:
        """Return the name of its next device."""
        return f"{self._DEVICE}{next(self._numbers)}"

    def close(self) -> None:
        """Let go of everything in the namespace."""

    def _set_up(self) -> None:
        ipv6 = _IPV6 if kernel.has_ipv6() else {}
        kernel.set_kernel(self.namespace, {**_IPV4, **ipv6})


class Host(Node):
    """A host: it sends and receives, and forwards nothing."""

    def __init__(self, name: str, namespace: str) -> None:
        """Set up its namespace, which is there already."""
        super().__init__(name, namespace)
        self._routes: dict[Network, Hop] = {}  # those that the lab made
        self._own: set[Network] = set()  # those that `route` made

    @property
    def address(self) -> str:
        """Its first IPv4 address; LabError if it has none."""
        return self._first(4)

    @property
    def address6(self) -> str:
        """Its first IPv6 address; LabError if it has none."""
        return self._first(6)

    @property
    def addresses(self) -> list[Interface]:
        """All its addresses, each with the length of its prefix."""
        mine = [member for one in self.segments for member in one.members if member.node is self]
        return [address for member in mine for address in member.addresses]

    def route(self, destination: str, via: str | Host) -> Bracket:
        """Lead a network, or one address, another way from now on; return when.

        Args:
            destination: ``10.0.3.0/24``, ``fd00:3::/64``, ``10.0.3.2`` or ``0.0.0.0/0``.
            via: the next router: its address, or the router itself if it is a neighbour.

        Raises:
            OptionError: one of them is no address, or the router no neighbour.
            LabError: the kernel refused it.
        """
        try:
            network = ipaddress.ip_network(destination)
        except ValueError as error:
            raise OptionError(f"a destination is written as '10.0.3.0/24': {error}") from None
        gateway = via if isinstance(via, str) else self._neighbour(via, network.version)

        def replace(ip: kernel.IP) -> Bracket:
            return bracketed(lambda: ip.route("replace", dst=str(network), gateway=gateway))[1]

        when = kernel.netlink(self.namespace, replace)
        self._own.add(network)
        return when

    def connect(self, segment: Segment, device: str, mac: str, own: tuple[Interface, ...]) -> None:
        """Set a new device up; called by the lab."""
        first = not self.segments

        def set_up(ip: kernel.IP) -> None:
            index = kernel.device_index(ip, device)
            for address in own:
                flags = {"flags": _NO_DAD} if address.version == 6 else {}  # noqa: PLR2004
                prefix = address.network.prefixlen
                ip.addr("add", index=index, address=str(address.ip), prefixlen=prefix, **flags)
            ip.link("set", index=index, state="up")
            if first:
                ip.route("add", dst=_GROUPS, oif=index)

        kernel.netlink(self.namespace, set_up)
        segment.members.append(Member(node=self, device=device, mac=mac, addresses=own))
        self.segments.append(segment)

    def greet(self, mine: Member, others: Sequence[Member]) -> None:
        """Know the link addresses of neighbours for good; called by the lab."""

        def know(ip: kernel.IP) -> None:
            index = kernel.device_index(ip, mine.device)
            for address, mac in [(address, one.mac) for one in others for address in one.addresses]:
                ip.neigh(
                    "replace",
                    dst=str(address.ip),
                    lladdr=mac,
                    ifindex=index,
                    family=_FAMILIES[address.version],
                    state=_PERMANENT,
                )

        kernel.netlink(self.namespace, know)

    def reroute(self) -> None:
        """Make the routes that the lab's shape asks for; called by the lab."""
        wanted = {network: hop for network, hop in routes(self).items() if network not in self._own}
        changed = {
            network: hop for network, hop in wanted.items() if self._routes.get(network) != hop
        }
        if not changed:
            return

        def apply(ip: kernel.IP) -> None:
            for network, (via, device) in changed.items():
                index = kernel.device_index(ip, device)
                ip.route("replace", dst=str(network), gateway=str(via), oif=index)

        kernel.netlink(self.namespace, apply)
        self._routes = wanted

    def _first(self, version: int) -> str:
        found = of_version(self.addresses, version)
        if found is None:
            raise LabError(f"{self} has no IPv{version} address; connect it with lab.link()")
        return found

    def _neighbour(self, other: Host, version: int) -> str:
        for segment in self.segments:
            for member in segment.members:
                found = of_version(member.addresses, version)
                if member.node is other and found is not None:
                    return found
        raise OptionError(f"{other} is no neighbour of {self} with an IPv{version} address")


class Router(Host):
    """A router: it forwards what is not for itself."""

    is_router: ClassVar[bool] = True

    def __init__(self, name: str, namespace: str) -> None:
        """Set up its namespace, which is there already."""
        super().__init__(name, namespace)
        self._multicast: dict[int, Forwarding] = {}

    def forward_multicast(self, group: str, incoming: Link, *outgoing: Link) -> Bracket:
        """Forward a multicast group from one link to others from now on; return when.

        It is static, for any source; receivers need not join for it. Said again of the same group,
        it replaces what was said before; without ``outgoing``, the group ends here.

        Raises:
            OptionError: it is no group, or a link is not one of this router.
            LabError: this kernel does not forward multicast.
        """
        version = group_version(group)
        devices = [link.end_of(self).device for link in (incoming, *outgoing)]

        def indices(ip: kernel.IP) -> list[int]:
            return [kernel.device_index(ip, device) for device in devices]

        numbers = kernel.netlink(self.namespace, indices)
        if version not in self._multicast:
            self._multicast[version] = Forwarding(self.namespace, version)
        return self._multicast[version].add(group, numbers[0], numbers[1:])

    def close(self) -> None:
        """Let go of everything in the namespace."""
        for forwarding in self._multicast.values():
            forwarding.close()
        self._multicast.clear()

    def _set_up(self) -> None:
        super()._set_up()
        ipv6 = _FORWARDS_IPV6 if kernel.has_ipv6() else {}
        kernel.set_kernel(self.namespace, {**_FORWARDS, **ipv6})


class Bridge(Node):
    """A switch: all that is linked to it can hear one another; multicast goes to all ports.

    Attributes:
        segment: who that is.
    """

    is_bridge: ClassVar[bool] = True
    _DEVICE: ClassVar[str] = "port"

    def __init__(self, name: str, namespace: str, networks: list[Network]) -> None:
        """Set up its namespace, which is there already."""
        super().__init__(name, namespace)
        self.segment = Segment(networks)

    def attach(self, device: str) -> None:
        """Make a new device a port; called by the lab."""

        def port(ip: kernel.IP) -> None:
            master = kernel.device_index(ip, "br0")
            ip.link("set", index=kernel.device_index(ip, device), master=master, state="up")

        kernel.netlink(self.namespace, port)

    def _set_up(self) -> None:
        kernel.silence(self.namespace)

        def bridge(ip: kernel.IP) -> None:
            # No snooping: without a querier it would stop to forward groups after a while.
            ip.link("add", ifname="br0", kind="bridge", br_mcast_snooping=0)
            ip.link("set", index=kernel.device_index(ip, "br0"), state="up")

        kernel.netlink(self.namespace, bridge)
