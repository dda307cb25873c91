"""What goes missing between two places that datagrams pass: counted at both, compared at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyperf2.lab import rules
from pyperf2.lab.hits import Count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyperf2.lab.links import Link
    from pyperf2.lab.nft import Nft

_TRIES: Final = 200


class _Gauge(NamedTuple):
    """A place where datagrams are counted."""

    nft: Nft
    table: str
    tail: str = ""

    def read(self) -> Count:
        tallies = self.nft.counters(self.table)
        data, fins = tallies[f"data{self.tail}"], tallies[f"fins{self.tail}"]
        return Count(datagrams=data.packets, bytes=data.bytes, fins=fins.packets)


class _Stretch(NamedTuple):
    """The part of a direction that is watched."""

    first: _Gauge
    last: _Gauge
    node: _Gauge  # which of the two is not in the wires


class Between:
    """Counters around a part of a link.

    Args:
        link: the link.
        fault: the number of the impairment that asks.
        directions: which: 0 leads to the first end of the link, 1 to the second.
    """

    def __init__(self, link: Link, fault: int, directions: Sequence[int]) -> None:
        """Only describe them; `before` or `behind` makes them."""
        self._link, self._wires, self._fault = link, link.wires, fault
        self._directions = directions
        self._stretches: dict[int, _Stretch] = {}
        self._closed: Mapping[int, Count] = dict.fromkeys(
            directions, Count()
        )  # of the times it was watched before
        self._start: Mapping[int, Count] | None = None  # what was missing already; None: no watch
        self.exact = True  # whether all counters stood still when they were read

    def before(self) -> None:
        """Watch from the node that sends to where the cable begins."""
        for toward in self._directions:
            end = self._link.ends[1 - toward]
            table, script = rules.leaving(self._fault, end.device, bridge=end.node.is_bridge)
            node = self._at_node(end.node.namespace, table, script)
            wire = self._in_wires(toward, rules.FIRST)
            self._stretches[toward] = _Stretch(node, wire, node)

    def behind(self) -> None:
        """Watch from the end of the cable's rules to the node that receives."""
        for toward in self._directions:
            end = self._link.ends[toward]
            table, script = rules.arriving(self._fault, end.device)
            node = self._at_node(end.node.namespace, table, script)
            wire = self._in_wires(toward, rules.LAST)
            self._stretches[toward] = _Stretch(wire, node, node)

    def begin(self) -> None:
        """What goes missing from now on counts."""
        self._start, self.exact = self._missing()

    def end(self) -> None:
        """What goes missing from now on does not count."""
        self._closed, self._start = self.counts(), None

    def counts(self) -> Mapping[int, Count]:
        """Return what went missing while it was watched, by direction."""
        if self._start is None:
            return self._closed
        missing, sure = self._missing()
        self.exact = self.exact and sure
        start, closed = self._start, self._closed
        return {toward: closed[toward] + (missing[toward] - start[toward]) for toward in missing}

    def remove(self) -> None:
        """Take the counters away."""
        for toward, stretch in self._stretches.items():
            self._wires.unlead(self._link.number, toward, self._fault)
            self._wires.nft.do(rules.unseen(self._fault, toward))
            stretch.node.nft.do(f"delete table {stretch.node.table}")
        self._stretches.clear()

    def _at_node(self, namespace: str, table: str, script: str) -> _Gauge:
        nft = self._wires.nft_of(namespace)
        nft.do(script)
        return _Gauge(nft, table)

    def _in_wires(self, toward: int, place: int) -> _Gauge:
        self._wires.nft.do(rules.seen_counters(self._fault, toward))
        told = rules.seen(self._fault, toward)
        self._wires.lead(self._link.number, toward, self._fault, told, place=place)
        return _Gauge(self._wires.nft, rules.WIRES, f"{self._fault}t{toward}")

    def _missing(self) -> tuple[dict[int, Count], bool]:
        """Return what is between the counters, and whether they stood still meanwhile."""
        sure = True
        missing = {}
        for toward, (first, last, _) in self._stretches.items():
            after = first.read(), last.read()
            for _ in range(_TRIES):
                before, after = after, (first.read(), last.read())
                if before == after:
                    break
            else:
                sure = False
            sent, came = after
            missing[toward] = sent - came
        return missing, sure
