"""Rows of reStructuredText → a docutils table; knows nothing of what stands in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from docutils.parsers.rst import Directive


def table(
    directive: Directive, head: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]
) -> nodes.table:
    """Make a table; each cell is a line of inline markup, each width a share of the page."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += nodes.thead("", _row(directive, head))
    group += nodes.tbody("", *(_row(directive, row) for row in rows))
    return nodes.table("", group, classes=["colwidths-given"])


def _row(directive: Directive, cells: Sequence[str]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        inline, messages = directive.state.inline_text(cell, directive.lineno)
        row += nodes.entry("", nodes.paragraph("", "", *inline), *messages)
    return row


def literal(value: object) -> str:
    """Give the markup that shows a value as code; nothing for None."""
    return "" if value is None else f"``{value}``"
