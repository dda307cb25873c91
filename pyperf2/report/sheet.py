"""A sheet to draw on, in inches from its top left corner; knows colours, not what they stand for.

Only matplotlib's objects are used: no pyplot, no display, no settings that others would share.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from matplotlib.figure import Figure as Picture
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, MaxNLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BLUE", "GREY", "INK", "RED", "Column", "Picture", "Sheet", "fitted", "width_in"]

# Okabe and Ito's palette, told apart by the colour-blind too.
BLUE: Final = "#0072b2"
RED: Final = "#d55e00"
GREY: Final = "#808081"
INK: Final = "#1a1b1e"  # of text and axes; a page puts its own in its place

WIDTH_IN: Final = 11.0
RIGHT_IN: Final = 0.2
SMALL_PT: Final = 8.0
_POINTS_IN: Final = 72.0
_MISSING: Final = "\N{REPLACEMENT CHARACTER}"
_ELLIPSIS: Final = "…"
_MOST_LETTERS: Final = 300
_MS_BELOW_S: Final = 2.0  # an axis that spans less is in milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Axes under one another that show the same time.

    Attributes:
        begin_s: where they begin.
        end_s: where they end.
        left_in: their left edge.
        width_in: how wide they are.
        is_closer: whether they show a part of what stands to their left.
    """

    begin_s: float
    end_s: float
    left_in: float
    width_in: float
    is_closer: bool = False

    def shows(self, at_s: float) -> bool:
        """Whether an instant is on it."""
        return self.begin_s <= at_s <= self.end_s

    def place_in(self, at_s: float) -> float:
        """Give how far from its left edge an instant is."""
        return (at_s - self.begin_s) / (self.end_s - self.begin_s) * self.width_in


class Sheet:
    """A figure that is as high as what is on it."""

    right_in = WIDTH_IN - RIGHT_IN

    def __init__(self, height_in: float) -> None:
        """Make it; nothing is on it."""
        self.height_in = height_in
        self.picture = Picture(figsize=(WIDTH_IN, height_in), facecolor="white")

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes."""
        whole = self.height_in
        where = (left / WIDTH_IN, 1 - (top + height) / whole, width / WIDTH_IN, height / whole)
        made = self.picture.add_axes(where, facecolor="white")
        made.tick_params(colors=INK, labelsize=SMALL_PT, length=3)
        for spine in made.spines.values():
            spine.set(color=INK, linewidth=0.6)
        made.spines[["top", "right"]].set_visible(False)
        return made

    def panel(self, column: Column, top: float, height: float, *, last: bool, since: str) -> Axes:
        """Add axes of a column; ``last`` are those at its foot, which bear the scale of time."""
        made = self.axes(column.left_in, top, column.width_in, height)
        made.set_xlim(column.begin_s, column.end_s)
        made.xaxis.set_major_locator(MaxNLocator(7))
        made.tick_params(axis="x", labelbottom=last)
        in_ms = column.end_s - column.begin_s < _MS_BELOW_S
        scale, unit = (1000.0, "ms") if in_ms else (1.0, "s")
        made.xaxis.set_major_formatter(
            FuncFormatter(lambda at, _: f"{round(at * scale, 6):g}".replace("-", "\N{MINUS SIGN}"))
        )
        if last:
            closer = "; between the dotted lines" if column.is_closer else ""
            label = f"time since {drawable(since)}, {unit}{closer}"
            made.set_xlabel(label, color=INK, fontsize=SMALL_PT + 1, parse_math=False)
        return made

    def text(self, left: float, top: float, text: str, **look: Any) -> None:
        """Write; the baseline is at ``top``."""
        where = left / WIDTH_IN, 1 - top / self.height_in
        look = {"color": INK, "fontsize": SMALL_PT + 1, "parse_math": False, **look}
        self.picture.text(*where, drawable(text), **look)


def drawable(text: str) -> str:
    """Give a text on one line, with what the font has no picture of replaced."""
    glyphs = _glyphs()
    one_line = " ".join(text.split())
    return "".join(c if c.isprintable() and ord(c) in glyphs else _MISSING for c in one_line)


def fitted(text: str, room_in: float, size_pt: float = SMALL_PT) -> str:
    """Give a text that can be drawn, cut where it would be wider than the room for it, in bold."""
    shown = drawable(text)[:_MOST_LETTERS]
    if width_in(shown, size_pt) <= room_in:
        return shown

    def cut_in(letters: int) -> float:
        return width_in(shown[:letters] + _ELLIPSIS, size_pt)

    fitting = bisect_right(range(1, len(shown)), room_in, key=cut_in)
    return shown[:fitting] + _ELLIPSIS


def width_in(text: str, size_pt: float = SMALL_PT) -> float:
    """Give how wide a text is in bold, in inches."""
    font = FontProperties(size=size_pt, weight="bold")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / _POINTS_IN


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties())).get_charmap())
