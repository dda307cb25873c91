"""Static multicast forwarding of one router: the kernel's own, without a routing daemon.

The kernel forwards what it has been told as long as the socket that told it is open; any source
(linux/mroute.h, linux/mroute6.h).
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import TYPE_CHECKING, Final

from pyperf2.errors import LabError, OptionError
from pyperf2.lab.instants import bracketed
from pyperf2.lab.kernel import inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.lab.instants import Bracket

# The numbers are the same for both versions.
_INIT: Final = 200
_ADD_INTERFACE: Final = 202
_ADD_GROUP: Final = 204
_DELETE_GROUP: Final = 205
_BY_INDEX: Final = 8  # VIFF_USE_IFINDEX
_INTERFACES: Final = 32  # MAXVIFS, MAXMIFS
_VERSION_6: Final = 6


class Forwarding:
    """Multicast forwarding in one namespace, for one version of IP.

    Args:
        namespace: its name.
        version: 4 or 6.

    Raises:
        LabError: this kernel does not forward multicast, or another program does so there.
    """

    def __init__(self, namespace: str, version: int) -> None:
        """Open it."""
        self._six = version == _VERSION_6
        self._level = socket.IPPROTO_IPV6 if self._six else socket.IPPROTO_IP
        self._numbers: dict[int, int] = {}  # kernel's index of a device: our number
        try:
            self._socket = inside(namespace, self._open)
        except OSError as error:
            raise LabError(f"{namespace!r} cannot forward multicast: {error}") from error

    def add(self, group: str, incoming: int, outgoing: Sequence[int]) -> Bracket:
        """Forward a group from one device to others; what was said of it before is replaced.

        Args:
            group: its address.
            incoming: index of the device where it comes in.
            outgoing: indices of the devices where it goes out.
        """
        numbers = [self._number(index) for index in (incoming, *outgoing)]
        request = self._group(group, numbers)
        return bracketed(lambda: self._set(_ADD_GROUP, request))[1]

    def delete(self, group: str) -> Bracket:
        """Forward a group no longer."""
        request = self._group(group, [0])
        return bracketed(lambda: self._set(_DELETE_GROUP, request))[1]

    def close(self) -> None:
        """Forward nothing any more."""
        self._socket.close()

    def _open(self) -> socket.socket:
        family, protocol = (
            (socket.AF_INET6, socket.IPPROTO_ICMPV6)
            if self._six
            else (socket.AF_INET, socket.IPPROTO_IGMP)
        )
        opened = socket.socket(family, socket.SOCK_RAW, protocol)
        try:
            opened.setsockopt(self._level, _INIT, 1)
        except OSError:
            opened.close()
            raise
        return opened

    def _number(self, index: int) -> int:
        if index not in self._numbers:
            number = len(self._numbers)
            if number == _INTERFACES:
                raise LabError(f"the kernel forwards multicast between {_INTERFACES} devices only")
            if self._six:  # struct mif6ctl: number, flags, threshold, index, rate limit
                request = struct.pack("@HBBHI", number, 0, 1, index, 0)
            else:  # struct vifctl: number, flags, threshold, rate limit, index, remote address
                request = struct.pack("@HBBIi4s", number, _BY_INDEX, 1, 0, index, bytes(4))
            self._set(_ADD_INTERFACE, request)
            self._numbers[index] = number
        return self._numbers[index]

    def _group(self, group: str, numbers: Sequence[int]) -> bytes:
        """Return struct mfcctl or mf6cctl.

        The device where a group from any source comes in has to be among those where it goes out;
        the kernel does not send it back there.
        """
        address = ipaddress.ip_address(group).packed
        if self._six:
            bits = sum(1 << number for number in set(numbers))
            anyone = struct.pack("@HHI16sI", socket.AF_INET6, 0, 0, bytes(16), 0)
            members = struct.pack("@HHI16sI", socket.AF_INET6, 0, 0, address, 0)
            return anyone + members + struct.pack("@HxxI28x", numbers[0], bits)
        hops = bytes(1 if number in numbers else 255 for number in range(_INTERFACES))
        return struct.pack("@4s4sH32sIIIi", bytes(4), address, numbers[0], hops, 0, 0, 0, 0)

    def _set(self, option: int, request: bytes) -> None:
        try:
            self._socket.setsockopt(self._level, option, request)
        except OSError as error:
            raise LabError(f"the kernel refused to forward multicast so: {error}") from error


def group_version(group: str) -> int:
    """Return the version of IP of a group's address.

    Raises:
        OptionError: it is none.
    """
    try:
        address = ipaddress.ip_address(group)
    except ValueError as error:
        raise OptionError(f"a group is an address, as '239.1.1.1': {error}") from None
    if not address.is_multicast:
        raise OptionError(f"{group} is no multicast group (224.0.0.0/4, ff00::/8)")
    return address.version
