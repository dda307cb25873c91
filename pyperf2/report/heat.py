"""Many flows: a map of flow and time, its outages beside it; knows not how panels are framed."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.colors import Normalize

from pyperf2.report.sheet import GREY, INK, RED, SMALL_PT, fitted, width_in
from pyperf2.report.spans import draw_spans, legend_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pyperf2.report.sheet import Column, Sheet
    from pyperf2.report.timeline import Timeline, Track

_COLOURS: Final = "cividis"  # as even to the colour-blind
_GAP_IN: Final = 0.08  # below the labels
_ROW_IN: Final = 0.15
_LEAST_ROW_IN: Final = 0.02
_MOST_IN: Final = 24.0
_NAME_IN: Final = 2.3
_MOST_COLUMNS: Final = 1200
_PER_INTERVAL: Final = 4  # columns: the intervals of the flows are staggered
_NAME_PT: Final = SMALL_PT - 1
_BAR_IN: Final = (1.6, 0.1)
_CAP_PT: Final = 1.8


class Heat:
    """A map: a row for each flow, as bright as it received."""

    foot_in = 1.3

    def __init__(self, timeline: Timeline) -> None:
        """Take what is to be drawn."""
        self._timeline = timeline
        self._tracks = timeline.tracks
        count = len(self._tracks)
        self._row_in = max(min(_ROW_IN, _MOST_IN / count), _LEAST_ROW_IN)
        self.height_in = count * self._row_in + _GAP_IN
        self._every = ceil(_ROW_IN / self._row_in)
        self._names = [_name(one) for one in self._tracks]
        self.left_in = max(width_in(name, _NAME_PT) for name in self._names) + 0.2
        shortest = min(
            (p.end_s - p.begin_s for one in self._tracks for p in one.pieces), default=1.0
        )
        whole = timeline.end_s - timeline.begin_s
        self._columns = min(ceil(whole / max(shortest, 1e-6)) * _PER_INTERVAL, _MOST_COLUMNS)
        self._is_coarse = whole / self._columns > shortest

    @property
    def note(self) -> str:
        """What a reader must know besides."""
        notes = ["a column of the map shows the least of its intervals"] if self._is_coarse else []
        if self._every > 1:
            notes.append(f"one flow in {self._every} is named")
        return "; ".join(notes)

    def window(self) -> tuple[float, float] | None:
        """Give where the outages are shown beside the map."""
        whole = (self._timeline.begin_s, self._timeline.end_s)
        has_spans = any(track.spans for track in self._tracks)
        return self._timeline.window() or (whole if has_spans else None)

    def draw(self, sheet: Sheet, column: Column, top: float) -> list[Axes]:
        """Draw the map, or what is beside it."""
        height = self.height_in - _GAP_IN
        axes = sheet.panel(column, top + _GAP_IN, height, last=True, since=self._timeline.since)
        count = len(self._tracks)
        axes.set_ylim(count - 0.5, -0.5)
        if column.is_closer:
            axes.set_yticks([])
            axes.grid(axis="x", color=GREY, alpha=0.25, linewidth=0.6)
            spans = [
                (span, row - 0.36, row + 0.36)
                for row, track in enumerate(self._tracks)
                for span in track.spans
            ]
            draw_spans(axes, spans, self._timeline.end_s, cap_pt=_CAP_PT)
            return [axes]
        rows = range(0, count, self._every)
        axes.set_yticks(rows, [self._names[row] for row in rows], parse_math=False)
        axes.tick_params(axis="y", labelsize=_NAME_PT, length=0)
        for row, label in zip(rows, axes.get_yticklabels(), strict=True):
            label.set_color(RED if self._tracks[row].flow.never_recovered else INK)
        begin, end = self._timeline.begin_s, self._timeline.end_s
        image = axes.imshow(
            self._grid(), extent=(begin, end, count - 0.5, -0.5), aspect="auto", cmap=_COLOURS,
            norm=Normalize(0, 100), interpolation="nearest", zorder=0,
        )  # fmt: skip
        axes.set_xlim(column.begin_s, column.end_s)
        axes.set_facecolor("none")
        width, thick = _BAR_IN
        foot = sheet.height_in - 0.72
        scale = sheet.axes(sheet.right_in - width, foot, width, thick)
        bar = sheet.picture.colorbar(image, cax=scale, orientation="horizontal", ticks=[0, 50, 100])
        bar.outline.set_visible(False)
        words = "received, % of the usual rate (blank: not known)"
        where = sheet.right_in - width - 0.12, foot + thick
        sheet.text(*where, words, horizontalalignment="right", fontsize=SMALL_PT)
        return [axes]

    def legend(self) -> list[Artist]:
        """Give what explains the map."""
        spans = [span for track in self._tracks for span in track.spans]
        return legend_of(spans)

    def _grid(self) -> NDArray[np.float64]:
        """Give the rate of each flow, in percent of its usual one; nan where nothing is known."""
        grid = np.full((len(self._tracks), self._columns), np.nan)
        begin = self._timeline.begin_s
        per_s = self._columns / (self._timeline.end_s - begin)
        for row, track in enumerate(self._tracks):
            for piece in track.pieces:
                if piece.rate is None or not track.usual:
                    continue
                first, last = ((at - begin) * per_s for at in piece[:2])
                # Columns whose middle is in the interval; a short one takes the column it is in.
                low, high = ceil(first - 0.5), ceil(last - 0.5)
                if low == high:
                    low = min(int(first), self._columns - 1)
                    high = low + 1
                percent = 100 * piece.rate / track.usual
                grid[row, low:high] = np.fmin(grid[row, low:high], percent)
        return grid


def _name(track: Track) -> str:
    name = fitted(track.label, _NAME_IN, _NAME_PT)
    return f"{name} ({track.flow.status})" if track.flow.never_recovered else name
