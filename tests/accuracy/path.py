"""The network that the figures are proved on: namespaces around a bridge that can break a path.

A sender and three receivers hang on a bridge. nftables, on the bridge, drops what is to be lost
and counts it; it never touches what a sender hands to its own kernel, which would tell iperf.
What comes in and what goes out is captured with the kernel's time stamps
(``pyperf2/selftest/capture.py``), so the truth does not depend on when a rule was changed.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path as File
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pyroute2 import netns

from pyperf2.selftest.capture import Tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

_FIRST_PORT: Final = 6001
_NFT_FAILED: Final = "nft could not do {command!r}"
# Sequence numbers of data are positive, those of FINs negative: bit 0 behind the UDP header.
_DATA: Final = "@th,64,1 0"
_RULES: Final = """
add table bridge lab
add set bridge lab dark { type inet_service; }
add set bridge lab held { type inet_service; }
add chain bridge lab forward { type filter hook forward priority 0; }
add rule bridge lab forward udp dport @held drop
"""
# The copy leaves by the first receiver's cable; the original takes its way through the bridge.
_COPIES: Final = f"""
add table netdev lab
add set netdev lab twice {{ type inet_service; }}
add chain netdev lab entrance {{ type filter hook ingress device port0 priority 0; }}
add rule netdev lab entrance udp dport @twice {_DATA} dup to port1
"""


Kind = Literal["dark", "held", "twice"]  # lost; held back, to be released; delivered twice


class Toggle(NamedTuple):
    """When a rule was changed: it took effect between the two (CLOCK_REALTIME, ns)."""

    before_ns: int
    after_ns: int


def run(*argv: str, feed: str | None = None) -> str:
    """Run a tool that has to succeed; return what it printed."""
    done = subprocess.run(argv, input=feed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout


class Path:
    """One sender, a bridge with its rules, receivers; ``with`` makes and removes them."""

    SENDER_IP = "192.0.2.1"

    def __init__(self, receivers: int = 3) -> None:
        unique = f"{os.getpid()}-{uuid.uuid4().hex[:4]}"
        self.sender, self._bridge = f"acc-tx-{unique}", f"acc-br-{unique}"
        self.receivers = [f"acc-rx{number}-{unique}" for number in range(receivers)]
        self.ips = [f"192.0.2.{10 + number}" for number in range(receivers)]
        self._ports = count(_FIRST_PORT)
        self.tap: Tap
        self._exit: socket.socket
        self._nft: _Nft

    def __enter__(self) -> Self:
        """Make it."""
        try:
            self._build()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        self.tap.close()
        self._exit.close()
        self._nft.close()
        self._remove()

    def _build(self) -> None:
        hosts = {self.sender: self.SENDER_IP, **dict(zip(self.receivers, self.ips, strict=True))}
        for name in (self._bridge, *hosts):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        # Without a querier a snooping bridge would stop to forward groups.
        inside = "link add br0 type bridge mcast_snooping 0\nlink set br0 up\n"
        run("ip", "-n", self._bridge, "-batch", "-", feed=inside)
        for number, (name, ip) in enumerate(hosts.items()):
            port = f"port{number}"
            run("ip", "-n", self._bridge, "link", "add", port, "type", "veth",
                "peer", "name", "eth0", "netns", name)  # fmt: skip
            feed = f"link set {port} master br0\nlink set {port} up\n"
            run("ip", "-n", self._bridge, "-batch", "-", feed=feed)
            feed = f"addr add {ip}/24 dev eth0\nlink set eth0 up\nroute add 224.0.0.0/4 dev eth0\n"
            run("ip", "-n", name, "-batch", "-", feed=feed)
        self.rules(_RULES + _COPIES)
        self._nft = self._inside(_Nft)
        self._exit = self._inside(partial(_raw_socket, "port1"))
        exits = [f"port{number + 1}" for number in range(len(self.ips))]
        self.tap = self._inside(partial(Tap, "port0", exits, frames=True))

    def _remove(self) -> None:
        for name in (self.sender, self._bridge, *self.receivers):
            if File("/run/netns", name).exists():
                run("ip", "netns", "del", name)

    def _inside(self, make: Callable[[], Any]) -> Any:
        """Make something in the bridge's namespace; sockets stay in the one they were made in."""

        def enter() -> Any:
            netns.setns(self._bridge, flags=0)
            return make()

        with ThreadPoolExecutor(1) as thread:  # it ends in there; setns is for a thread alone
            return thread.submit(enter).result()

    # --- rules ------------------------------------------------------------------------------

    def rules(self, script: str) -> None:
        """Have nft execute a script on the bridge."""
        run("ip", "netns", "exec", self._bridge, "nft", "-f", "-", feed=script)

    def new_port(self) -> int:
        """Return a port that had no rules and no counters yet."""
        return next(self._ports)

    def prepare(self, port: int, *, percent: int = 0, only_to: int | None = None) -> None:
        """Count what is dropped of a UDP port's data: in outages, and at random.

        Args:
            port: the destination port.
            percent: how many of a hundred to drop at random.
            only_to: the number of the only receiver whose datagrams an outage takes.
        """
        where = "" if only_to is None else f'oifname "port{only_to + 1}" '
        rule = f"add rule bridge lab forward {where}udp dport {port}"
        script = f"add counter bridge lab lost{port}\nadd counter bridge lab fins{port}\n"
        script += f"{rule} udp dport @dark {_DATA} counter name lost{port} drop\n"
        script += f"{rule} udp dport @dark counter name fins{port} drop\n"
        if percent:
            script += f"{rule} {_DATA} numgen random mod 100 < {percent} "
            script += f"counter name lost{port} drop\n"
        self.rules(script)

    def set(self, kind: Kind, port: int, *, on: bool) -> Toggle:
        """Begin or end what happens to a port's datagrams, in one commit."""
        family = "netdev" if kind == "twice" else "bridge"
        return self._nft.do(f"{'add' if on else 'delete'} element {family} lab {kind} {{ {port} }}")

    def release(self, port: int) -> None:
        """Deliver, late, to the first receiver what was held back of a port."""
        self.tap.read()
        went = {seen.number for seen in self.tap.went[0] if seen.port == port}
        for seen in self.tap.came:
            if seen.port == port and seen.number not in went:
                self._exit.send(seen.frame)

    def dropped(self, port: int) -> int:
        """Return how many data datagrams of a port nft has dropped."""
        told = run("ip", "netns", "exec", self._bridge, "nft", "-j", "list", "counters")
        counters = [one["counter"] for one in json.loads(told)["nftables"] if "counter" in one]
        return next(int(one["packets"]) for one in counters if one["name"] == f"lost{port}")

    # --- the receivers' kernel ----------------------------------------------------------------

    def overflowed(self) -> int:
        """Return how many datagrams the receivers' kernels threw away: the host is overloaded."""
        lost = 0
        for name in self.receivers:
            lines = run("ip", "netns", "exec", name, "cat", "/proc/net/snmp").splitlines()
            keys, figures = (line.split() for line in lines if line.startswith("Udp:"))
            lost += int(dict(zip(keys, figures, strict=True))["RcvbufErrors"])
        return lost

    def until(self, wall_ns: int) -> None:
        """Wait until a wall-clock time, and read the capture meanwhile."""
        while (left := wall_ns - time.time_ns()) > 0:
            self.tap.read()
            time.sleep(min(left / 1e9, 0.05))


def _raw_socket(device: str) -> socket.socket:
    """Open a socket that sends frames by a device of the namespace it is made in."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.bind((device, 0))
    return made


class _Nft:
    """libnftables in this process: a change is one commit, without a process to start."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libnftables.so.1")
        self._library.nft_ctx_new.restype = ctypes.c_void_p
        self._library.nft_ctx_new.argtypes = [ctypes.c_uint32]
        self._library.nft_ctx_free.argtypes = [ctypes.c_void_p]
        self._library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self._context = self._library.nft_ctx_new(0)

    def do(self, command: str) -> Toggle:
        before = time.time_ns()
        failed = self._library.nft_run_cmd_from_buffer(self._context, command.encode())
        after = time.time_ns()
        assert not failed, _NFT_FAILED.format(command=command)
        return Toggle(before, after)

    def close(self) -> None:
        self._library.nft_ctx_free(self._context)
