"""Who has which port: the table of claims of this program; knows no process and no iperf.

Two iperf2 servers share a UDP port without a word, and each gets a part of the traffic, so a look
before the start is the only safeguard. Two servers that start at the same moment would both find
the port free: the table keeps those of this program apart, locks those of several.
"""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING, TypeAlias
from typing import Protocol as Interface

from pyperf2.errors import PortUnavailable
from pyperf2.run import locks
from pyperf2.run.binding import Place, ensure_free, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.core.records import Protocol
    from pyperf2.run.host import Host

Key: TypeAlias = "tuple[int, Protocol, int]"  # network namespace (its inode), protocol, port


class Lender(Interface):
    """Who holds ports, and lets them go for as long as a server of this program has them."""

    def lend(self, protocol: Protocol) -> None:
        """Let the port go; the table is locked meanwhile."""

    def take_back(self, protocol: Protocol) -> None:
        """Hold it again: the server has ended; the table is locked meanwhile."""

    def disown(self) -> None:
        """In a forked child: close the copies, the port is the parent's."""


class Claim:
    """A port kept for one server of this program until released."""

    def __init__(self, key: Key, place: Place | None) -> None:
        """Hold what `claim` entered in the table; a place is None where any number may share it."""
        self.place = place
        self._key = key
        self._loans: list[tuple[Lender, Protocol]] = []
        self._lock: int | None = None

    def borrow(self, protocol: Protocol) -> None:
        """Have the port let go by whoever of this program holds it; the table is locked."""
        namespace, _, port = self._key
        lender = _lenders.get((namespace, protocol, port))
        if lender is not None:
            lender.lend(protocol)
            self._loans.append((lender, protocol))

    def lock(self) -> None:
        """Keep other processes from starting a server there, until `settle`."""
        if self.place is not None and not self._loans:
            with table:
                self._lock = locks.take(self._key[1], self._key[2], self.place)

    def settle(self) -> None:
        """The server has bound the port: the kernel keeps it from now on."""
        fd, self._lock = self._lock, None
        if fd is not None:
            os.close(fd)

    def release(self) -> None:
        """Give the port back; once is enough, more does no harm."""
        self.settle()
        with table:
            held = _claims.get(self._key, [])
            if self not in held:
                return
            held.remove(self)
            if not held:
                del _claims[self._key]
            for lender, protocol in self._loans:
                lender.take_back(protocol)

    def disown(self) -> None:
        """In a forked child: close the copies; the port is the parent's."""
        self.settle()
        for lender, _ in self._loans:
            lender.disown()

    def __enter__(self) -> Claim:  # noqa: PYI034 - typing.Self is 3.11
        """Hold it for the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release it."""
        self.release()


table = threading.RLock()  # guards the two dicts, and what lenders hold
_claims: dict[Key, list[Claim]] = {}
_lenders: dict[Key, Lender] = {}


def claim(
    host: Host,
    protocol: Protocol,
    port: int,
    *,
    address: str | None = None,
    ipv6: bool = False,
    also: Sequence[Protocol] = (),
) -> Claim:
    """Keep a free port for one server of this program, until its `Claim` is released.

    A port that this program has reserved is borrowed: let go now, held again when released;
    ``also`` for those protocols that the server will bind later. For the rest, takes what
    `ensure_free` takes and raises what it raises; another claim counts as taken.
    """
    place = Place.of(address, ipv6=ipv6)

    def claimed() -> Claim:
        key = (namespace_here(), protocol, port)
        mine = _enter(key, place, told(host, protocol, port, address), also)
        try:
            mine.lock()
            ensure_free(host, protocol, port, address=address, ipv6=ipv6)
        except OSError as error:
            mine.release()
            if isinstance(error, PortUnavailable) or error.errno != errno.EADDRINUSE:
                raise
            what = told(host, protocol, port, address)
            message = f"{what} is kept by another process that uses pyperf2"
            raise PortUnavailable(errno.EADDRINUSE, message) from None
        except BaseException:
            mine.release()
            raise
        return mine

    return host.inside(claimed, Claim.release)


def _enter(key: Key, place: Place | None, what: str, also: Sequence[Protocol]) -> Claim:
    with table:
        if place and any(one.place and place.overlaps(one.place) for one in _claims.get(key, ())):
            raise PortUnavailable(errno.EADDRINUSE, f"{what} is taken by this very program")
        mine = Claim(key, place)
        _claims.setdefault(key, []).append(mine)
        for protocol in dict.fromkeys((key[1], *also)):
            mine.borrow(protocol)
    return mine


def offer(key: Key, lender: Lender) -> None:
    """Enter a port that ``lender`` is to hold; `claim` borrows it from there.

    Raises:
        PortUnavailable: this program has it already, for a server or reserved.
    """
    with table:
        if key in _lenders or key in _claims:
            raise PortUnavailable(errno.EADDRINUSE, "this very program has it")
        _lenders[key] = lender


def withdraw(key: Key, lender: Lender) -> None:
    """Take a lender's port off the table; a server that has borrowed it keeps it."""
    with table:
        if _lenders.get(key) is lender:
            del _lenders[key]


def lenders_of(namespace: int, port: int) -> list[Lender]:
    """Give those who hold a port of a namespace, for whichever protocol."""
    with table:
        return [one for key, one in _lenders.items() if (key[0], key[2]) == (namespace, port)]


def namespace_here() -> int:
    """Return the inode that identifies this thread's network namespace, whatever name led to it."""
    return os.stat("/proc/thread-self/ns/net").st_ino  # noqa: PTH116


def _before_fork() -> None:
    table.acquire()  # whatever is open is also in the table, for the child to close


def _after_fork() -> None:
    global table  # noqa: PLW0603 - the parent's
    table = threading.RLock()
    for claims in _claims.values():
        for one in claims:
            one.disown()
    for lender in _lenders.values():
        lender.disown()
    _claims.clear()
    _lenders.clear()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=lambda: table.release(),  # noqa: PLW0108 - the table of that moment
    after_in_child=_after_fork,
)
