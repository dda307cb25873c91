"""Ports that are really reserved: bound and locked until released; knows nothing of iperf.

A reservation holds its number bound, TCP and UDP, IPv4 and IPv6, in the namespace it is for, and
locks it (`pyperf2.run.locks`). A server of this program that is given the number borrows it: the
sockets are let go just before iperf binds, and taken back when it has ended; the lock stays.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyperf2.core import kinds
from pyperf2.core.arguments import whole
from pyperf2.errors import OptionError, PortUnavailable, PyPerf2Error
from pyperf2.run import binding, locks, ports, sockets
from pyperf2.run.host import Local, Netns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from pyperf2.core.records import Protocol
    from pyperf2.run.host import Host

_log = logging.getLogger(__name__)

# Below what Linux gives to clients (32768 to 60999, unless told otherwise), above the registered
# ports that are in use; iperf's own, 5001 and 5201, are what people start by hand.
PICKED_FROM: Final = range(20_000, 30_000)
_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_ALL: Final[tuple[Protocol, ...]] = ("tcp", "udp")


class PortReservation:
    """A port that nobody else gets until it is released; use `reserve_port`.

    It is a whole number wherever one is wanted: ``Server(port=reservation)``. It ends with the
    program, even one that is killed; a forked child has no part in it.

    Attributes:
        port: the number.
        host: where it is reserved.
        protocols: for what: ``("tcp", "udp")``, or one of them.
    """

    def __init__(
        self, host: Host, port: int, protocols: Sequence[Protocol], *, namespace: int
    ) -> None:
        """Take the port in this thread's namespace, which is that of ``host``."""
        self.host = host
        self.port = port
        self.protocols = tuple(protocols)
        self._keys = [(namespace, one, port) for one in protocols]
        self._locks: list[int] = []
        self._held: dict[Protocol, int] = {}
        self._lent: Counter[Protocol] = Counter()
        self._released = False
        try:
            with ports.table:
                for key in self._keys:
                    ports.offer(key, self)
                    self._locks.append(locks.take(key[1], port, binding.ANY6))
                    self._held[key[1]] = binding.hold(key[1], port)
        except BaseException:
            self.release()
            raise

    @property
    def held(self) -> bool:
        """Whether it holds its port, or has lent it to a server of this program."""
        return not self._released and all(
            one in self._held or self._lent[one] for one in self.protocols
        )

    def release(self) -> None:
        """Give the port back, at once; more than once does no harm.

        A server that has borrowed it keeps it until it ends.
        """
        with ports.table:
            if self._released:
                return
            self._released = True
            for key in self._keys:
                ports.withdraw(key, self)
            self._close_sockets()
            if not self._lent:
                self._unlock()

    def lend(self, protocol: Protocol) -> None:
        """Let the port go for a server of this program; called by `ports.claim`."""
        self._lent[protocol] += 1
        if (fd := self._held.pop(protocol, None)) is not None:
            os.close(fd)

    def take_back(self, protocol: Protocol) -> None:
        """Hold the port again: the server has ended; called by `ports.Claim`."""
        self._lent -= Counter([protocol])
        if self._lent[protocol]:
            return
        if self._released:
            if not self._lent:
                self._unlock()
            return
        try:
            self._held[protocol] = self.host.inside(
                lambda: binding.hold(protocol, self.port), os.close
            )
        except (PyPerf2Error, OSError) as error:
            what = binding.told(self.host, protocol, self.port)
            _log.warning("%s is reserved no more, its server gave it up: %s", what, error)

    def disown(self) -> None:
        """In a forked child: close the copies; the reservation is the parent's."""
        self._released = True
        self._close_sockets()
        self._unlock()

    def _close_sockets(self) -> None:
        while self._held:
            os.close(self._held.popitem()[1])

    def _unlock(self) -> None:
        while self._locks:
            os.close(self._locks.pop())

    def __index__(self) -> int:
        """Give the number."""
        return self.port

    def __enter__(self) -> Self:
        """Keep it for the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release it."""
        self.release()

    def __repr__(self) -> str:
        """Show what is reserved where."""
        what = "+".join(self.protocols)
        state = "" if self.held else ", released" if self._released else ", lost"
        return f"<PortReservation {what} {self.port} on {self.host}{state}>"


