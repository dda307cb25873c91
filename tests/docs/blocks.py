"""The Python blocks of a reStructuredText page, as docutils reads them."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.core import publish_doctree

if TYPE_CHECKING:
    from pathlib import Path

NETNS = "netns"  # ``:class: netns`` marks a block that makes namespaces

_HEAD = re.compile(r"^ *\.\. code-block:: python$", re.MULTILINE)
_QUIET = {"report_level": 5, "halt_level": 6, "file_insertion_enabled": False}


def blocks_of(page: Path, *, netns: bool = False) -> list[str]:
    """Return the source of each Python block, those that make namespaces or the others."""
    return [node.astext() for node in _blocks(page) if (NETNS in node["classes"]) is netns]


@cache
def _blocks(page: Path) -> list[nodes.literal_block]:
    text = page.read_text(encoding="utf-8")
    if "python" not in text:
        return []
    tree = publish_doctree(text, settings_overrides=_QUIET)
    found = [
        node
        for node in tree.findall(nodes.literal_block)
        if {"code", "python"} <= set(node["classes"])
    ]
    # docutils drops a block with an option it does not know; none may go unnoticed.
    assert len(_HEAD.findall(text)) == len(found)
    return found


def script_of(page: Path, blocks: list[str]) -> str:
    """Return a program that runs the blocks in order, in one namespace, each under its number."""
    return "\n".join(
        f"exec(compile({block!r}, '{page.name}, block {number}', 'exec'))"
        for number, block in enumerate(blocks, start=1)
    )
