"""Events and marks: a line through the panels, a label above; labels do not touch one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyperf2.report.sheet import GREY, INK, SMALL_PT, fitted, width_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes

    from pyperf2.report.sheet import Column, Sheet
    from pyperf2.report.timeline import Moment

LANE_IN: Final = 0.17
_GAP_IN: Final = 0.08
_MOST_LANES: Final = 8
_NAME_IN: Final = 2.5
_MS_BELOW_S: Final = 1.0


class Label(NamedTuple):
    """A text above the panels: how far from the left, in which lane from below."""

    left_in: float
    lane: int
    text: str
    bold: bool


def labels_of(moments: Iterable[Moment], column: Column, beside: Column | None) -> list[Label]:
    """Give a column's labels; where another shows a moment closer, it is labelled there alone."""
    wanted = [
        one
        for one in moments
        if column.shows(one.at.value) and not (beside and beside.shows(one.at.value))
    ]
    placed: list[Label] = []
    ends: list[float] = []  # of what is in each lane
    for number, one in enumerate(wanted):
        text = _told(one)
        if len(ends) == _MOST_LANES:
            text = f"… and {len(wanted) - number} more"
        width = width_in(text)
        at = min(column.place_in(one.at.value), max(column.width_in - width, 0.0))
        free = [lane for lane, end in enumerate(ends) if end + _GAP_IN <= at]
        lane = free[0] if free else len(ends)
        if lane == len(ends):
            ends.append(0.0)
        ends[lane] = at + width
        placed.append(Label(at, lane, text, one.is_event))
        if lane == _MOST_LANES:
            break
    return placed


def _told(moment: Moment) -> str:
    """Say what was when."""
    scale, unit, digits = (1, "s", 3) if abs(moment.at.value) >= _MS_BELOW_S else (1000, "ms", 1)
    return f"{fitted(moment.name, _NAME_IN)} {moment.at.told(scale, digits)} {unit}"


def write_labels(sheet: Sheet, column: Column, labels: Sequence[Label], foot_in: float) -> None:
    """Write labels above ``foot_in``."""
    for one in labels:
        sheet.text(
            column.left_in + one.left_in,
            foot_in - one.lane * LANE_IN,
            one.text,
            fontsize=SMALL_PT,
            fontweight="bold" if one.bold else "normal",
        )


def draw_lines(axes: Axes, moments: Iterable[Moment]) -> None:
    """Draw a line for each, as wide as what is not known of its instant."""
    for one in moments:
        style = "-" if one.is_event else (0, (4, 2))
        colour = INK if one.is_event else GREY
        axes.axvline(one.at.value, color=colour, linewidth=0.9, linestyle=style, zorder=2)
        if one.at.error:
            axes.axvspan(one.at.low, one.at.high, color=colour, alpha=0.15, linewidth=0, zorder=1)
