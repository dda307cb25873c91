"""Numbered datagrams through a lab: what was sent, what came, how often."""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

    from pyperf2.lab import Host

PORT: Final = 5001
_LAST: Final = 2**31 - 1  # a number that only says: all before it have come
_LOOPED: Final = 0.05
_DEADLINE_S: Final = 10.0
_PACE_S: Final = 0.0002


class Probe:
    """A socket that sends from one host, and one on each of others that receives."""

    def __init__(self, sender: Host, receivers: Iterable[Host], to: str, port: int = PORT) -> None:
        self._to = (to, port)
        self._early: list[Counter[int]] = []  # what `pass_all` has seen
        self._family = socket.AF_INET6 if ":" in to else socket.AF_INET
        with sender.entered():
            self._sender = socket.socket(self._family, socket.SOCK_DGRAM)
        self._sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 8)
        if self._family == socket.AF_INET6:
            self._sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 8)
        self._receivers = [self._receiver(host) for host in receivers]

    def _receiver(self, host: Host) -> socket.socket:
        with host.entered():
            receiver = socket.socket(self._family, socket.SOCK_DGRAM)
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
            receiver.bind(self._to)
            receiver.settimeout(_LOOPED)
            group = socket.inet_pton(self._family, self._to[0])
            if group[0] == 0xFF and self._family == socket.AF_INET6:
                index = socket.if_nametoindex("eth0")
                request = group + struct.pack("@I", index)
                receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
            elif group[0] & 0xF0 == 0xE0 and self._family == socket.AF_INET:
                mine = socket.inet_aton(host.address)
                receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + mine)
        return receiver

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        for one in (self._sender, *self._receivers):
            one.close()

    def send(self, numbers: Iterable[int], *, size: int = 200) -> None:
        """Send a datagram for each number, five in a millisecond."""
        for number in numbers:
            self._sender.sendto(struct.pack("!i", number) + bytes(size - 4), self._to)
            time.sleep(_PACE_S)

    def pass_all(self) -> None:
        """Wait until nothing is on its way any more; the way is free."""
        self._early = [self._drain(receiver) for receiver in self._receivers]

    def came(self) -> list[Counter[int]]:
        """Return which numbers came, and how often, for each receiver; the way is free now."""
        early, self._early = self._early, []
        late = [self._drain(receiver) for receiver in self._receivers]
        return [one + other for one, other in zip(early, late, strict=True)] if early else late

    def missing(self, sent: Iterable[int]) -> int:
        """Return how many of these did not come to the only receiver."""
        (came,) = self.came()
        return len(set(sent) - set(came))

    def _drain(self, receiver: socket.socket) -> Counter[int]:
        numbers: Counter[int] = Counter()
        deadline = time.monotonic() + _DEADLINE_S
        while True:
            self.send([_LAST])
            try:
                while (number := struct.unpack_from("!i", receiver.recv(2048))[0]) != _LAST:
                    numbers[number] += 1
            except TimeoutError:
                if time.monotonic() > deadline:
                    pytest.fail(f"nothing comes through to {receiver.getsockname()} any more")
                continue
            return numbers


def passes(sender: Host, receiver: Host, to: str) -> bool:
    """Tell whether a hundred datagrams all come through."""
    with Probe(sender, [receiver], to) as probe:
        probe.send(range(100))
        return probe.missing(range(100)) == 0
