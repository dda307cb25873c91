"""Which process may have a port, while no socket is bound to it; knows nothing of servers.

A lock is an abstract AF_UNIX name (unix(7)): it is one of the network namespace, only one socket
can have it, and it is gone with its owner, however that dies. A lock keeps out other processes
that ask for it, and nobody else; a bound port keeps out all.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from pyperf2.run.binding import ANY4, ANY6

if TYPE_CHECKING:
    from pyperf2.core.records import Protocol
    from pyperf2.run.binding import Place


def take(protocol: Protocol, port: int, place: Place) -> int:
    """Lock a port of this thread's namespace; give the descriptor that keeps it.

    Raises:
        OSError: EADDRINUSE, another process has it.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mine:
        mine.bind(_name(protocol, port, place))
        # Of two that overlap and come at once, the later one sees the other's name.
        for other in (ANY4, ANY6):
            if other != place and other.overlaps(place) and _is_taken(_name(protocol, port, other)):
                raise OSError(errno.EADDRINUSE, "another process has locked it")
        return mine.detach()


def _name(protocol: Protocol, port: int, place: Place) -> bytes:
    return f"\0pyperf2/{protocol}/{port}/{place.ip}%{place.device}".encode()


def _is_taken(name: bytes) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        return probe.connect_ex(name) == 0
