"""A few flows: a panel each, with its rate and its outages; knows not how panels are framed."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

from pyperf2.report.sheet import BLUE, GREY, INK, RED, SMALL_PT, fitted, width_in
from pyperf2.report.spans import draw_spans, legend_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from pyperf2.report.sheet import Column, Sheet
    from pyperf2.report.timeline import Piece, Timeline, Track

MOST: Final = 12
_TITLE_IN: Final = 0.3
_HEIGHTS_IN: Final = ((1, 3.0), (3, 1.5), (MOST, 0.8))  # of a panel, by how many there are
_HEADROOM: Final = 1.25
_MOST_POINTS: Final = 1500
_NAME_PT: Final = SMALL_PT + 1
_GAP_IN: Final = 0.3
_SEAM_S: Final = 1e-6
_CAP_PT: Final = 4.0


class Rows:
    """Panels, one flow under another."""

    left_in = 0.85
    foot_in = 1.0

    def __init__(self, timeline: Timeline) -> None:
        """Take what is to be drawn."""
        self._timeline = timeline
        self._tracks = timeline.tracks
        self._panel_in = next(high for most, high in _HEIGHTS_IN if len(self._tracks) <= most)
        self._group = max(1, *(ceil(len(one.pieces) / _MOST_POINTS) for one in self._tracks))
        self.height_in = len(self._tracks) * (self._panel_in + _TITLE_IN)

    @property
    def note(self) -> str:
        """What a reader must know besides."""
        return f"each point is the least of {self._group} intervals" if self._group > 1 else ""

    def window(self) -> tuple[float, float] | None:
        """Give what is worth a closer look."""
        return self._timeline.window()

    def draw(self, sheet: Sheet, column: Column, top: float) -> list[Axes]:
        """Draw all panels of a column."""
        made = []
        for number, track in enumerate(self._tracks):
            foot = top + (number + 1) * (self._panel_in + _TITLE_IN)
            last = number == len(self._tracks) - 1
            axes = sheet.panel(
                column, foot - self._panel_in, self._panel_in, last=last, since=self._timeline.since
            )
            self._draw(axes, track, column)
            if not column.is_closer:
                title = foot - self._panel_in - 0.07
                outcome, tone = _outcome(track), RED if track.flow.never_recovered else INK
                sheet.text(sheet.right_in, title, outcome, horizontalalignment="right", color=tone)
                room = sheet.right_in - column.left_in - width_in(outcome, _NAME_PT) - _GAP_IN
                name = fitted(track.label, room, _NAME_PT)
                sheet.text(column.left_in, title, name, fontweight="bold")
            made.append(axes)
        return made

    def legend(self) -> list[Artist]:
        """Give what explains the panels."""
        spans = [span for track in self._tracks for span in track.spans]
        lines: list[Artist] = [Line2D([], [], color=BLUE, label="received")]
        if any(track.flow.offered_pps and track.in_packets for track in self._tracks):
            lines.append(Line2D([], [], color=GREY, linestyle=":", label="offered load"))
        return [*lines, *legend_of(spans)]

    def _draw(self, axes: Axes, track: Track, column: Column) -> None:
        pieces = list(lowest(track.pieces, self._group))
        known = [piece.rate for piece in pieces if piece.rate is not None]
        high = max([*known, track.usual or 0.0]) * _HEADROOM or 1.0
        axes.set_ylim(0, high)
        axes.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(EngFormatter(sep=" "))
        axes.grid(axis="y", color=GREY, alpha=0.25, linewidth=0.6)
        if pieces and not column.is_closer:
            unit = "packets/s" if track.in_packets else "bit/s"
            axes.set_ylabel(unit, color=INK, fontsize=SMALL_PT)
        if track.in_packets and track.flow.offered_pps:
            axes.axhline(track.flow.offered_pps, color=GREY, linestyle=":", linewidth=1)
        times, rates = _steps(pieces)
        axes.plot(times, rates, color=BLUE, linewidth=1.4, zorder=3)
        draw_spans(
            axes, [(span, 0.0, high) for span in track.spans], self._timeline.end_s, cap_pt=_CAP_PT
        )
        if not pieces:
            axes.set_yticks([])
            if not column.is_closer:
                axes.text(0.02, 0.4, "no data", color=INK, transform=axes.transAxes)


def _outcome(track: Track) -> str:
    """Say what became of a flow."""
    flow, period = track.flow, track.flow.loss_of_connectivity_s
    words: list[str] = [flow.status]
    if flow.hit and period is not None:
        words.append(f"{period.told(1000)} ms without connectivity")
    if flow.lost is not None:
        words.append(f"{flow.lost.told(digits=0)} lost")
    return " · ".join(words)


def lowest(pieces: Sequence[Piece], group: int) -> Iterator[Piece]:
    """Give the least of every so many neighbours: a short outage never vanishes in an average."""
    for at in range(0, len(pieces), group):
        some = pieces[at : at + group]
        known = [one.rate for one in some if one.rate is not None]
        yield some[0]._replace(end_s=some[-1].end_s, rate=min(known, default=None))


def _steps(pieces: Sequence[Piece]) -> tuple[list[float], list[float]]:
    """Give the corners of a line, level in each interval and broken where one is missing."""
    times: list[float] = []
    rates: list[float] = []
    for piece in pieces:
        if times and piece.begin_s - times[-1] > _SEAM_S:
            times.append(times[-1])
            rates.append(float("nan"))
        rate = float("nan") if piece.rate is None else piece.rate
        times += [piece.begin_s, piece.end_s]
        rates += [rate, rate]
    return times, rates
