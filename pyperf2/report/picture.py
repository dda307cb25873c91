"""A run as a picture: what stands where on the sheet; what is in the panels is drawn elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pyperf2.report import heat, rows
from pyperf2.report.moments import LANE_IN, draw_lines, labels_of, write_labels
from pyperf2.report.sheet import INK, SMALL_PT, WIDTH_IN, Column, Sheet

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from pyperf2.core.convergence import ConvergenceRun
    from pyperf2.report.sheet import Picture
    from pyperf2.report.timeline import Timeline

_TITLE_IN: Final = 0.45
_BETWEEN_IN: Final = 0.5
_FIRST_PART: Final = 0.55  # of the width, where a second column shows something closer
_LEGEND_COLUMNS: Final = 4
_PAD: Final = 0.01


class Body(Protocol):
    """What fills the panels.

    Attributes:
        left_in: room for what stands to the left of the first column.
        height_in: of all panels of a column.
        foot_in: room below them, for the scale of time and the legend.
        note: what a reader must know besides.
    """

    left_in: float
    height_in: float
    foot_in: float

    @property
    def note(self) -> str: ...  # noqa: D102 - above

    def window(self) -> tuple[float, float] | None:
        """Give what a second column shows; None if there is to be none."""

    def draw(self, sheet: Sheet, column: Column, top: float) -> list[Axes]:
        """Draw the panels of a column."""

    def legend(self) -> list[Artist]:
        """Give what explains them."""


def draw(run: ConvergenceRun, timeline: Timeline) -> Picture:
    """Draw a run: a panel for each flow; where they are many, a map."""
    body: Body = heat.Heat(timeline) if len(timeline.tracks) > rows.MOST else rows.Rows(timeline)
    columns = _columns(timeline, body)
    beside = columns[-1] if len(columns) > 1 else None
    labels = [labels_of(timeline.moments, columns[0], beside)]
    if beside:
        labels.append(labels_of(timeline.moments, beside, None))
    lanes = max((one.lane + 1 for some in labels for one in some), default=0)
    top = _TITLE_IN + lanes * LANE_IN
    sheet = Sheet(top + body.height_in + body.foot_in)
    sheet.text(columns[0].left_in, 0.24, _title(run, timeline, body.note), fontsize=SMALL_PT + 2)
    for column, some in zip(columns, labels, strict=True):
        write_labels(sheet, column, some, top)
        for axes in body.draw(sheet, column, top):
            draw_lines(axes, [one for one in timeline.moments if column.shows(one.at.value)])
            if beside and not column.is_closer:
                for at in (beside.begin_s, beside.end_s):
                    axes.axvline(at, color=INK, linewidth=0.8, linestyle=":", zorder=2)
    handles = body.legend()
    if handles:
        sheet.picture.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(columns[0].left_in / WIDTH_IN, 0),
            ncols=_LEGEND_COLUMNS, frameon=False, fontsize=SMALL_PT, labelcolor=INK,
            borderaxespad=0.4, borderpad=0, columnspacing=1.6, handlelength=1.6,
        )  # fmt: skip
    return sheet.picture


def _columns(timeline: Timeline, body: Body) -> list[Column]:
    room = Sheet.right_in - body.left_in
    pad = _PAD * (timeline.end_s - timeline.begin_s)
    begin, end = timeline.begin_s - pad, timeline.end_s + pad
    window = body.window()
    if window is None:
        return [Column(begin_s=begin, end_s=end, left_in=body.left_in, width_in=room)]
    first = _FIRST_PART * room
    return [
        Column(begin_s=begin, end_s=end, left_in=body.left_in, width_in=first),
        Column(
            begin_s=window[0],
            end_s=window[1],
            left_in=body.left_in + first + _BETWEEN_IN,
            width_in=room - first - _BETWEEN_IN,
            is_closer=True,
        ),
    ]


def _title(run: ConvergenceRun, timeline: Timeline, note: str) -> str:
    shown, there = len(timeline.tracks), len(run.flows)
    count = f"{shown} of {there}" if shown < there else f"{shown}"
    parts = [f"run {run.number}", f"{count} flow{'s' if there > 1 else ''}"]
    if run.event_instant is not None:
        at = run.event_instant.isoformat(sep=" ", timespec="milliseconds")
        parts.append(f"event at {at} ±{(run.event_instant_error_s or 0) * 1000:.1f} ms")
    return " · ".join([*parts, note] if note else parts)
