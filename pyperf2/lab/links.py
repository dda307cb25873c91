"""A link between two nodes: its ends, and what can be made wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyperf2.errors import OptionError
from pyperf2.lab.faults import Fault, Impaired

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pyperf2.lab.addresses import Interface
    from pyperf2.lab.hits import Hit
    from pyperf2.lab.impairments import Impairment
    from pyperf2.lab.nodes import Node
    from pyperf2.lab.wires import Wires


class End(NamedTuple):
    """Where a link ends: a node, the device there, and its addresses."""

    node: Node
    device: str
    addresses: tuple[Interface, ...]


class Link:
    """A link of a lab; made by ``lab.link()``.

    Attributes:
        name: ``a--b``, after its ends.
        number: which link of the lab it is, from 1 on.
        ends: both, in the order they were given.
        wires: where its cable runs.
    """

    def __init__(self, number: int, ends: tuple[End, End], wires: Wires) -> None:
        """Describe a link that is there already."""
        self.number = number
        self.ends = ends
        self.wires = wires
        self.name = "--".join(end.node.name for end in ends)

    def __repr__(self) -> str:
        """Name it as an error message needs it."""
        return f"link {self.name!r}"

    def end_of(self, node: Node) -> End:
        """Return the end at a node.

        Raises:
            OptionError: it does not end there.
        """
        for end in self.ends:
            if end.node is node:
                return end
        raise OptionError(f"{self} does not end at {node}")

    def prepare(self, impairment: Impairment, *, toward: Node | None = None) -> Fault:
        """Make an impairment ready, so that starting it is one small change.

        Args:
            impairment: what is to be wrong.
            toward: the end it keeps packets from; None: both.

        Returns:
            What ``start()`` and ``stop()`` switch, any number of times; as a context manager, it
            is on for the block. ``remove()`` takes it off the link; leaving the lab does too.

        Raises:
            UnsupportedImpairment: this kernel, or this link, cannot do it.
            OptionError: the link does not end at ``toward``.
            LabError: the link is gone.
        """
        directions = (0, 1) if toward is None else (self.ends.index(self.end_of(toward)),)
        return Fault(self, impairment, directions)

    def impair(
        self, impairment: Impairment, *, toward: Node | None = None
    ) -> AbstractContextManager[Hit]:
        """Make something wrong for the length of a ``with`` block, which gets the `Hit`.

        Arguments and errors as those of `prepare`.
        """
        return Impaired(lambda: self.prepare(impairment, toward=toward))
