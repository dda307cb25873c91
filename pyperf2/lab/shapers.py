"""Slow and late: queueing disciplines of the kernel (tbf, netem), by netlink.

The discipline is there from ``prepare`` on, so wide that nothing notices it; switching changes its
figures. So nothing is lost by putting it there or taking it away. What it drops is counted around
it: its own counter does not tell data from all else.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from typing import TYPE_CHECKING, Any, Final

from pyperf2.errors import LabError, UnsupportedImpairment
from pyperf2.lab import rules
from pyperf2.lab.between import Between
from pyperf2.lab.impairments import RateLimit
from pyperf2.lab.instants import bracketed
from pyperf2.lab.kernel import device_index, netlink

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyperf2.lab.hits import Count
    from pyperf2.lab.impairments import Delay
    from pyperf2.lab.instants import Bracket
    from pyperf2.lab.kernel import IP
    from pyperf2.lab.links import Link

_HANDLE: Final = 0x10000  # 1:
_ROOT: Final = 0xFFFFFFFF
_FRAME: Final = 1514  # an Ethernet frame without its checksum
_WIDE: Final = 4_000_000_000  # bytes per second, the most that 32 bits can say
_QUEUE: Final = 100_000  # packets that netem may hold: more than any delay of a lab needs
# linux/rtnetlink.h, linux/netlink.h
_NEW_DISCIPLINE: Final = 36  # RTM_NEWQDISC; that it is there already makes it a change
_REQUEST_AND_ANSWER: Final = 1 | 4  # NLM_F_REQUEST, NLM_F_ACK
_HEADER: Final = 16  # bytes of struct nlmsghdr, in front of the answer's error number
_DRAINED_S: Final = 5.0


class Shaper:
    """One discipline on a link, in one or both directions; methods as in `faults.Means`."""

    def __init__(
        self, link: Link, impairment: RateLimit | Delay, directions: Sequence[int]
    ) -> None:
        """Only describe it; `prepare` makes it."""
        self._link, self._impairment, self._directions = link, impairment, directions
        self._kind = "tbf" if isinstance(impairment, RateLimit) else "netem"
        self._wires = link.wires
        self._between = Between(link, self._wires.next_fault(), directions)
        self._indices: dict[int, int] = {}
        self._changes: dict[bool, list[bytes]] = {}

    def prepare(self) -> None:
        """Put the wide discipline in place."""
        from pyroute2 import NetlinkError

        self._wires.connect()

        def put(ip: IP) -> None:
            wide = self._figures(on=False)
            for toward in self._directions:
                index = device_index(ip, rules.device(self._link.number, toward))
                try:
                    ip.tc("add", self._kind, index=index, handle=_HANDLE, **wide)
                except NetlinkError as error:
                    raise self._refused(error) from error
                self._indices[toward] = index

        try:
            netlink(self._wires.namespace, put)
        except BaseException:
            self.remove()
            raise
        self._between.behind()
        for on in (True, False):
            figures = self._figures(on=on)
            indices = self._indices.values()
            self._changes[on] = [_change(self._kind, index, figures) for index in indices]

    def on(self) -> Bracket:
        """Make it narrow."""
        self._between.begin()
        return self._switch(on=True)

    def off(self) -> Bracket:
        """Make it wide; what waits goes out at once, and is not lost."""
        when = self._switch(on=False)
        netlink(self._wires.namespace, self._drain)
        self._between.end()
        return when

    def counts(self) -> Mapping[int, Count]:
        """Return what came to the queue and not out of it; while it is on, also what waits."""
        return self._between.counts()

    def exact(self) -> bool:
        """Tell whether all counters stood still when they were read."""
        return self._between.exact

    def remove(self) -> None:
        """Take the discipline away, once its queue is empty."""

        def take(ip: IP) -> None:
            self._drain(ip)
            for index in self._indices.values():
                ip.tc("del", index=index, parent=_ROOT, handle=_HANDLE)

        netlink(self._wires.namespace, take)
        self._indices.clear()
        self._between.remove()

    def _drain(self, ip: IP) -> None:
        """Wait until nothing waits any more."""
        deadline = time.monotonic() + _DRAINED_S
        for index in self._indices.values():
            while self._waiting(ip, index) and time.monotonic() < deadline:
                time.sleep(0.001)

    def _switch(self, *, on: bool) -> Bracket:
        answers, when = bracketed(
            lambda: [self._wires.ask(request) for request in self._changes[on]]
        )
        for answer in answers:
            number = -struct.unpack_from("=i", answer, _HEADER)[0]
            if number != 0:
                message = f"{self._link.name} cannot be changed: {os.strerror(number)}"
                raise LabError(message)
        return when

    def _figures(self, *, on: bool) -> dict[str, Any]:
        if isinstance(self._impairment, RateLimit):
            narrow = self._impairment.bytes_per_second
            rate = narrow if on else _WIDE
            # The bucket holds a millisecond; the queue at least one frame, or nothing would pass.
            queue = round(narrow * self._impairment.queue_ms / 1000)
            return {
                "rate": rate,
                "burst": max(2 * _FRAME, rate // 1000),
                "limit": max(2 * _FRAME, queue),
            }
        if not on:
            return {"delay": 0, "limit": _QUEUE}
        return {
            "delay": round(self._impairment.ms * 1000),  # microseconds
            "jitter": round(self._impairment.jitter_ms * 1000),
            "prob_reorder": self._impairment.reorder_percent,
            "limit": _QUEUE,
        }

    def _waiting(self, ip: IP, index: int) -> int:
        """Return how many packets are in a queue."""
        for discipline in ip.get_qdiscs(index):
            if discipline["handle"] == _HANDLE:
                figures = discipline.get_attr("TCA_STATS2").get_attr("TCA_STATS_QUEUE")
                return int(figures["qlen"])
        raise LabError(f"the queue of {self._link} is gone")

    def _refused(self, error: Any) -> UnsupportedImpairment | LabError:
        if error.code == errno.EEXIST:
            message = f"{self._link.name} has a rate limit or a delay already, and takes one"
            return UnsupportedImpairment(message)
        if error.code in (errno.ENOENT, errno.EOPNOTSUPP):
            return UnsupportedImpairment(
                f"{type(self._impairment).__name__} needs a kernel with {self._kind} "
                f"(CONFIG_NET_SCH_{self._kind.upper()}, module sch_{self._kind}); "
                "this one has none"
            )
        return LabError(f"the kernel refused {self._impairment} on {self._link.name}: {error}")


def _change(kind: str, index: int, figures: Mapping[str, Any]) -> bytes:
    """Write a change beforehand: sending it takes microseconds, writing it a millisecond."""
    from pyroute2.netlink.rtnl.tcmsg import sched_netem, sched_tbf, tcmsg

    discipline = {"tbf": sched_tbf, "netem": sched_netem}[kind]
    options = discipline.get_parameters(dict(figures))
    message = tcmsg()
    message["index"], message["handle"], message["parent"] = index, _HANDLE, _ROOT
    message["attrs"] = [["TCA_KIND", kind], ["TCA_OPTIONS", options]]
    message["header"]["type"] = _NEW_DISCIPLINE
    message["header"]["flags"] = _REQUEST_AND_ANSWER
    message["header"]["sequence_number"] = 0
    message["header"]["pid"] = 0
    message.encode()
    return bytes(message.data)
