"""A cable pulled: both ends lose their carrier, nobody is told but the kernels.

Datagrams are counted where they leave a node, and where they come into the cable; what is between
is lost. Both counters are read until they stand still.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from pyperf2.errors import LabError, UnsupportedImpairment
from pyperf2.lab import kernel, rules
from pyperf2.lab.hits import Count
from pyperf2.lab.instants import bracketed, spanning
from pyperf2.lab.nft import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.lab.impairments import LinkDown
    from pyperf2.lab.instants import Bracket
    from pyperf2.lab.links import Link

# linux/sockios.h, linux/if.h
_GET_FLAGS: Final = 0x8913
_SET_FLAGS: Final = 0x8914
_UP: Final = 1
_TRIES: Final = 200


class _Way(NamedTuple):
    """One direction: where the datagrams come from."""

    namespace: str
    device: str
    table: str


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
        self._number = self._wires.next_fault()
        self._ways: dict[int, _Way] = {}
        self._closed = dict.fromkeys(directions, Count())  # of the times it was on before
        self._start: dict[int, Count] | None = None  # what was missing already; None while off
        self._exact = True

    def prepare(self) -> None:
        """Put the counters in place."""
        self._wires.connect()
        for toward, end in enumerate(reversed(self._link.ends)):
            table, script = rules.leaving(self._number, end.device, bridge=end.node.is_bridge)
            self._wires.nft_of(end.node.namespace).do(script)
            self._ways[toward] = _Way(end.node.namespace, end.device, table)
            self._wires.nft.do(rules.seen_counters(self._number, toward))
            told = rules.seen(self._number, toward)
            self._wires.lead(self._link.number, toward, self._number, told, first=True)

    def on(self) -> Bracket:
        """Take both devices of the cable down."""
        self._start, self._exact = self._missing()
        return self._set(up=False)

    def off(self) -> Bracket:
        """Bring both up, and wait until the ends send again."""
        up = self._set(up=True)
        when = spanning(up, bracketed(self._wait_for_carriers)[1])
        self._closed, self._start = self.counts(), None
        return when

    def counts(self) -> dict[int, Count]:
        """Return what left a node and never came into the cable, while it was on."""
        if self._start is None:
            return self._closed
        missing, sure = self._missing()
        self._exact = self._exact and sure
        start, closed = self._start, self._closed
        return {way: closed[way] + (missing[way] - start[way]) for way in self._ways}

    def exact(self) -> bool:
        """Tell whether all counters stood still when they were read."""
        return self._exact

    def remove(self) -> None:
        """Take the counters away."""
        for toward, way in self._ways.items():
            self._wires.unlead(self._link.number, toward, self._number)
            self._wires.nft.do(rules.unseen(self._number, toward))
            self._wires.nft_of(way.namespace).do(f"delete table {way.table}")
        self._ways.clear()

    def _missing(self) -> tuple[dict[int, Count], bool]:
        """Return what is between the counters, and whether they stood still meanwhile."""
        sure = True
        missing = {}
        for toward, way in self._ways.items():
            after = self._read(toward, way)
            for _ in range(_TRIES):
                before, after = after, self._read(toward, way)
                if before == after:
                    break
            else:
                sure = False
            sent, came = after
            missing[toward] = sent - came
        return missing, sure

    def _read(self, toward: int, way: _Way) -> tuple[Count, Count]:
        tail = f"{self._number}t{toward}"
        sent = self._wires.nft_of(way.namespace).counters(way.table)
        came = self._wires.nft.counters(rules.WIRES)
        return (
            _count(sent["data"], sent["fins"]),
            _count(came.get(f"data{tail}", Tally()), came.get(f"fins{tail}", Tally())),
        )

    def _set(self, *, up: bool) -> Bracket:
        names = [rules.device(self._link.number, end) for end in (0, 1)]

        def change() -> None:
            for name in names:
                request = struct.pack("16sH14x", name.encode(), 0)
                try:
                    answer = self._wires.control(_GET_FLAGS, request)
                    flags = struct.unpack("16sH14x", answer)[1]
                    flags = flags | _UP if up else flags & ~_UP
                    request = struct.pack("16sH14x", name.encode(), flags)
                    self._wires.control(_SET_FLAGS, request)
                except OSError as error:
                    raise LabError(f"{self._link.name} is gone: {error}") from error

        return bracketed(change)[1]

    def _wait_for_carriers(self) -> None:
        """Wait until the kernel has told both ends of their carrier: it does that by and by."""
        for end in self._link.ends:
            kernel.netlink(end.node.namespace, partial(kernel.await_carrier, device=end.device))


def _count(data: Tally, fins: Tally) -> Count:
    return Count(datagrams=data.packets, bytes=data.bytes, fins=fins.packets)
