"""A dict that is filled at the first look is like any other, however one looks at it."""

from __future__ import annotations

import copy
import json
import pickle
import pprint
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2.core.deferred import DeferredDict, fill

if TYPE_CHECKING:
    from collections.abc import Callable

FULL = {"a": 1, "b": [1, 2], "c": None}
MADE: list[str] = []


def make(one: dict[str, Any], other: str) -> dict[str, Any]:
    """Give what it is filled with."""
    MADE.append(other)
    return dict(one)


def unread() -> dict[str, Any]:
    """Give a fresh one."""
    told = DeferredDict({"a": 1})
    told.source = (make, FULL, "x")
    return told


def matched(told: dict[str, Any]) -> Any:
    """Look by a pattern."""
    match told:
        case {"c": None, "b": found}:
            return found
    return None


LOOKS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "key": lambda one: one["b"],
    "get": lambda one: one.get("b"),
    "get missing": lambda one: one.get("z", 3),
    "in": lambda one: "b" in one,
    "len": len,
    "bool": bool,
    "list": list,
    "reversed": lambda one: list(reversed(one)),
    "keys": lambda one: list(one.keys()),
    "values": lambda one: list(one.values()),
    "items": lambda one: list(one.items()),
    "dict": dict,
    "unpacked": lambda one: {**one},
    "keywords": lambda one: dict(**one),
    "format": lambda one: "{b} {c}".format(**one),
    "format_map": "{b}".format_map,
    "equal": lambda one: one == FULL,
    "equal, the other way round": lambda one: FULL == one,
    "equal to another": lambda one: one == unread() and unread() == one and [one] == [unread()],
    "unequal": lambda one: one != FULL,
    "or": lambda one: one | {"z": 1},
    "ror": lambda one: {"z": 1} | one,
    "update another": lambda one: {"z": 1, **one},
    "repr": repr,
    "str": str,
    "pprint": pprint.pformat,
    "pprint, narrow": lambda one: pprint.pformat(one, width=10),
    "json": json.dumps,
    "json, indented": lambda one: json.dumps(one, indent=1),
    "json, sorted": lambda one: json.dumps(one, sort_keys=True),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "copy()": lambda one: one.copy(),
    "pickle": lambda one: pickle.loads(pickle.dumps(one)),  # noqa: S301 - our own
    "pop": lambda one: (one.pop("b"), dict(one)),
    "popitem": lambda one: (one.popitem(), dict(one)),
    "setdefault": lambda one: (one.setdefault("b", 7), one.setdefault("n", 7), dict(one)),
    "clear": lambda one: [one.clear(), dict(one)],  # type: ignore[func-returns-value]
    "match": matched,
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_it_is_like_a_dict(look: Callable[[dict[str, Any]], Any]) -> None:
    """Whatever one does with it first gives what a plain dict gives."""
    assert look(dict(FULL)) == look(unread())


def test_changes_come_before_and_after() -> None:
    """What is set or deleted first is not undone by the filling."""
    one = unread()
    one["b"] = "mine"
    one.update(c="mine, too")
    assert {"a": 1, "b": "mine", "c": "mine, too"} == one
    one = unread()
    del one["b"]
    assert {"a": 1, "c": None} == one
    one = unread()
    one |= {"b": 2}
    assert {"a": 1, "b": 2, "c": None} == one


def test_a_missing_key_is_missing() -> None:
    """KeyError, as ever."""
    with pytest.raises(KeyError):
        unread()["z"]


def test_it_is_filled_once_and_only_if_somebody_looks() -> None:
    """That is what it is for."""
    MADE.clear()
    one = unread()
    assert type(one) is DeferredDict
    assert [] == MADE
    assert len(one) == len(FULL)
    fill(one)
    assert one["b"] == FULL["b"]
    assert ["x"] == MADE
    assert isinstance(one, dict)
    assert type(one) is not DeferredDict
