"""Network namespaces for the examples: made, wired and, however the example ends, removed.

Nothing here touches the network of the machine itself: each cable runs from one of the new
namespaces to another, and goes with them.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from pyroute2 import NetNS, netns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

MULTICAST = "224.0.0.0/4"


_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OWNER = os.getpid()


def _leave(number: int, _frame: FrameType | None) -> None:
    """Leave by way of ``finally``, unless this is a helper process that pyroute2 forked."""
    if os.getpid() != _OWNER:
        os._exit(0)
    raise SystemExit(128 + number)


@contextlib.contextmanager
def namespaces(*labels: str) -> Iterator[list[str]]:
    """Make a namespace for each label and give their names; PermissionError without the right."""
    before = {number: signal.signal(number, _leave) for number in _ENDINGS}
    names = [f"pyperf2-{label}-{os.getpid()}" for label in labels]
    made: list[str] = []
    try:
        for name in names:
            made.append(name)  # before it is there: what is half made is removed as well
            netns.create(name)
        yield names
    finally:
        for number in _ENDINGS:  # a second Ctrl-C does not interrupt the removal
            signal.signal(number, signal.SIG_IGN)
        for name in made:
            with contextlib.suppress(FileNotFoundError):
                netns.remove(name)
        for number, handler in before.items():
            signal.signal(number, handler)


def cable(one: str, other: str, *, device: str = "eth0", far_device: str = "eth0") -> None:
    """Run a veth pair from one namespace to another; its ends are not up yet."""
    with NetNS(one, flags=0) as here:
        peer = {"ifname": far_device, "net_ns_fd": other}
        here.link("add", ifname=device, kind="veth", peer=peer)


def bring_up(name: str, address: str) -> None:
    """Give ``eth0`` its address and a route for multicast, and set it up."""
    with NetNS(name, flags=0) as here:
        eth0 = here.link_lookup(ifname="eth0")[0]
        here.addr("add", index=eth0, address=address, prefixlen=24)
        here.link("set", index=eth0, state="up")
        here.route("add", dst=MULTICAST, oif=eth0)


def switch(name: str, hosts: list[str]) -> None:
    """Make the namespace ``name`` a switch with a cable to ``eth0`` of each host."""
    with NetNS(name, flags=0) as here:
        # No snooping: without a querier the bridge would stop to forward groups after a while.
        here.link("add", ifname="br0", kind="bridge", br_mcast_snooping=0)
        bridge = here.link_lookup(ifname="br0")[0]
        here.link("set", index=bridge, state="up")
    for number, host in enumerate(hosts):
        cable(name, host, device=f"port{number}")
        with NetNS(name, flags=0) as here:
            port = here.link_lookup(ifname=f"port{number}")[0]
            here.link("set", index=port, master=bridge, state="up")
