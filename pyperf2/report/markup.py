"""HTML elements whose text is escaped unless it is markup already; knows no page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID: Final = frozenset({"meta"})
_FORBIDDEN: Final = "\N{REPLACEMENT CHARACTER}"


class Markup(str):
    """Text that is HTML, and stays as it is."""

    __slots__ = ()


def element(name: str, /, *content: object, **attributes: Any) -> Markup:
    """Make an element.

    Args:
        name: of the element.
        content: markup, or what is escaped as text; None is nothing.
        attributes: without those that are None or False; ``class_`` is ``class``, and an
            underscore inside is a hyphen.
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    opened = f"<{name}{told}>"
    return Markup(opened if name in _VOID else f"{opened}{joined(content)}</{name}>")


def joined(parts: Iterable[object]) -> Markup:
    """Put parts together, each escaped unless it is markup; None is nothing."""
    return Markup(
        "".join(
            part if isinstance(part, Markup) else text(str(part))
            for part in parts
            if part is not None
        )
    )


def text(words: str) -> Markup:
    """Escape a text, and replace what no HTML document can hold."""
    clean = "".join(c if c in "\t\n" or c.isprintable() else _FORBIDDEN for c in words)
    return Markup(escape(clean))
