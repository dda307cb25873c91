"""A dict that is made when somebody first looks into it, and is like any other from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_A = TypeVar("_A")
_B = TypeVar("_B")


class FilledDict(dict[str, Any]):
    """What a ``DeferredDict`` becomes."""

    __slots__ = ("_make",)

    _make: tuple[Callable[..., dict[str, Any]], Any, Any]


class DeferredDict(FilledDict):
    """Knows how to fill itself, and does so at the first touch; then it changes its class.

    Its first item is there from the beginning: code that reads dicts past their methods takes one
    for empty by its size.
    """

    __slots__ = ()


_new: Final = dict.__new__
_put: Final = dict.__setitem__


def deferred(
    make: Callable[[_A, _B], dict[str, Any]], one: _A, other: _B, first: str, value: object
) -> dict[str, Any]:
    """Give a dict that is ``make(one, other)`` once it is looked into.

    Args:
        make: makes all the items.
        one: what it takes,
        other: and what else.
        first: the key of the first item,
        value: which is this.
    """
    made = _new(DeferredDict)
    _put(made, first, value)
    made._make = (make, one, other)
    return made


def fill(told: object) -> None:
    """Fill a dict that is still to be filled; nothing happens to any other."""
    if type(told) is DeferredDict:
        make, one, other = told._make
        dict.update(told, make(one, other))
        told.__class__ = FilledDict  # type: ignore[assignment]  # the two have one layout
        del told._make


def _filling(name: str) -> Callable[..., Any]:
    method = getattr(dict, name)

    def filled(self: dict[str, Any], *args: Any, **keywords: Any) -> Any:
        fill(self)
        for other in args:  # dict compares by the items that there are
            fill(other)
        return method(self, *args, **keywords)

    filled.__name__, filled.__doc__ = name, method.__doc__
    return filled


# All by which a dict can be looked at or changed.
for _name in (
    "__contains__", "__delitem__", "__eq__", "__ge__", "__getitem__", "__gt__", "__ior__",
    "__iter__", "__le__", "__len__", "__lt__", "__ne__", "__or__", "__reduce_ex__", "__repr__",
    "__reversed__", "__ror__", "__setitem__", "__sizeof__", "clear", "copy", "get", "items",
    "keys", "pop", "popitem", "setdefault", "update", "values",
):  # fmt: skip
    setattr(DeferredDict, _name, _filling(_name))
