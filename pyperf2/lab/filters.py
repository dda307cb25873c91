"""Blackout, loss and duplicates: rules of nftables, switched by one small transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyperf2.lab import rules
from pyperf2.lab.hits import Count
from pyperf2.lab.nft import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.lab.impairments import Filtering
    from pyperf2.lab.instants import Bracket
    from pyperf2.lab.links import Link


class Filter:
    """One filter on a link, in one or both directions; methods as in `faults.Means`."""

    def __init__(self, link: Link, impairment: Filtering, directions: Sequence[int]) -> None:
        """Only describe it; `prepare` makes it."""
        self._link, self._impairment, self._directions = link, impairment, directions
        self._wires = link.wires
        self._number = self._wires.next_fault()

    def prepare(self) -> None:
        """Make the filters and their closed gates; all of them or none."""
        scripts = [
            rules.prepare(self._number, self._link.number, toward, self._impairment)
            for toward in self._directions
        ]
        self._wires.nft.do("\n".join(scripts))
        for toward in self._directions:
            told = [rules.gate(self._number, toward)]
            self._wires.lead(self._link.number, toward, self._number, told)

    def on(self) -> Bracket:
        """Open the gates, in all directions at once."""
        return self._switch(rules.switch_on)

    def off(self) -> Bracket:
        """Close the gates, in all directions at once."""
        return self._switch(rules.switch_off)

    def counts(self) -> dict[int, Count]:
        """Read the counters."""
        tallies = self._wires.nft.counters(rules.WIRES)

        def count(toward: int) -> Count:
            tail = f"{self._number}t{toward}"
            data = tallies.get(f"data{tail}", Tally())
            fins, others = (tallies.get(kind + tail, Tally()) for kind in ("fins", "others"))
            return Count(
                datagrams=data.packets,
                bytes=data.bytes,
                fins=fins.packets,
                others=others.packets,
            )

        return {toward: count(toward) for toward in self._directions}

    def exact(self) -> bool:
        """What is dropped is counted by the same rule."""
        return True

    def remove(self) -> None:
        """Remove gates and filters."""
        for toward in self._directions:
            self._wires.unlead(self._link.number, toward, self._number)
        scripts = [rules.remove(self._number, toward) for toward in self._directions]
        self._wires.nft.do("\n".join(scripts))

    def _switch(self, script: rules.Switch) -> Bracket:
        lines = [script(self._number, toward) for toward in self._directions]
        return self._wires.nft.switch("\n".join(lines))
