"""The intervals of one stream, kept in some 160 bytes each, and made again when asked for.

What was recognised at a glance is kept as the line it was. Of the others the figures are packed,
one behind the other: which they are, and what they have in common with their like, is their shape.
"""

from __future__ import annotations

import struct
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import fields
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, TypeAlias, overload

from pyperf2.core.parsers.iperf2.glance import interval_of
from pyperf2.core.records import Instant, Interval
from pyperf2.core.unread import row_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyperf2.core.whole import Whole

_ROWS: Final = 512  # of a block
_FEWEST_ROWS: Final = 16
_MOST_SHAPES: Final = 1000
_ODD: Final = _MOST_SHAPES  # the shape of what is kept as it is
_LINE: Final = _MOST_SHAPES + 1  # of what is kept as the line it was
_NUMBERS: Final = {int: "q", float: "d"}
_OWN: Final = frozenset({"stream_id", "arrived", "details"})  # kept apart
_DEFAULTS: Final = {one.name: one.default for one in fields(Interval) if one.name not in _OWN}

_Shape: TypeAlias = tuple[tuple[str, str, Any], ...]


class _Packed:
    """The shape of figures: what they are called, and what is the same in all of that shape.

    Args:
        shape: of the fields, and of the details: name, format of the number or numbers, or "" and
            what stands in their place.
    """

    def __init__(self, shape: tuple[_Shape, _Shape]) -> None:
        self._fields, self._details = shape
        self._struct = struct.Struct("<" + "".join(one[1] for part in shape for one in part))

    def pack(self, figures: list[float]) -> bytes:
        return self._struct.pack(*figures)

    def interval(self, data: bytes, stream_id: str, arrived: Instant) -> Interval:
        figures = iter(self._struct.unpack(data))
        known = _named(self._fields, figures)
        if self._details:
            known["details"] = _named(self._details, figures)
        return Interval(stream_id=stream_id, arrived=arrived, **known)


