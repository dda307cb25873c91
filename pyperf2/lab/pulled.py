"""A cable pulled: both ends lose their carrier, nobody is told but the kernels."""

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
        self._link, self._wires = link, link.wires
        self._between = Between(link, self._wires.next_fault(), directions)

    def prepare(self) -> None:
        """Put the counters in place."""
        self._wires.connect()
        self._between.before()

    def on(self) -> Bracket:
        """Take both devices of the cable down."""
        self._between.begin()
        return self._set(up=False)

    def off(self) -> Bracket:
        """Bring both up, and wait until the ends send again."""
        ends = [(end.node.namespace, end.device) for end in self._link.ends]
        up = self._set(up=True)
        carried = bracketed(lambda: self._wires.await_carriers(self._link.number, ends))[1]
        self._between.end()
        return spanning(up, carried)

    def counts(self) -> Mapping[int, Count]:
        """Return what left a node and never came into the cable, while it was on."""
        return self._between.counts()

    def exact(self) -> bool:
        """Tell whether all counters stood still when they were read."""
        return self._between.exact

    def remove(self) -> None:
        """Take the counters away."""
        self._between.remove()

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
