"""The table of what works with which build: derived from the options, and complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import option_table
import pytest

from pyperf2.core.options import OPTIONS

if TYPE_CHECKING:
    from pyperf2.core.binary import Tool

TOOLS: tuple[Tool, ...] = ("iperf2", "iperf3")


def test_every_written_option_has_its_row() -> None:
    """The library's own options work with every build, and need none."""
    told = [row[0] for row in option_table.tool_rows() if row[0].startswith("``")]
    written = [f"``{option.name}``" for option in OPTIONS.values() if option.is_written]
    assert written == told[: len(written)]
    assert all(len(option_table.tool_head()) == len(row) for row in option_table.tool_rows())


@pytest.mark.parametrize("tool", TOOLS)
def test_nothing_changes_within_a_column(tool: Tool) -> None:
    """Wherever a spelling begins or ends, a column begins."""
    columns = [one.version for one in option_table.builds() if one.tool == tool]
    assert option_table.FIRST[tool] == columns[0]
    assert sorted(set(columns)) == columns
    for option in OPTIONS.values():
        for spelling in option.spellings(tool):
            for end in (spelling.since, spelling.until):
                assert end is None or end <= columns[0] or end in columns


@pytest.mark.parametrize(
    ("name", "having"),
    [
        ("full_duplex", {"iperf2 2.0.14", "iperf2 2.1.0", "iperf2 2.2.0"}),
        ("bidir", {"iperf3 3.9", "iperf3 3.10", "iperf3 3.17", "iperf3 3.20", "iperf3 3.22"}),
        ("json_stream", {"iperf3 3.17", "iperf3 3.20", "iperf3 3.22"}),
        ("connect_retries", {"iperf2 2.1.0"}),
    ],
)
def test_a_row_names_the_builds_that_have_the_option(name: str, having: set[str]) -> None:
    """Yes stands under exactly those versions from which on, and until which, a build has it."""
    (row,) = [row for row in option_table.tool_rows() if row[0] == f"``{name}``"]
    head = option_table.tool_head()
    assert having == {build for build, cell in zip(head, row, strict=True) if cell == "yes"}


def test_the_table_of_options_spells_both_tools() -> None:
    """Each tool has a column of its own: ``-Z`` is not zerocopy everywhere."""
    (row,) = [row for row in option_table.rows() if row[0] == "``tcp_congestion``"]
    assert ("``-Z``", "``-C``") == row[4:6]
