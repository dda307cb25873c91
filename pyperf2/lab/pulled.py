"""A cable pulled: both ends lose their carrier, nobody is told but the kernels.

The two devices of a cable go down one after the other, and come up so. What is in the cable
meanwhile would be lost behind the counters: a dam in front of them is shut first, and opened last.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from pyperf2.errors import LabError, UnsupportedImpairment
from pyperf2.lab import rules
from pyperf2.lab.between import Between
from pyperf2.lab.instants import bracketed, spanning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyperf2.lab.hits import Count
    from pyperf2.lab.impairments import LinkDown
    from pyperf2.lab.instants import Bracket
    from pyperf2.lab.links import Link

# linux/sockios.h, linux/if.h
_GET_FLAGS: Final = 0x8913
_SET_FLAGS: Final = 0x8914
_UP: Final = 1
_REQUEST: Final = "16sH14x"  # struct ifreq: a device's name and its flags


class Pulled:
    """A link down; methods as in `faults.Means`."""

    def __init__(self, link: Link, impairment: LinkDown, directions: Sequence[int]) -> None:
        """Only describe it; `prepare` makes it.

        Raises:
            UnsupportedImpairment: one direction alone cannot be pulled.
        """
        if len(directions) != len(link.ends):
            raise UnsupportedImpairment(f"{impairment} always hits both directions")
        self._link, self._wires, self._directions = link, link.wires, directions
        self._dam = self._wires.next_fault()
        self._between = Between(link, self._wires.next_fault(), directions)

    def prepare(self) -> None:
        """Put the dam and the counters behind it in place."""
        self._wires.connect()
        self._between.before()
        self._wires.nft.do(self._script(rules.dam))
        for toward in self._directions:
            gate = [rules.gate(self._dam, toward)]
            self._wires.lead(self._link.number, toward, self._dam, gate, place=rules.DAM)

    def on(self) -> Bracket:
        """Take both devices of the cable down."""
        self._between.begin()
        shut = self._wires.nft.switch(self._script(rules.shut))
        return spanning(shut, self._set(up=False))

    def off(self) -> Bracket:
        """Bring both up, and wait until the ends send again."""
        ends = [(end.node.namespace, end.device) for end in self._link.ends]
        up = self._set(up=True)
        self._wires.await_carriers(self._link.number, ends)
        opened = self._wires.nft.switch(self._script(rules.switch_off))
        self._between.end()
        return spanning(up, opened)

    def counts(self) -> Mapping[int, Count]:
        """Return what left a node and never came through the cable, while it was on."""
        return self._between.counts()

    def exact(self) -> bool:
        """Tell whether the counters could be read to the datagram."""
        return self._between.exact

    def remove(self) -> None:
        """Take counters and dam away."""
        self._between.remove()
        for toward in self._directions:
            self._wires.unlead(self._link.number, toward, self._dam)
        self._wires.nft.do(self._script(rules.undam))

    def _script(self, part: rules.Switch) -> str:
        return "\n".join(part(self._dam, toward) for toward in self._directions)

    def _set(self, *, up: bool) -> Bracket:
        names = [rules.device(self._link.number, end).encode() for end in (0, 1)]

        def change() -> None:
            for name in names:
                answer = self._wires.control(_GET_FLAGS, struct.pack(_REQUEST, name, 0))
                flags = struct.unpack(_REQUEST, answer)[1]
                flags = flags | _UP if up else flags & ~_UP
                self._wires.control(_SET_FLAGS, struct.pack(_REQUEST, name, flags))

        try:
            return bracketed(change)[1]
        except OSError as error:
            raise LabError(f"{self._link} is gone: {error}") from error
