"""What holds of records and results whatever bytes they were read from; knows no dialect."""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from pyperf2.core import records as vocabulary
from pyperf2.core import unread
from pyperf2.core.records import Record
from pyperf2.core.results import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyperf2.core.results import StreamResult

_NAMES = {**vars(unread), **vars(vocabulary), "Mapping": Mapping}
_HINTS: dict[type, dict[str, Any]] = {
    kind: {one.name: get_type_hints(kind, _NAMES)[one.name] for one in fields(kind)}
    for kind in get_args(Record)
}


def check_records(records: Iterable[Record], *, read: int) -> None:
    """Each is a record with values of the types it declares, and ``read`` bytes make no flood."""
    count = 0
    for record in records:
        count += 1
        assert type(record) in _HINTS, record
        for name, hint in _HINTS[type(record)].items():
            value = getattr(record, name)
            assert _is_a(value, hint), f"{type(record).__name__}.{name} is {value!r}, not {hint}"
            assert _is_finite(value), f"{type(record).__name__}.{name} is {value!r}"
    # A stream begins or ends, is summed, or is doubted: a few records for each printed line.
    assert count <= 64 + 2 * read, f"{count} records of {read} bytes"


def check_result(result: Result) -> None:
    """It can be printed, stored and read back; every figure in it is a figure."""
    assert "stream" in result.report()
    stored = json.dumps(result.to_dict(), allow_nan=False)
    again = Result.from_dict(json.loads(stored))
    assert stored == json.dumps(again.to_dict(), allow_nan=False)
    for stream in result.streams.values():
        _check_stream(stream)


def _check_stream(stream: StreamResult) -> None:
    counts = (
        stream.packets_sent,
        stream.packets_received,
        stream.packets_lost,
        stream.packets_lost_error,
        stream.packets_out_of_order,
        stream.packets_duplicate,
        stream.packets_lost_leading,
        stream.packets_lost_trailing,
    )
    for count in counts:
        assert count is None or (type(count) is int and count >= 0), counts
    if stream.packets_lost_error is not None:
        assert stream.packets_lost is not None
    if stream.packets_sent is not None and stream.packets_lost_error == 0:
        received, lost = stream.packets_received, stream.packets_lost
        assert received is None or lost is None or received + lost == stream.packets_sent, counts
    assert math.isfinite(stream.duration_s)
    assert len(stream.intervals) <= stream.interval_count
    for outage in stream.outages:
        assert outage.packets_lost >= 0
        assert outage.begin_s >= 0
        assert outage.duration_s >= 0
        assert _is_finite(outage)


def _is_a(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type, its elements included."""
    origin, inner = get_origin(hint) or hint, get_args(hint)
    if origin is Any:
        return True
    if origin in _ORIGINS:
        return _ORIGINS[origin](value, inner)
    if origin is float:
        return type(value) in {int, float}
    return value is None if origin in {None, type(None)} else type(value) is origin


def _is_tuple(value: Any, inner: tuple[Any, ...]) -> bool:
    if not isinstance(value, tuple):
        return False
    if len(inner) == 2 and inner[1] is Ellipsis:
        return all(_is_a(one, inner[0]) for one in value)
    return len(value) == len(inner) and all(map(_is_a, value, inner))


def _is_mapping(value: Any, inner: tuple[Any, ...]) -> bool:
    return isinstance(value, Mapping) and all(_is_a(key, inner[0]) for key in value)


def _is_one_of(value: Any, inner: tuple[Any, ...]) -> bool:
    return any(_is_a(value, one) for one in inner)


_ORIGINS: dict[Any, Callable[[Any, tuple[Any, ...]], bool]] = {
    Literal: lambda value, inner: value in inner,
    Mapping: _is_mapping,
    Union: _is_one_of,
    tuple: _is_tuple,
    types.UnionType: _is_one_of,
}


def _is_finite(value: Any) -> bool:
    """Whether no float in the value is a NaN or an infinity, however deep."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    if is_dataclass(value):
        return all(_is_finite(getattr(value, one.name)) for one in fields(value))
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return all(map(_is_finite, value))
    return True
