"""Network namespaces and what is inside them, by netlink; knows nothing of labs.

Whatever is done inside a namespace is done in a thread of its own, which ends there: the caller's
thread never leaves its place, no process is forked, and a running event loop does not matter.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from pyperf2.errors import LabError, PrivilegeError
from pyperf2.lab.exits import undisturbed
from pyperf2.run.host import Netns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_T = TypeVar("_T")
IP: TypeAlias = "Any"  # pyroute2's IPRoute, which has no type hints

_CLONE_NEWNET: Final = 0x40000000  # sched.h
_SYSCTL: Final = Path("/proc/sys")
_CARRIER_S: Final = 5.0
_NEEDED: Final = "it takes root, or CAP_SYS_ADMIN and CAP_NET_ADMIN"


def load() -> None:
    """Import pyroute2, which takes 0.1 s, in one go: an import that is broken off stays broken."""
    with undisturbed():
        import pyroute2  # noqa: F401


def create(name: str) -> None:
    """Make a network namespace, with its loopback up.

    Raises:
        PrivilegeError: this process may not.
        LabError: there is one of that name.
    """
    try:
        _apart(lambda: _create(name))
    except PermissionError as error:
        remove(name)
        raise PrivilegeError(f"cannot make network namespaces: {_NEEDED} ({error})") from error
    except FileExistsError as error:
        raise LabError(f"there is a network namespace {name!r} already") from error
    netlink(name, lambda ip: ip.link("set", index=1, state="up"))


def remove(name: str) -> None:
    """Remove a namespace, if it is there; what is inside goes with it."""
    from pyroute2 import netns

    with suppress(FileNotFoundError):
        netns.remove(name)


def inside(name: str, work: Callable[[], _T]) -> _T:
    """Do something inside a namespace: sockets made there stay there.

    Raises:
        NameSpaceNotFoundError: there is none of that name (any more).
        PrivilegeError: this process may not enter it.
    """

    def entered() -> _T:
        with Netns(name).entered():
            return work()

    return _apart(entered)


def netlink(name: str, work: Callable[[IP], _T]) -> _T:
    """Do something with a pyroute2 ``IPRoute`` of a namespace; errors as in `inside`.

    Raises:
        LabError: the kernel refused it.
    """
    from pyroute2 import IPRoute, NetlinkError

    def connected() -> _T:
        with IPRoute() as ip:
            return work(ip)

    try:
        return inside(name, connected)
    except NetlinkError as error:
        if error.code == errno.EPERM:
            raise PrivilegeError(f"cannot change {name!r}: {_NEEDED}") from error
        raise LabError(f"the kernel refused a change of {name!r}: {error}") from error


def set_kernel(name: str, values: Mapping[str, object]) -> None:
    """Set sysctls of a namespace, by their dotted names.

    Raises:
        LabError: there is no such sysctl, or the value is none of its.
    """

    def write() -> None:
        for key, value in values.items():
            try:
                (_SYSCTL / key.replace(".", "/")).write_text(f"{value}\n")
            except OSError as error:
                raise LabError(f"cannot set {key} = {value} in {name!r}: {error}") from error

    inside(name, write)


def silence(name: str) -> None:
    """Keep a namespace that only passes packets on from sending any of its own."""
    if has_ipv6():
        both = ("all", "default")
        set_kernel(name, {f"net.ipv6.conf.{one}.disable_ipv6": 1 for one in both})


def await_carrier(ip: IP, device: str) -> None:
    """Wait until a device sends: the kernel deals with a carrier by and by.

    Raises:
        LabError: it is gone, or has no carrier for too long.
    """
    index = device_index(ip, device)
    deadline = time.monotonic() + _CARRIER_S
    while ip.get_links(index)[0].get_attr("IFLA_OPERSTATE") != "UP":
        if time.monotonic() > deadline:
            raise LabError(f"{device} got no carrier within {_CARRIER_S} s")
        time.sleep(0.001)
    # The queue is opened after the state is told, under the lock that this waits for.
    ip.link("set", index=index, state="up")


def has_ipv6() -> bool:
    """Tell whether this kernel knows IPv6."""
    return (_SYSCTL / "net/ipv6").exists()


def device_index(ip: IP, device: str) -> int:
    """Return the index of a device.

    Raises:
        LabError: it is gone.
    """
    found: list[int] = ip.link_lookup(ifname=device)
    if not found:
        raise LabError(f"there is no device {device!r} any more")
    return found[0]


def _create(name: str) -> None:
    from pyroute2 import netns

    # Not netns.create(): it forks, and a fork of a program with threads is best avoided.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    netns.attach(name, "thread-self")


def _apart(work: Callable[[], _T]) -> _T:
    # A thread that a signal parts from its caller would go on when all is removed; and Python
    # drops what a signal's handler raises while it clears a thread away.
    with undisturbed():
        return _in_thread(work)


def _in_thread(work: Callable[[], _T]) -> _T:
    with ThreadPoolExecutor(1, thread_name_prefix="pyperf2-lab") as thread:
        return thread.submit(work).result()
