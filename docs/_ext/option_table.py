"""``.. option-table::`` draws the table of all options from ``pyperf2.core.options``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from docutils.parsers.rst import Directive
from rst_table import literal, table

from pyperf2.core.options import OPTIONS

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

    from pyperf2.core.spelling import Option, Spelling

HEAD: Final = ("Option", "Value", "Default", "For", "iperf2", "Meaning")
WIDTHS: Final = (18, 18, 9, 9, 16, 30)


def rows() -> list[tuple[str, ...]]:
    """Give a row of markup for each option, in the order of the source."""
    return [
        (
            literal(option.name),
            option.kind.name,
            _default(option),
            _for(option),
            ", ".join(map(_spelling, option.spellings)),
            option.help,
        )
        for option in OPTIONS.values()
    ]


def _default(option: Option) -> str:
    return literal(option.default if option.default not in ("", ()) else None)


def _for(option: Option) -> str:
    roles = " ".join(sorted(option.roles)) if len(option.roles) == 1 else ""
    return " ".join(filter(None, (option.protocol, roles)))


def _spelling(spelling: Spelling) -> str:
    value = "=…" if spelling.joined else ""
    since = f" from {spelling.since}" if spelling.since > (2, 0, 0, "") else ""
    until = f", before {spelling.until}" if spelling.until else ""
    return f"{literal(spelling.flag + value)}{since}{until}"


class OptionTable(Directive):
    """One row per option."""

    def run(self) -> list[nodes.Node]:
        """Draw the table."""
        return [table(self, HEAD, rows(), WIDTHS)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("option-table", OptionTable)
    return {"parallel_read_safe": True}
