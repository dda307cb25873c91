"""Ports that are really free: looked at by binding them; knows nothing of who wants them.

Two iperf2 servers share a UDP port without a word, and each gets a part of the traffic, so a look
before the start is the only safeguard. Two servers of *this* program that start at the same moment
would both find the port free: the claim table keeps them apart.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

from pyperf2.errors import BindFailed, PortUnavailable, PrivilegeError
from pyperf2.run import sockets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from pyperf2.core.records import Protocol
    from pyperf2.run.host import Host

_TYPES: Final[Mapping[Protocol, socket.SocketKind]] = {
    "tcp": socket.SOCK_STREAM,
    "udp": socket.SOCK_DGRAM,
}
_ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


class _Place(NamedTuple):
    """An address as a socket takes it, and the device that it is bound to."""

    ip: str
    device: str
    family: socket.AddressFamily

    @classmethod
    def of(cls, address: str | None, *, ipv6: bool) -> _Place | None:
        """Read ``addr``, ``addr%dev`` or None for any; None for what is a name or a group."""
        if not address:
            return cls("::", "", socket.AF_INET6) if ipv6 else cls("0.0.0.0", "", socket.AF_INET)  # noqa: S104
        ip, _, device = address.partition("%")
        try:
            parsed = ipaddress.ip_address(ip)
        except ValueError:  # a host name: looking it up may block; iperf will
            return None
        if parsed.is_multicast:  # several receivers may share a group
            return None
        family = socket.AF_INET6 if parsed.version == 6 else socket.AF_INET  # noqa: PLR2004
        return cls(str(parsed), device, family)

    def overlaps(self, other: _Place) -> bool:
        """Whether two sockets with one port could not have both."""
        if self.device and other.device and self.device != other.device:
            return False
        # "::" takes IPv4 too: iperf leaves its IPv6 sockets dual-stack.
        return self.ip == other.ip or any(
            one.ip in _ANY and (one.ip == "::" or one.family == two.family)
            for one, two in ((self, other), (other, self))
        )


class Claim:
    """A port kept from other instances of this program until released."""

    def __init__(self, key: tuple[int, str, int], place: _Place | None) -> None:
        """Hold what `claim` entered in the table."""
        self._key = key
        self._place = place

    def release(self) -> None:
        """Give the port back; once is enough, more does no harm."""
        place, self._place = self._place, None
        if place is not None:
            with _lock:
                held = _claims.get(self._key, [])
                with contextlib.suppress(ValueError):  # a forked child has an empty table
                    held.remove(place)
                if not held:
                    _claims.pop(self._key, None)

    def __enter__(self) -> Claim:  # noqa: PYI034 - typing.Self is 3.11
        """Hold it for the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release it."""
        self.release()


_claims: dict[tuple[int, str, int], list[_Place]] = {}
_lock = threading.Lock()


def claim(
    host: Host, protocol: Protocol, port: int, *, address: str | None = None, ipv6: bool = False
) -> Claim:
    """Keep a free port for one server of this program, until its `Claim` is released.

    Takes what `ensure_free` takes and raises what it raises; another claim counts as taken.
    """
    key = (_namespace(host), protocol, port)
    place = _Place.of(address, ipv6=ipv6)
    if place is not None:
        with _lock:
            held = _claims.setdefault(key, [])
            if any(place.overlaps(other) for other in held):
                message = f"{_told(host, protocol, port, address)} is taken by this very program"
                raise PortUnavailable(errno.EADDRINUSE, message)
            held.append(place)
    mine = Claim(key, place)
    try:
        ensure_free(host, protocol, port, address=address, ipv6=ipv6)
    except BaseException:
        mine.release()
        raise
    return mine


def ensure_free(
    host: Host, protocol: Protocol, port: int, *, address: str | None = None, ipv6: bool = False
) -> None:
    """Bind the port as iperf would, inside the host's namespace, and let it go again.

    Args:
        host: where the server will run.
        protocol: ``tcp`` or ``udp``.
        port: 1 to 65535.
        address: what the server binds to (``addr`` or ``addr%dev``), None for any. Host names and
            multicast groups are not looked at.
        ipv6: whether "any" is that of IPv6, which takes IPv4 too.

    Raises:
        PortUnavailable: a socket holds it; names the port, the namespace and, if seen, the pid.
        BindFailed: the address is not one of the host's.
        PrivilegeError: a port below 1024, and no right to it; or as `Host.entered` does.
        NameSpaceNotFoundError: as `Host.entered` does.
    """
    place = _Place.of(address, ipv6=ipv6)
    if place is None:
        return
    with host.entered():
        try:
            _bind(place, protocol, port)
        except OSError as error:
            what = _told(host, protocol, port, address)
            if error.errno == errno.EADDRINUSE:
                pid = sockets.holder(protocol, port)
                by = f" by process {pid}" if pid else ""
                raise PortUnavailable(error.errno, f"{what} is taken{by}") from None
            if error.errno in {errno.EADDRNOTAVAIL, errno.ENODEV}:
                message = f"cannot bind {what}: {error.strerror} there"
                raise BindFailed(message) from error
            if error.errno in {errno.EACCES, errno.EPERM}:
                raise PrivilegeError(error.errno, f"{what}: {error.strerror}") from error
            raise


def _bind(place: _Place, protocol: Protocol, port: int) -> None:
    try:
        probe = socket.socket(place.family, _TYPES[protocol])
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:  # iperf will say so, and what it does instead
            return
        raise
    with probe:
        scope = 0
        if place.device and ipaddress.ip_address(place.ip).is_link_local:
            scope = socket.if_nametoindex(place.device)
        elif place.device:
            name = place.device.encode() + b"\0"
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
        if place.family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            where: tuple[str, int] | tuple[str, int, int, int] = (place.ip, port, 0, scope)
        else:
            where = (place.ip, port)
        if protocol == "tcp":  # as iperf does; a connection in TIME_WAIT is no obstacle
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(where)
        if protocol == "tcp":
            probe.listen(1)


def _namespace(host: Host) -> int:
    """Return the inode that identifies the network namespace, whatever name led to it."""
    with host.entered():
        return os.stat("/proc/thread-self/ns/net").st_ino  # noqa: PTH116


def _told(host: Host, protocol: Protocol, port: int, address: str | None) -> str:
    at = f" of {address}" if address else ""
    return f"{protocol.upper()} port {port}{at} on {host}"


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - the parent's
    _lock = threading.Lock()
    _claims.clear()


os.register_at_fork(after_in_child=_after_fork)
