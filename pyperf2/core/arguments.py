"""Arguments of methods, read or refused as options are; knows not what they are for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from pyperf2.core import kinds
from pyperf2.errors import OptionError

_T = TypeVar("_T")


def listed(name: str, given: object, kind: type[_T], words: str) -> tuple[_T, ...]:
    """Read several of one kind; OptionError if something else is given, or among them."""
    found = tuple(given) if isinstance(given, Iterable) else (given, None)
    if not all(isinstance(one, kind) for one in found):
        raise OptionError(f"{name}={given!r}: a list of {words} and nothing else is wanted")
    return found


def seconds_of(name: str, given: object, *, exclusive: bool = False) -> float:
    """Read a time; OptionError for what is none."""
    try:
        return float(kinds.number(0, exclusive=exclusive).parse(given))
    except (TypeError, ValueError) as error:
        raise OptionError(f"{name}={given!r}: {error}; it is in seconds") from error


def is_line(name: object) -> bool:
    """Whether it is a line of text: names stand in tables."""
    return isinstance(name, str) and name.isprintable() and name.strip() != ""


def whole(name: str, given: object, kind: kinds.Kind) -> int:
    """Read a whole number; OptionError for what is none."""
    try:
        return int(kind.parse(given))
    except (TypeError, ValueError) as error:
        raise OptionError(f"{name}={given!r}: {error}") from error
