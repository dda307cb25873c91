"""Tables drawn from ``pyperf2.core.options``.

``.. option-table::`` describes every option; ``.. tool-table::`` says which builds have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from docutils.parsers.rst import Directive
from rst_table import literal, table

from pyperf2.core.binary import Build, Version
from pyperf2.core.options import OPTIONS
from pyperf2.core.spelling import OLDEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docutils import nodes
    from sphinx.application import Sphinx

    from pyperf2.core.binary import Tool
    from pyperf2.core.spelling import Option, Spelling

HEAD: Final = ("Option", "Value", "Default", "For", "iperf2", "iperf3", "Meaning")
WIDTHS: Final = (17, 16, 8, 8, 15, 14, 28)
TOOLS: Final[tuple[Tool, ...]] = ("iperf2", "iperf3")
# The oldest build of each tool that the tests run on; older ones may well do.
FIRST: Final[Mapping[Tool, Version]] = {"iperf2": Version(2, 0, 5), "iperf3": Version(3, 9)}


def rows() -> list[tuple[str, ...]]:
    """Give a row of markup for each option, in the order of the source."""
    return [
        (
            literal(option.name),
            option.kind.name,
            _default(option),
            _for(option),
            *(", ".join(map(_spelling, option.spellings(tool))) for tool in TOOLS),
            option.help,
        )
        for option in OPTIONS.values()
    ]


def builds() -> list[Build]:
    """Give a build of each tool for every version from which on something is different."""
    found = []
    for tool in TOOLS:
        ends = {
            version
            for option in OPTIONS.values()
            for spelling in option.spellings(tool)
            for version in (spelling.since, spelling.until)
            if version is not None and version > FIRST[tool]
        }
        found += [Build(tool=tool, version=v, banner="") for v in sorted({FIRST[tool], *ends})]
    return found


def tool_rows() -> list[tuple[str, ...]]:
    """Give a row of markup for each option that is written, a cell for each of the builds."""
    columns = builds()
    limits = (
        ("least ``report_interval``, s", lambda build: f"{build.smallest_interval_s:g}"),
        ("``bandwidth`` in pps", lambda build: "yes" if build.has_pps else "as bit/s"),
    )
    return [
        *(
            (literal(option.name), *("yes" if option.fits(one) else "no" for one in columns))
            for option in OPTIONS.values()
            if option.is_written
        ),
        *((name, *map(told, columns)) for name, told in limits),
    ]


def tool_head() -> tuple[str, ...]:
    """Give the heads of the columns: the version each begins with."""
    return ("Option", *(str(build) for build in builds()))


def _default(option: Option) -> str:
    return literal(option.default if option.default not in ("", ()) else None)


def _for(option: Option) -> str:
    roles = " ".join(sorted(option.roles)) if len(option.roles) == 1 else ""
    return " ".join(filter(None, (option.protocol, roles)))


def _spelling(spelling: Spelling) -> str:
    value = "=…" if spelling.joined else ""
    since = f" from {spelling.since}" if spelling.since > OLDEST else ""
    until = f", before {spelling.until}" if spelling.until else ""
    return f"{literal(spelling.flag + value)}{since}{until}"


class OptionTable(Directive):
    """One row per option."""

    def run(self) -> list[nodes.Node]:
        """Draw the table."""
        return [table(self, HEAD, rows(), WIDTHS)]


class ToolTable(Directive):
    """One row per option, one column per build."""

    def run(self) -> list[nodes.Node]:
        """Draw the table."""
        head = tool_head()
        return [table(self, head, tool_rows(), (20, *[8] * (len(head) - 1)))]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("option-table", OptionTable)
    app.add_directive("tool-table", ToolTable)
    return {"parallel_read_safe": True}
