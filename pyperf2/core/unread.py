"""Records that were recognised at a glance: their figures are read when one is asked for.

A test prints thousands of lines whose latency or jitter nobody looks at. Such a record keeps its
line, and the ``Layout`` that reads it; it is equal to one that was read at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from pyperf2.core import records  # which needs this module for its first class


class Figures(NamedTuple):
    """What such a line holds; ``transfer`` and ``bandwidth`` as printed, the rest in base units."""

    start: float
    end: float
    transfer: float
    bandwidth: float
    jitter_ms: float
    latency_mean_ms: float
    latency_min_ms: float
    latency_max_ms: float
    latency_stdev_ms: float
    packets_per_second: float
    packets: int
    bytes: int
    bits_per_second: float
    netpower: float | None
    details: dict[str, int]


class Layout(Protocol):
    """Where the figures of a line stand.

    Attributes:
        unit: of the transfer.
        bandwidth_unit: of the bandwidth.
    """

    @property
    def unit(self) -> str:
        """As above."""

    @property
    def bandwidth_unit(self) -> str:
        """As above."""

    def figures(self, line: bytes) -> Figures:
        """Read all that a line holds."""

    def read(self, record: Any, row: Row, name: str) -> bool:
        """Set this figure of a record, and others; False if there is no figure of that name."""


# The line; its layout; the id of its stream and when it arrived, which lines of a batch share.
Row: TypeAlias = "tuple[bytes, Layout, tuple[str, records.Instant]]"


class Unread:
    """What a record has beside its figures while some are unread."""

    __slots__ = ("row",)

    if TYPE_CHECKING:  # which knows the names that there are
        row: Row
    else:

        def __getattr__(self, name: str) -> Any:
            """Read the line if this is one of its figures."""
            row = None if name == "row" else row_of(self)
            if row is None or not row[1].read(self, row, name):
                message = f"{type(self).__name__!r} object has no attribute {name!r}"
                raise AttributeError(message, name=name, obj=self)
            return getattr(self, name)


def row_of(record: Unread) -> Row | None:
    """Give the row of a record that was recognised at a glance; None if it was read at once."""
    return getattr(record, "row", None)