def _named(shape: _Shape, figures: Iterator[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, kind, same in shape:
        if len(kind) > 1:
            named[name] = tuple(next(figures) for _ in kind)
        else:
            named[name] = next(figures) if kind else same
    return named


class _Block:
    """Rows one behind the other; rows are added, never changed, but for the ``odd`` ones."""

    __slots__ = ("data", "ends", "odd", "shapes", "stamps")

    def __init__(self) -> None:
        self.data = bytearray()
        self.ends = array("I")
        self.shapes = array("H")
        self.stamps = array("q")
        self.odd: dict[int, Interval] = {}

    def twin(self) -> _Block:
        """Give a block of the same rows, whose odd ones no longer change with this one's."""
        made = _Block()
        made.data, made.ends = self.data, self.ends
        made.shapes, made.stamps = self.shapes, self.stamps
        made.odd = dict(self.odd)
        return made


class Kept(Sequence[Interval]):
    """Intervals of a stream, as they were at one moment; compares as a tuple of them does."""

    def __init__(
        self,
        stream_id: str,
        shapes: Sequence[_Packed],
        blocks: Sequence[_Block],
        rows: tuple[int, range],
    ) -> None:
        """Take rows; ``rows`` is how many a block has, and which of all they are."""
        self._stream_id = stream_id
        self._shapes = shapes
        self._blocks = blocks
        self._in_block, self._rows = rows

    def __len__(self) -> int:
        """How many there are."""
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Interval: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Interval, ...]: ...
    def __getitem__(self, index: int | slice) -> Interval | tuple[Interval, ...]:
        """Give one, or a tuple of some."""
        if isinstance(index, slice):
            return tuple(map(self._row, self._rows[index]))
        return self._row(self._rows[index])

    def __iter__(self) -> Iterator[Interval]:
        """Give all, in order."""
        return map(self._row, self._rows)

    def _row(self, row: int) -> Interval:
        number, at = divmod(row, self._in_block)
        block = self._blocks[number - self._rows.start // self._in_block]
        odd = block.odd.get(at)
        if odd is not None:
            return odd
        begin = block.ends[at - 1] if at else 0
        data = bytes(block.data[begin : block.ends[at]])
        arrived = Instant(block.stamps[2 * at], block.stamps[2 * at + 1])
        if block.shapes[at] == _LINE:
            return interval_of(data, self._stream_id, arrived)
        return self._shapes[block.shapes[at]].interval(data, self._stream_id, arrived)

    def __eq__(self, other: object) -> bool:
        """Whether the other is a sequence of equal ones."""
        if not isinstance(other, Kept | tuple):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as a tuple of intervals: their details are dicts

    def __reduce__(self) -> tuple[type[tuple[Any, ...]], tuple[tuple[Interval, ...]]]:
        """Copy and pickle as a tuple."""
        return tuple, (tuple(self),)

    def __repr__(self) -> str:
        """Tell how many there are."""
        return f"<{len(self)} intervals of stream {self._stream_id!r}>"


class History:
    """Keeps the last intervals of one stream, or all."""

    def __init__(self, stream_id: str, most: int | None) -> None:
        """Begin empty; ``most`` bounds how many are kept, None does not."""
        self._stream_id = stream_id
        self._most = most
        self._in_block = _ROWS if most is None else min(max(most, _FEWEST_ROWS), _ROWS)
        self._shapes: list[_Packed] = []
        self._shape_numbers: dict[tuple[_Shape, _Shape], int] = {}
        self._blocks: deque[_Block] = deque([_Block()])
        self._forgotten = 0  # blocks
        self._first = 0  # of all the rows that there ever were
        self._count = 0

    def __len__(self) -> int:
        """How many are kept."""
        return self._count - self._first

    def append(self, interval: Interval) -> None:
        """Keep one more."""
        row = row_of(interval)
        if row is not None:
            self._extend([row[0]], interval.arrived)
            return
        block = self._room()
        number = self._pack(interval, block)
        if number == _ODD:
            block.odd[len(block.ends)] = interval
        block.ends.append(len(block.data))
        block.shapes.append(number)
        block.stamps.extend(interval.arrived)
        self._grow(1)

    def extend(self, whole: Whole) -> None:
        """Keep intervals that were recognised at a glance."""
        self._extend(whole.lines, whole.stamps())

    def _extend(self, lines: Sequence[bytes], stamps: Sequence[int]) -> None:
        done = 0
        while done < len(lines):
            block = self._room()
            part = lines[done : done + self._in_block - len(block.ends)]
            ends = accumulate(map(len, part), initial=len(block.data))
            next(ends)
            block.ends.extend(ends)
            block.data += b"".join(part)
            block.shapes.extend([_LINE] * len(part))
            block.stamps.extend(stamps[2 * done : 2 * (done + len(part))])
            done += len(part)
            self._grow(len(part))

    def _room(self) -> _Block:
        """Give the block in which there is room for one more."""
        block = self._blocks[-1]
        if len(block.ends) == self._in_block:
            block = _Block()
            self._blocks.append(block)
        return block

    def _grow(self, count: int) -> None:
        self._count += count
        if self._most is not None and self._count - self._first > self._most:
            self.forget_all_but(self._most)

    def replace_last(self, interval: Interval) -> None:
        """Put another in the place of the last one."""
        if len(self):
            block = self._blocks[-1]
            block.odd[len(block.ends) - 1] = interval

    def forget_all_but(self, keep: int) -> None:
        """Drop the oldest, so that ``keep`` are left."""
        self._first = max(self._first, self._count - keep)
        while self._forgotten < self._first // self._in_block and len(self._blocks) > 1:
            self._blocks.popleft()
            self._forgotten += 1

    def kept(self) -> Kept:
        """Give those that are kept now."""
        blocks = list(self._blocks)
        blocks[-1] = blocks[-1].twin()
        blocks = blocks[self._first // self._in_block - self._forgotten :]
        rows = range(self._first, self._count)
        return Kept(self._stream_id, self._shapes, blocks, (self._in_block, rows))

    def _shape(self, shape: tuple[_Shape, _Shape]) -> int:
        number = len(self._shapes)
        if number < _MOST_SHAPES:
            self._shapes.append(_Packed(shape))
            self._shape_numbers[shape] = number
        return number

    def _pack(self, interval: Interval, block: _Block) -> int:
        """Add the figures to the block, if they can be packed; give their shape."""
        figures: list[float] = []
        try:
            shape = _shape(interval, figures)
            number = self._shape_numbers.get(shape)
            if number is None:
                number = self._shape(shape)
            if number != _ODD:
                block.data += self._shapes[number].pack(figures)
        except (TypeError, struct.error):  # a detail of another kind; a number of over 64 bits
            return _ODD
        return number


def _shape(interval: Interval, figures: list[float]) -> tuple[_Shape, _Shape]:
    """Give the shape of an interval, and add its figures to those there are."""
    known = [
        (name, value)
        for name, default in _DEFAULTS.items()
        if (value := getattr(interval, name)) is not default
    ]
    return (
        tuple(_shaped(name, value, figures) for name, value in known),
        tuple(_shaped(name, value, figures) for name, value in interval.details.items()),
    )


def _shaped(name: str, value: Any, figures: list[float]) -> tuple[str, str, Any]:
    kind = _NUMBERS.get(type(value))
    if kind:
        figures.append(value)
        return (name, kind, None)
    if type(value) is tuple and len(value) > 1 and all(type(one) is int for one in value):
        figures.extend(value)
        return (name, "q" * len(value), None)
    if value is None or isinstance(value, str | bool):
        return (name, "", value)
    raise TypeError(name)
