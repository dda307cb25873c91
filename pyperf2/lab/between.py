"""What goes missing between two places that datagrams pass: counted at both, and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyperf2.lab import rules
from pyperf2.lab.hits import Count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyperf2.lab.counters import Counters
    from pyperf2.lab.links import Link
    from pyperf2.lab.nft import Nft

_TRIES: Final = 200
_AGREED: Final = 2  # tries that have to find the same


class _Gauge(NamedTuple):
    """A place where datagrams are counted."""

    counters: Counters
    table: str
    tail: str = ""

    def read(self) -> Count:
        data, fins = (
            self.counters.read(self.table, f"{kind}{self.tail}") for kind in ("data", "fins")
        )
        return Count(datagrams=data.packets, bytes=data.bytes, fins=fins.packets)


class _Stretch(NamedTuple):
    """The part of a direction that is watched."""

    first: _Gauge
    last: _Gauge
    node: Nft  # of that which is not in the wires,
    table: str  # and its table there


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
        self._read = _at_rest
        self.exact = True  # whether all counters could be read to the datagram

    def before(self) -> None:
        """Watch from the node that sends to where the cable begins: nothing waits there."""
        self._read = _on_the_fly
        for toward in self._directions:
            end = self._link.ends[1 - toward]
            table, script = rules.leaving(self._fault, end.device, bridge=end.node.is_bridge)
            nft, node = self._at_node(end.node.namespace, table, script)
            wire = self._in_wires(toward, rules.FIRST)
            self._stretches[toward] = _Stretch(node, wire, nft, table)

    def behind(self) -> None:
        """Watch from the end of the cable's rules to the node that receives: with its queues."""
        for toward in self._directions:
            end = self._link.ends[toward]
            table, script = rules.arriving(self._fault, end.device)
            nft, node = self._at_node(end.node.namespace, table, script)
            wire = self._in_wires(toward, rules.LAST)
            self._stretches[toward] = _Stretch(wire, node, nft, table)

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
            stretch.node.do(f"delete table {stretch.table}")
        self._stretches.clear()

    def _at_node(self, namespace: str, table: str, script: str) -> tuple[Nft, _Gauge]:
        nft = self._wires.nft_of(namespace)
        nft.do(script)
        return nft, _Gauge(self._wires.counters_of(namespace), table)

    def _in_wires(self, toward: int, place: int) -> _Gauge:
        self._wires.nft.do(rules.seen_counters(self._fault, toward))
        told = rules.seen(self._fault, toward)
        self._wires.lead(self._link.number, toward, self._fault, told, place=place)
        return _Gauge(
            self._wires.counters_of(self._wires.namespace), rules.WIRES, f"{self._fault}t{toward}"
        )

    def _missing(self) -> tuple[dict[int, Count], bool]:
        """Return what is between the counters, and whether that is exact."""
        read = {
            toward: self._read(first, last) for toward, (first, last, *_) in self._stretches.items()
        }
        missing = {toward: count for toward, (count, _) in read.items()}
        return missing, all(sure for _, sure in read.values())


def _at_rest(first: _Gauge, last: _Gauge) -> tuple[Count, bool]:
    """Compare two counters where much may be on its way: when both stand still."""
    after = first.read(), last.read()
    for _ in range(_TRIES):
        before, after = after, (first.read(), last.read())
        if before == after:
            return after[0] - after[1], True
    return after[0] - after[1], False


def _on_the_fly(first: _Gauge, last: _Gauge) -> tuple[Count, bool]:
    """Compare two counters while datagrams pass both at once: what is missing stays the same.

    It is never more than the first counter has over the last as that was before; and, but for what
    is on its way for so long, never less than over the last as it is after.
    """
    came = last.read()
    found: Count | None = None
    agreed = 0
    for _ in range(_TRIES):
        sent = first.read()
        most, came = sent - came, last.read()
        if found is None or _number(most) < _number(found):
            found, agreed = most, 0
        agreed += sent - came == found
        if agreed == _AGREED:
            return found, True
    return found or Count(), False


def _number(count: Count) -> int:
    return count.datagrams + count.fins
