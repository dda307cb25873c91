"""Plain data, as JSON gives it → values, by their annotations; knows not what they mean.

What does not fit is refused, with the place where it stands: a document that lost a part is not
read as if there had been none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    NoReturn,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pyperf2.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
_PLAIN: Final = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
_SHOWN: Final = 60  # characters of what is refused


def document_of(text: object, schema: str) -> Mapping[str, Any]:
    """Parse a JSON document of a schema.

    Raises:
        OptionError: it is no JSON, or of another schema.
    """
    if not isinstance(text, (str, bytes, bytearray)):
        raise OptionError(f"a JSON document is wanted, as text, not {_shown(text)}")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OptionError(f"{_shown(text)} is no JSON document: {error}") from error
    return of_schema(data, schema)


def of_schema(data: object, schema: str) -> Mapping[str, Any]:
    """Give data back if it is of a schema; OptionError says what it is instead."""
    if not isinstance(data, Mapping):
        raise OptionError(f"{_shown(data)} is no object of schema {schema!r}")
    if data.get("schema") != schema:
        raise OptionError(
            f"schema {_shown(data.get('schema'))} is not known; this reads {schema!r}"
        )
    return data


class Reader:
    """Reads values of some types, which may name one another in their annotations."""

    def __init__(self, *types: type[Any], **aliases: Any) -> None:
        """Take what annotations name and their modules import for the annotations alone."""
        self._names = {**{one.__name__: one for one in (*types, datetime)}, **aliases}
        self._hints: dict[type[Any], dict[str, Any]] = {}
        self._generic: Mapping[Any, Callable[[tuple[Any, ...], object, str], Any]] = {
            Union: self._optional,
            UnionType: self._optional,
            Literal: _choice,
            tuple: self._array,
        }

    def read(self, kind: type[_T], data: object, where: str) -> _T:
        """Make a value.

        Args:
            kind: a dataclass, or what an annotation says.
            data: from an object, or for a named tuple also from an array, in the order of fields.
            where: how to call the place in an error.

        Raises:
            OptionError: something does not fit, or is not there; what nobody asks for is let pass.
        """
        made: _T = self._made(kind, data, where)
        return made

    def _made(self, kind: Any, data: object, where: str) -> Any:
        how = self._generic.get(get_origin(kind))
        if how is not None:
            return how(get_args(kind), data, where)
        if kind in _PLAIN:
            return _plain(kind, data, where)
        return _moment(data, where) if kind is datetime else self._composed(kind, data, where)

    def _optional(self, inside: tuple[Any, ...], data: object, where: str) -> Any:
        if data is None and NoneType in inside:
            return None
        (kind,) = (one for one in inside if one is not NoneType)
        return self._made(kind, data, where)

    def _array(self, inside: tuple[Any, ...], data: object, where: str) -> tuple[Any, ...]:
        if not isinstance(data, list):
            _refuse(where, data, "an array")
        return tuple(self._made(inside[0], one, f"{where}[{n}]") for n, one in enumerate(data))

    def _composed(self, kind: Any, data: object, where: str) -> Any:
        names = [one.name for one in fields(kind)] if is_dataclass(kind) else list(kind._fields)
        if isinstance(data, list) and not is_dataclass(kind) and len(data) == len(names):
            data = dict(zip(names, data, strict=True))
        if not isinstance(data, Mapping):
            _refuse(where, data, f"an object with {', '.join(names)}")
        missing = [name for name in names if name not in data]
        if missing:
            raise OptionError(f"{where}: {', '.join(missing)} is not there")
        if kind not in self._hints:
            self._hints[kind] = get_type_hints(kind, localns=self._names)
        hints = self._hints[kind]
        return kind(**{n: self._made(hints[n], data[n], f"{where}.{n}") for n in names})


def _choice(inside: tuple[Any, ...], data: object, where: str) -> Any:
    if data not in inside:
        _refuse(where, data, "one of " + ", ".join(map(repr, inside)))
    return data


def _plain(kind: type[Any], data: object, where: str) -> Any:
    takes = (int, float) if kind is float else kind
    if not isinstance(data, takes) or (isinstance(data, bool) and kind is not bool):
        _refuse(where, data, _PLAIN[kind])
    try:
        return kind(data)
    except OverflowError:
        _refuse(where, data, "a number that a computer can hold")


def _moment(data: object, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(data) if isinstance(data, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        _refuse(where, data, "a date and time with its offset from UTC")
    return moment


def _refuse(where: str, data: object, wanted: str) -> NoReturn:
    raise OptionError(f"{where}: {_shown(data)} stands where {wanted} has to be")


def _shown(data: object) -> str:
    text = repr(data)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
