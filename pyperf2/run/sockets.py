"""What sockets a process holds, in whatever namespace it is; knows nothing of iperf.

The kernel's own word is taken: the socket inodes under ``/proc/PID/fd``, joined with the tables
``/proc/PID/net/{tcp,tcp6,udp,udp6}``, which show the namespace of that process (proc(5)).
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyperf2.core.records import Protocol
    from pyperf2.run.host import Host

# include/net/tcp_states.h; a UDP socket is ESTABLISHED when connected, otherwise CLOSE
_ESTABLISHED: Final = b"01"
_CLOSE: Final = b"07"
_LISTEN: Final = b"0A"
_BOUND: Final[Mapping[Protocol, bytes]] = {"tcp": _LISTEN, "udp": _CLOSE}

_TABLES: Final[Mapping[Protocol, tuple[str, str]]] = {
    "tcp": ("tcp", "tcp6"),
    "udp": ("udp", "udp6"),
}
_FIRST_POLL_S: Final = 0.001
_LAST_POLL_S: Final = 0.02
_FRESH_S: Final = 0.001  # hundreds of servers of one namespace share one reading of its table


class _Socket(NamedTuple):
    port: int
    remote_port: int
    state: bytes


_tables: dict[tuple[int, str], tuple[float, dict[int, _Socket]]] = {}


def overflowed_datagrams(host: Host) -> int:
    """How many datagrams the kernel of a host has dropped since it is up, their sockets being full.

    That happens where a receiver is too slow to take them: no network loses them.

    Raises:
        NameSpaceNotFoundError, PrivilegeError: as ``Host.inside`` does.
    """
    old, new = host.inside(_counters)
    keys, figures = (line.split() for line in old if line.startswith("Udp:"))
    dropped = int(dict(zip(keys, figures, strict=True)).get("RcvbufErrors", 0))
    return dropped + sum(int(line.split()[1]) for line in new if line.startswith("Udp6RcvbufErr"))


def _counters() -> tuple[list[str], list[str]]:
    """Read what the kernel counts in this thread's namespace, for IPv4 and for IPv6."""
    folder = Path("/proc/thread-self/net")
    old = (folder / "snmp").read_text(encoding="ascii").splitlines()
    six = folder / "snmp6"  # not there in a kernel without IPv6
    return old, six.read_text(encoding="ascii").splitlines() if six.exists() else []


def is_bound(pid: int, protocol: Protocol, port: int) -> bool:
    """Whether the process has a socket bound to ``port``; for TCP, one that listens."""
    state = _BOUND[protocol]
    return any(held.port == port and held.state == state for held in _held(pid, protocol))


def is_connected(pid: int, protocol: Protocol, port: int | None = None, *, least: int = 1) -> bool:
    """Whether the process has connected sockets; for TCP, ones whose handshake is done.

    Args:
        pid: the process.
        protocol: ``tcp`` or ``udp``.
        port: the peer's; None for any. (A resolver's socket is a connected one, too.)
        least: how many it must have.
    """
    connected = [
        held
        for held in _held(pid, protocol)
        if held.state == _ESTABLISHED and port in (None, held.remote_port)
    ]
    return len(connected) >= least


def holder(protocol: Protocol, port: int) -> int | None:
    """Return the pid of a process that holds ``port`` in this thread's namespace, if seen."""
    wanted = {
        inode
        for table in _TABLES[protocol]
        for inode, held in _read_table(Path("/proc/thread-self/net", table)).items()
        if held.port == port and held.state in {_LISTEN, _CLOSE, _ESTABLISHED}
    }
    if wanted:
        for name in os.listdir("/proc"):  # noqa: PTH208 - names are all that is needed
            if name.isdigit() and not wanted.isdisjoint(_socket_inodes(int(name))):
                return int(name)
    return None


async def wait_until(
    predicate: Callable[[], bool],
    *,
    timeout: float,
    alive: Callable[[], bool],
) -> bool:
    """Poll until ``predicate()`` holds, every 1 ms at first, every 20 ms in the end.

    Returns:
        False if ``timeout`` seconds passed or ``alive()`` turned false before it held.
    """
    deadline = time.monotonic() + timeout
    pause = _FIRST_POLL_S
    while not predicate():
        left = deadline - time.monotonic()
        if left <= 0 or not alive():
            return False
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, _LAST_POLL_S)
    return True


def _held(pid: int, protocol: Protocol) -> list[_Socket]:
    """Return the sockets of the process that the tables know; the cheap look comes first."""
    inodes = _socket_inodes(pid)
    if not inodes:
        return []
    try:
        namespace = os.stat(f"/proc/{pid}/ns/net").st_ino  # noqa: PTH116 - on every poll
    except OSError:  # it just ended, or is none of ours
        return []
    found: list[_Socket] = []
    for name in _TABLES[protocol]:
        table = _table(pid, namespace, name)
        found += (table[inode] for inode in inodes if inode in table)
    return found


def _socket_inodes(pid: int) -> list[int]:
    folder = f"/proc/{pid}/fd"
    inodes: list[int] = []
    try:
        names = os.listdir(folder)  # noqa: PTH208 - on every poll
    except OSError:  # ended, or not ours to look at
        return inodes
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")  # noqa: PTH115 - on every poll
        except OSError:  # closed since
            continue
        if target.startswith("socket:["):
            inodes.append(int(target[8:-1]))
    return inodes


def _table(pid: int, namespace: int, name: str) -> dict[int, _Socket]:
    now = time.monotonic()
    read_at, table = _tables.get((namespace, name), (0.0, {}))
    if now - read_at > _FRESH_S:
        for key in [key for key, (then, _) in _tables.items() if now - then > _FRESH_S]:
            _tables.pop(key, None)
        table = _read_table(Path(f"/proc/{pid}/net/{name}"))
        _tables[namespace, name] = (time.monotonic(), table)
    return table


def _read_table(path: Path) -> dict[int, _Socket]:
    # sl local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode
    # 0: 0100007F:1389 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 27455 1 …
    try:
        lines = path.read_bytes().splitlines()[1:]
    except OSError:  # it just ended, or the kernel has no IPv6
        return {}
    table: dict[int, _Socket] = {}
    for line in lines:
        _, local, remote, state, _, _, _, _, _, inode, *_ = line.split(None, 10)
        table[int(inode)] = _Socket(_port_of(local), _port_of(remote), state)
    return table


def _port_of(address: bytes) -> int:
    return int(address.rpartition(b":")[2], 16)
