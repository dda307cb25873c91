"""Ports bound as iperf would bind them; knows nothing of who wants one, or for how long."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import TYPE_CHECKING, Final, NamedTuple

from pyperf2.errors import BindFailed, PortUnavailable, PrivilegeError
from pyperf2.run import sockets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyperf2.core.records import Protocol
    from pyperf2.errors import PyPerf2Error
    from pyperf2.run.host import Host

_TYPES: Final[Mapping[Protocol, socket.SocketKind]] = {
    "tcp": socket.SOCK_STREAM,
    "udp": socket.SOCK_DGRAM,
}
_ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


class Place(NamedTuple):
    """An address as a socket takes it, and the device that it is bound to."""

    ip: str
    device: str
    family: socket.AddressFamily

    @classmethod
    def of(cls, address: str | None, *, ipv6: bool) -> Place | None:
        """Read ``addr``, ``addr%dev`` or None for any; None for what is a name or a group."""
        if not address:
            return ANY6 if ipv6 else ANY4
        ip, _, device = address.partition("%")
        try:
            parsed = ipaddress.ip_address(ip)
        except ValueError:  # a host name: looking it up may block; iperf will
            return None
        if parsed.is_multicast:  # several receivers may share a group
            return None
        family = socket.AF_INET6 if parsed.version == 6 else socket.AF_INET  # noqa: PLR2004
        return cls(str(parsed), device, family)

    def overlaps(self, other: Place) -> bool:
        """Whether two sockets with one port could not have both."""
        if self.device and other.device and self.device != other.device:
            return False
        # "::" takes IPv4 too: iperf leaves its IPv6 sockets dual-stack.
        return self.ip == other.ip or any(
            one.ip in _ANY and (one.ip == "::" or one.family == two.family)
            for one, two in ((self, other), (other, self))
        )


ANY4: Final = Place("0.0.0.0", "", socket.AF_INET)  # noqa: S104 - where iperf binds, unless told
ANY6: Final = Place("::", "", socket.AF_INET6)


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
        PrivilegeError: a port below 1024, and no right to it; or as `Host.inside` does.
        NameSpaceNotFoundError: as `Host.inside` does.
    """
    place = Place.of(address, ipv6=ipv6)
    if place is None:
        return

    def try_it() -> None:
        try:
            bound = _bound(place, protocol, port)
        except OSError as error:
            what = told(host, protocol, port, address)
            known = explained(error, what, sockets.holder(protocol, port))
            raise (known or error) from None
        if bound is not None:
            bound.close()

    host.inside(try_it)


def hold(protocol: Protocol, port: int) -> int:
    """Keep a port of this thread's namespace from everybody; give the descriptor that does it.

    IPv4 and IPv6 are held by the one socket. It does not listen: who connects is refused.

    Raises:
        OSError: as ``bind`` does; `explained` puts it into words.
    """
    held = _bound(ANY6, protocol, port) or _bound(ANY4, protocol, port)
    if held is None:
        raise OSError(errno.EAFNOSUPPORT, "this kernel has neither IPv4 nor IPv6")
    if protocol == "tcp":
        # Bound over connections in TIME_WAIT, it must not be shared any more: a listener cannot
        # be, and after that, one without the option.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        held.shutdown(socket.SHUT_RD)
    return held.detach()  # a plain descriptor: kept to the end of the program, it warns of nothing


def explained(error: OSError, what: str, pid: int | None = None) -> PyPerf2Error | None:
    """Put a failed ``bind`` into words; None where the kernel's own are as good."""
    if error.errno == errno.EADDRINUSE:
        by = f" by process {pid}" if pid else ""
        return PortUnavailable(error.errno, f"{what} is taken{by}")
    if error.errno in {errno.EADDRNOTAVAIL, errno.ENODEV}:
        return BindFailed(f"cannot bind {what}: {error.strerror} there")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return PrivilegeError(error.errno, f"{what}: {error.strerror}")
    return None


def told(host: Host, protocol: Protocol, port: int, address: str | None = None) -> str:
    """Name a port as a sentence needs it."""
    at = f" of {address}" if address else ""
    return f"{protocol.upper()} port {port}{at} on {host}"


def _bound(place: Place, protocol: Protocol, port: int) -> socket.socket | None:
    """Bind as iperf does; None where the kernel does not have the family."""
    try:
        made = socket.socket(place.family, _TYPES[protocol])
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:  # iperf will say so, and what it does instead
            return None
        raise
    try:
        scope = 0
        if place.device and ipaddress.ip_address(place.ip).is_link_local:
            scope = socket.if_nametoindex(place.device)
        elif place.device:
            name = place.device.encode() + b"\0"
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
        if place.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            where: tuple[str, int] | tuple[str, int, int, int] = (place.ip, port, 0, scope)
        else:
            where = (place.ip, port)
        if protocol == "tcp":  # as iperf does; a connection in TIME_WAIT is no obstacle
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(where)
        if protocol == "tcp":
            made.listen(1)
    except BaseException:
        made.close()
        raise
    return made
