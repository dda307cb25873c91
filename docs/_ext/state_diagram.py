"""``.. state-diagram::`` draws the life of an instance from ``pyperf2.face.TRANSITIONS``."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from docutils import nodes
from docutils.parsers.rst import Directive
from rst_table import literal, table

from pyperf2.face import TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sphinx.application import Sphinx

BOX_WIDTH: Final = 110
BOX_HEIGHT: Final = 40
TOP: Final = 30
ARC: Final = 55  # how far an arrow that is no step to the right bends down
LETTER: Final = 6.7  # width of one at FONT, generously
FONT: Final = 12

_STYLE: Final = f'font-size="{FONT}" font-family="inherit" fill="currentColor" text-anchor="middle"'
_LINE: Final = 'fill="none" stroke="currentColor" stroke-width="1.5"'


def svg(transitions: Mapping[tuple[str, str], str]) -> str:
    """Draw the states in a row; a step to the next goes straight, any other bends below."""
    states = list(dict.fromkeys(state for pair in transitions for state in pair))
    gap = round(max(map(len, transitions.values())) * LETTER) + 24
    left = {state: 2 + number * (BOX_WIDTH + gap) for number, state in enumerate(states)}
    bent = [pair for pair in transitions if not _is_step(states, pair)]
    width = 4 + len(states) * BOX_WIDTH + (len(states) - 1) * gap
    height = TOP + BOX_HEIGHT + (ARC + FONT + 8) * len(bent)
    middle = TOP + BOX_HEIGHT / 2
    parts = []
    for state, x in left.items():
        parts.append(
            f'<rect x="{x}" y="{TOP}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8" {_LINE}/>'
            f'<text x="{x + BOX_WIDTH / 2}" y="{middle + 4}" {_STYLE}>{escape(state)}</text>'
        )
    for (source, target), why in transitions.items():
        if (source, target) in bent:
            begin, end = left[source] + BOX_WIDTH / 2, left[target] + BOX_WIDTH / 2
            depth = ARC * (bent.index((source, target)) + 1)
            bottom = TOP + BOX_HEIGHT
            path = f"M{begin} {bottom} v{depth - 8} H{end} V{bottom + 8}"
            label = (begin + end) / 2, float(bottom + depth + FONT)
        else:
            begin, end = left[source] + BOX_WIDTH, left[target]
            path = f"M{begin} {middle} H{end - 8}"
            label = (begin + end) / 2, middle - 8
        parts.append(
            f'<path d="{path}" {_LINE} marker-end="url(#arrow)"/>'
            f'<text x="{label[0]}" y="{label[1]}" {_STYLE}>{escape(why)}</text>'
        )
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" style="width: 100%; max-width: {width}px"'
        ' xmlns="http://www.w3.org/2000/svg"><title>States of an instance</title>'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="6"'
        ' markerHeight="6" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="currentColor"/>'
        "</marker></defs>" + "".join(parts) + "</svg>"
    )


def rows() -> list[tuple[str, str, str]]:
    """Give the same in words: from, to, and what brings it about."""
    return [
        (literal(source), literal(target), why) for (source, target), why in TRANSITIONS.items()
    ]


def _is_step(states: list[str], pair: tuple[str, str]) -> bool:
    return states.index(pair[1]) - states.index(pair[0]) == 1


class StateDiagram(Directive):
    """The diagram, and a table that says the same."""

    def run(self) -> list[nodes.Node]:
        """Draw both."""
        words = table(self, ("From", "To", "By"), rows(), (25, 25, 50))
        return [nodes.raw("", svg(TRANSITIONS), format="html"), words]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("state-diagram", StateDiagram)
    return {"parallel_read_safe": True}
