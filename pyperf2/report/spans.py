"""Outages: what is shaded, and the error bars of begin and end; knows not whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from pyperf2.report.sheet import GREY, RED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from pyperf2.report.timeline import Span

_SHADE: Final = 0.25
# Kinds of outages, each told by its hatch; the first that is true of one is its kind.
_Kind: TypeAlias = "tuple[str, str | None, Callable[[Span], bool]]"
_KINDS: Final[tuple[_Kind, ...]] = (
    ("outage still on at the end", "////", lambda span: span.end is None),
    ("suspect outage: the sender stalled", "....", lambda span: span.outage.suspect),
    ("outage before the event", None, lambda span: span.earlier),
    ("outage", None, lambda span: True),  # noqa: ARG005 - whatever is left
)


def draw_spans(
    axes: Axes, spans: Iterable[tuple[Span, float, float]], end_s: float, *, cap_pt: float
) -> None:
    """Draw outages, each between two heights; one that is still on lasts until ``end_s``."""
    bars: dict[str, list[tuple[float, float, float]]] = {}
    for span, low, high in spans:
        begin, end = span.begin.value, span.end.value if span.end else end_s
        for look in _looks(span):
            axes.add_patch(Rectangle((begin, low), end - begin, high - low, **look))
        edges = [one for one in (span.begin, span.end) if one is not None]
        middle = (low + high) / 2
        bars.setdefault(_colour(span), []).extend((one.value, middle, one.error) for one in edges)
    for colour, listed in bars.items():
        at, heights, errors = zip(*listed, strict=True)
        axes.errorbar(at, heights, xerr=errors, **_bars(colour, cap_pt))


def legend_of(spans: Iterable[Span]) -> list[Artist]:
    """Give what explains these outages."""
    kinds = {_kind(span): span for span in spans}
    shades: list[Artist] = [
        Patch(label=what, **_looks(kinds[number])[-1])
        for number, (what, _, _) in reversed(list(enumerate(_KINDS)))
        if number in kinds
    ]
    bounds = Line2D(
        [], [], color=RED, linestyle="", marker="$\\vdash\\!\\dashv$", markersize=12,
        label="error bars of begin and end",
    )  # fmt: skip
    return [*shades, bounds] if shades else []


def _kind(span: Span) -> int:
    return next(number for number, (_, _, holds) in enumerate(_KINDS) if holds(span))


def _colour(span: Span) -> str:
    return GREY if span.earlier else RED


def _looks(span: Span) -> list[dict[str, Any]]:
    """Give the looks of the areas to draw: a shade, and a hatch, which SVG knows opaque only."""
    colour, hatch = _colour(span), _KINDS[_kind(span)][1]
    looks: list[dict[str, Any]] = [{"facecolor": to_rgba(colour, _SHADE), "linewidth": 0}]
    if hatch:
        looks.append({"facecolor": "none", "edgecolor": colour, "linewidth": 0, "hatch": hatch})
    return looks


def _bars(colour: str, cap_pt: float) -> dict[str, Any]:
    return {
        "fmt": "none",
        "ecolor": colour,
        "elinewidth": 1.2,
        "capsize": cap_pt,
        "capthick": 1.2,
        "zorder": 4,
    }
