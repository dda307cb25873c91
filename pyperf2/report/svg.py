"""A picture as a part of a page: no header, ids of its own, the page's colours."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final

from pyperf2.report.markup import Markup, text
from pyperf2.report.sheet import BLUE, INK, RED

if TYPE_CHECKING:
    from pyperf2.report.sheet import Picture

_NO_DATA: Final = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_COLOURS: Final = {INK: "currentColor", BLUE: "var(--rate)", RED: "var(--outage)"}
_ID: Final = re.compile(r'(\bid="|href="#|url\(#)')
_SIZE: Final = re.compile(r' (?:width|height)="[\d.]+pt"')
_STYLE: Final = re.compile(r"<style[^>]*>.*?</style>", re.DOTALL)  # would hold for the page, too


def inline(picture: Picture, label: str, prefix: str) -> Markup:
    """Give an ``svg`` element as wide as there is room; ``prefix`` begins its ids."""
    told = io.StringIO()
    picture.savefig(told, format="svg", transparent=True, metadata=_NO_DATA)
    drawn = told.getvalue()
    head, body = drawn[drawn.index("<svg") :].split(">", 1)
    head = _SIZE.sub("", head).replace("<svg", f'<svg role="img" aria-label="{text(label)}"', 1)
    body = _STYLE.sub("", _COMMENT.sub("", body))
    for colour, of_page in _COLOURS.items():
        body = body.replace(colour, of_page)
    body = _ID.sub(lambda found: f"{found[1]}{prefix}-", body)
    return Markup(f"{head}>{body}".strip())
