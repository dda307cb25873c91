"""What became of the datagrams of a stream, all in all; a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What became of a stream's datagrams; None where it cannot be known.

    ``lost_error`` bounds ``lost`` on both sides; 0 is exact. ``leading`` were lost before the
    first that arrived, ``trailing`` behind the last; ``repeated_fins`` are in the last gap, but
    no datagrams of the stream; ``fin_doubt`` of it may be such. ``on_the_way`` of those trailing
    may have come when nobody listened any more.
    """

    sent: int | None = None
    received: int | None = None
    lost: int | None = None
    lost_error: int = 0
    out_of_order: int | None = None
    duplicate: int | None = None
    leading: int = 0
    trailing: int | None = None
    repeated_fins: int = 0
    fin_doubt: int = 0
    on_the_way: int = 0
