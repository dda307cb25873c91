"""The namespace that holds the cables of a lab: each link runs through it, and is broken there.

A link is two veth pairs, from each end to here, and rules that forward what comes in at one to
the other. So an impairment takes datagrams after the sender's kernel has let them go, and before
the receiver's has seen them; and both ends of a link can lose their carrier.
"""

from __future__ import annotations

import fcntl
import socket
import threading
from functools import partial
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from pyperf2.errors import NameSpaceNotFoundError, StateError
from pyperf2.lab import kernel, rules
from pyperf2.lab.counters import Counters
from pyperf2.lab.nft import Nft

if TYPE_CHECKING:
    from collections.abc import Sequence

# What one would see on a cable: packets no larger than the MTU, each counted by itself.
_NO_OFFLOAD: Final = {"gso_max_segs": 1}
# Where both devices of a veth pair have the same index, the kernel takes the pair for one device
# without a peer, and may deal with a change of its carrier as late as a second after.
_FIRST_INDEX: Final = 100_000
_ANSWER: Final = 65536


class Wires:
    """All cables of a lab.

    Args:
        namespace: its name; it is there already.
    """

    def __init__(self, namespace: str) -> None:
        """Open its rules; errors as those of `Nft`."""
        self.namespace = namespace
        self.nft = Nft(namespace)
        self.nft.do(f"add table {rules.WIRES}")
        self._faults = count(1)
        self._before: dict[tuple[int, int], dict[int, tuple[int, Sequence[str]]]] = {}
        self._netlink: socket.socket | None = None
        self._asking = threading.Lock()
        self._control: socket.socket | None = None
        self._elsewhere: dict[str, Nft] = {}
        self._counters: dict[str, Counters] = {}

    def connect(self) -> None:
        """Open what `ask` and `control` need, so that they need no time for it."""
        if self._netlink is None:
            self._netlink = kernel.inside(self.namespace, _netlink_socket)
            self._control = kernel.inside(self.namespace, _control_socket)

    def ask(self, request: bytes) -> bytes:
        """Send the kernel a netlink message that is written already; return its answer.

        Raises:
            StateError: the lab is closed.
        """
        with self._asking:
            if self._netlink is None:
                raise StateError("the lab is closed")
            self._netlink.send(request)
            return self._netlink.recv(_ANSWER)

    def control(self, request: int, argument: bytes) -> bytes:
        """Do an ioctl on a device; return what the kernel made of the argument.

        Raises:
            StateError: the lab is closed.
            OSError: the kernel refused it.
        """
        if self._control is None:
            raise StateError("the lab is closed")
        return fcntl.ioctl(self._control, request, argument)

    def nft_of(self, namespace: str) -> Nft:
        """Return the rules of the namespace of a node."""
        if namespace not in self._elsewhere:
            self._elsewhere[namespace] = Nft(namespace)
        return self._elsewhere[namespace]

    def counters_of(self, namespace: str) -> Counters:
        """Return the counters of a namespace: that of a node, or this."""
        if namespace not in self._counters:
            self._counters[namespace] = Counters(namespace)
        return self._counters[namespace]

    def run(self, link: int, ends: Sequence[tuple[str, str, str]], *, offload: bool) -> None:
        """Run a cable.

        Args:
            link: its number.
            ends: the two (namespace, name of the device in there, its MAC address).
            offload: larger packets than the MTU may pass, for speed.
        """
        limits = {} if offload else _NO_OFFLOAD

        def pairs(ip: kernel.IP) -> None:
            for end, (namespace, name, mac) in enumerate(ends):
                here = rules.device(link, end)
                peer = {"ifname": name, "net_ns_fd": namespace, "address": mac, **limits}
                try:
                    index = _FIRST_INDEX + 2 * link + end
                    ip.link("add", ifname=here, index=index, kind="veth", peer=peer, **limits)
                except FileNotFoundError as error:
                    raise NameSpaceNotFoundError(f"namespace {namespace!r} is gone") from error
                ip.link("set", index=index, state="up")

        kernel.netlink(self.namespace, pairs)
        self._before[link, 0], self._before[link, 1] = {}, {}
        self.nft.do(rules.wire(link))

    def await_carriers(self, link: int, ends: Sequence[tuple[str, str]]) -> None:
        """Wait until a cable carries in both directions; both its ends are up.

        Args:
            link: its number.
            ends: the two (namespace, name of the device in there).
        """
        for end, (namespace, device) in enumerate(ends):
            here = rules.device(link, end)
            kernel.netlink(self.namespace, partial(kernel.await_carrier, device=here))
            kernel.netlink(namespace, partial(kernel.await_carrier, device=device))

    def next_fault(self) -> int:
        """Return a number for an impairment."""
        return next(self._faults)

    def lead(
        self,
        link: int,
        toward: int,
        fault: int,
        statements: Sequence[str],
        *,
        place: int = rules.MIDDLE,
    ) -> None:
        """Put an impairment's statements in front of a way; it is switched off so far."""
        before = self._before[link, toward]
        self._set(link, toward, {**before, fault: (place, statements)})

    def unlead(self, link: int, toward: int, fault: int) -> None:
        """Take an impairment's statements away."""
        before = self._before[link, toward]
        self._set(link, toward, {other: told for other, told in before.items() if other != fault})

    def close(self) -> None:
        """Let go of the rules; the namespace is removed by who made it."""
        for rules_of in (self.nft, *self._elsewhere.values()):
            rules_of.close()
        for counters in self._counters.values():
            counters.close()
        for opened in (self._netlink, self._control):
            if opened is not None:
                opened.close()
        self._netlink = self._control = None

    def _set(self, link: int, toward: int, before: dict[int, tuple[int, Sequence[str]]]) -> None:
        told = sorted(before.values(), key=itemgetter(0))
        statements = [one for _, several in told for one in several]
        self.nft.do("\n".join(rules.rewire(link, toward, statements)))
        self._before[link, toward] = before


def _netlink_socket() -> socket.socket:
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    opened.bind((0, 0))
    return opened


def _control_socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