def reserve_port(
    port: int | None = None,
    find_port: bool = True,  # noqa: FBT001, FBT002 - given by place in scripts there are
    count: int = 10,
    *,
    host: Host | str | None = None,
    protocol: Protocol | None = None,
) -> PortReservation:
    """Reserve a port; it is free, and stays so, until released.

    Args:
        port: the number; None picks one of 20000 to 29999 that no client is given as its own.
        find_port: take the next free number if ``port`` is taken.
        count: how many numbers to try, ``port`` among them; without one, all may be tried.
        host: where: None for here, the name of a network namespace, or a host.
        protocol: None for both, TCP and UDP: iperf3 needs both for a UDP test.

    Raises:
        PortUnavailable: none was free; it names the port, the place and what was tried.
        OptionError: a number or a count that is none.
        PrivilegeError: a port below 1024, or a namespace, and no right to it.
        NameSpaceNotFoundError: there is no such namespace.
    """
    tries = whole("count", count, kinds.integer(1)) if find_port else 1
    place, protocols = _host(host), _protocols(protocol)

    def reserved() -> PortReservation:
        numbers = _candidates(_number(port), tries)
        found = _first_free(place, protocols, numbers)
        if isinstance(found, PortReservation):
            return found
        raise PortUnavailable(errno.EADDRINUSE, _none_free(place, protocols, numbers, found))

    return place.inside(reserved, PortReservation.release)


def unreserve_port(port: PortReservation | int, host: Host | str | None = None) -> None:
    """Give back a port that this program has reserved; more than once does no harm.

    Args:
        port: the reservation, or its number, for all protocols.
        host: where the number is reserved, as for `reserve_port`; a reservation knows.

    Raises:
        OptionError, PrivilegeError, NameSpaceNotFoundError: as `reserve_port`.
    """
    if isinstance(port, PortReservation):
        port.release()
        return
    number = whole("port", port, kinds.PORT)
    here = _host(host).inside(ports.namespace_here)
    for lender in ports.lenders_of(here, number):
        if isinstance(lender, PortReservation):
            lender.release()


def find_free_port(
    port: int | None = None,
    count: int = 10,
    *,
    host: Host | str | None = None,
    protocol: Protocol | None = None,
) -> int:
    """Give a port that is free just now, and that anybody may take meanwhile: no reservation.

    Takes what `reserve_port` takes and raises what it raises.
    """
    with reserve_port(port, count=count, host=host, protocol=protocol) as found:
        return found.port


def check_port(port: int, host: Host | str | None = None, protocol: Protocol | None = None) -> bool:
    """Whether a port is free and not reserved: it is really bound, by IPv4 and IPv6, and let go.

    Takes what `reserve_port` takes, and raises what it raises but PortUnavailable.
    """
    place = _host(host)

    def is_free() -> bool:
        found = _first_free(place, _protocols(protocol), _candidates(_number(port), 1))
        if isinstance(found, PortReservation):
            found.release()
            return True
        return False

    return place.inside(is_free)


check_if_port_is_free = check_port  # as other traffic managers call it


def _first_free(
    host: Host, protocols: Sequence[Protocol], numbers: Sequence[int]
) -> PortReservation | str:
    """Reserve the first number that is free in this thread's namespace; or say why none is."""
    here, reason = ports.namespace_here(), ""
    for number in numbers:
        try:
            return PortReservation(host, number, protocols, namespace=here)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                what = binding.told(host, protocols[0], number)
                raise (binding.explained(error, what) or error) from error
            reason = str(error.strerror)
    return reason


def _host(host: Host | str | None) -> Host:
    if host is None:
        return Local()
    return Netns(host) if isinstance(host, str) else host


def _protocols(protocol: Protocol | None) -> tuple[Protocol, ...]:
    if protocol is not None and protocol not in _ALL:
        raise OptionError(f"protocol={protocol!r}: tcp, udp or None for both is wanted")
    return _ALL if protocol is None else (protocol,)


def _number(port: int | None) -> int | None:
    return None if port is None else whole("port", port, kinds.PORT)


def _candidates(port: int | None, count: int) -> Sequence[int]:
    """Give the numbers to try, in order."""
    if port is not None:
        return range(port, min(port + count, kinds.MAX_PORT + 1))
    first, last = PICKED_FROM.start, PICKED_FROM.stop
    low = high = last
    with contextlib.suppress(OSError):  # no /proc/sys: a container may hide it
        low, high = map(int, _EPHEMERAL.read_text(encoding="ascii").split())
    left = [*range(first, min(low, last)), *range(max(first, high + 1), last)] or [*PICKED_FROM]
    start = secrets.randbelow(len(left))  # programs that start at once rarely meet
    return left[start:] + left[:start]


def _none_free(
    host: Host, protocols: Sequence[Protocol], numbers: Sequence[int], reason: str
) -> str:
    kinds_told = "/".join(one.upper() for one in protocols)
    if len(numbers) > 1:
        span = f"{min(numbers)} to {max(numbers)}"
        return f"no {kinds_told} port from {span} is free on {host}; {len(numbers)} were tried"
    what = f"{kinds_told} port {numbers[0]} on {host} is taken"
    if reason != os.strerror(errno.EADDRINUSE):
        return f"{what}: {reason}"
    pids = (sockets.holder(one, numbers[0]) for one in protocols)
    pid = next((pid for pid in pids if pid), None)
    return f"{what} by process {pid}" if pid else what
