"""A dict that is made when somebody first looks into it, and is like any other from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class FilledDict(dict[str, Any]):
    """What a ``DeferredDict`` becomes."""

    __slots__ = ("source",)

    source: tuple[Callable[[Any, Any], dict[str, Any]], Any, Any]


class DeferredDict(FilledDict):
    """Knows how to fill itself, and does so at the first touch; then it changes its class.

    It is made with its first item: code that reads dicts past their methods takes one for empty by
    its size.

    Attributes:
        source: what makes all the items, and the two things that it takes; has to be set.
    """

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        """Give an item, as most ask for."""
        fill(self)
        return self[key]


def fill(told: object) -> None:
    """Fill a dict that is still to be filled; nothing happens to any other."""
    if type(told) is DeferredDict:
        make, one, other = told.source
        dict.update(told, make(one, other))
        told.__class__ = FilledDict  # type: ignore[assignment]  # the two have one layout
        del told.source


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
    "__contains__", "__delitem__", "__eq__", "__ge__", "__gt__", "__ior__",
    "__iter__", "__le__", "__len__", "__lt__", "__ne__", "__or__", "__reduce_ex__", "__repr__",
    "__reversed__", "__ror__", "__setitem__", "__sizeof__", "clear", "copy", "get", "items",
    "keys", "pop", "popitem", "setdefault", "update", "values",
):  # fmt: skip
    setattr(DeferredDict, _name, _filling(_name))
