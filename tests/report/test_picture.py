"""Pictures, by what is drawn where; nothing of it needs a display."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from pyperf2 import MissingExtra, OptionError
from pyperf2.convergence import ConvergenceReport
from pyperf2.report.sheet import fitted, width_in
from tests.convergence.samples import flow, outage, report, stamp
from tests.live.support import ROOT
from tests.report.samples import down, many, mixed, samples

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

HOSTILE = ("$x_{$", "<script>alert(1)</script>", "\u4e2d\u6587", "W" * 500, "\0\n\u202e", "a & b")


def words_of(picture: Figure) -> list[Any]:
    """Return every text that is drawn: titles, labels, scales."""
    picture.set_canvas(FigureCanvasAgg(picture))
    picture.draw_without_rendering()
    texts = [*picture.texts, *(text for one in picture.legends for text in one.get_texts())]
    for axes in picture.axes:
        texts += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
        low, high = sorted(axes.get_xlim())
        if axes.xaxis.get_tick_params()["labelbottom"]:
            texts += [
                tick.label1
                for tick in axes.xaxis.get_major_ticks()
                if low <= tick.get_loc() <= high
            ]
        top, foot = sorted(axes.get_ylim())
        texts += [
            tick.label1 for tick in axes.yaxis.get_major_ticks() if top <= tick.get_loc() <= foot
        ]
    return [text for text in texts if text.get_text()]


def curve(axes: Axes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times and rates of what was received."""
    drawn = [np.asarray(one.get_data(), dtype=float) for one in axes.lines]
    (line,) = [one for one in drawn if one.shape[1] > 2]
    return line[0], line[1]


def uprights(axes: Axes) -> set[float]:
    """Return where lines go from top to bottom."""
    drawn = [np.asarray(one.get_xdata(), dtype=float) for one in axes.lines]
    return {round(float(one[0]), 4) for one in drawn if len(one) == 2 and one[0] == one[1]}


def shades(axes: Axes) -> list[tuple[float, float]]:
    """Return from when to when outages are shaded."""
    found = [one for one in axes.patches if isinstance(one, Rectangle) and one.get_alpha() is None]
    return [(one.get_x(), one.get_x() + one.get_width()) for one in found]


def bars(axes: Axes) -> list[tuple[float, float]]:
    """Return the error bars: from when to when."""
    segments = [part for one in axes.collections for part in one.get_segments()]  # type: ignore[attr-defined]
    return [(part[0][0], part[1][0]) for part in segments]


def test_each_of_a_few_flows_has_its_rate_its_outage_and_the_error_bars() -> None:
    """In the whole run, and closer."""
    picture = report(down("a", 200), down("b", 50)).plot()
    assert 4 == len(picture.axes)
    whole, _, closer, _ = picture.axes
    for axes in (whole, closer):
        times, rates = curve(axes)
        assert 1000.0 == rates[-1]
        assert {0.0, 20.0} == {round(rate) for rate in rates[(times > 0.001) & (times < 0.199)]}
        assert shades(axes) == [pytest.approx((0.002, 0.202), abs=1e-6)]
        begin, end = bars(axes)
        assert begin == pytest.approx((0.0, 0.004), abs=1e-5)
        assert end == pytest.approx((0.2, 0.204), abs=1e-5)
    assert whole.get_xlim()[0] <= -10
    assert whole.get_xlim()[1] >= 4
    assert closer.get_xlim() == pytest.approx((-0.04, 0.24), abs=0.01)


def test_a_line_is_broken_where_nothing_is_known() -> None:
    """Neither drawn on, nor drawn as if nothing had arrived."""
    some = samples()
    (axes,) = report(flow("a", samples=(*some[:20], *some[30:]))).plot().axes
    _, rates = curve(axes)
    assert 1 == np.isnan(rates).sum()
    assert 0 < np.nanmin(rates)


def test_many_flows_are_a_map_with_a_row_for_each() -> None:
    """A row is as dark as its flow; its name stands beside it; outages and bars are apart."""
    picture = many(100).plot()
    heat, outages = picture.axes[0], picture.axes[2]
    (image,) = [one for one in heat.get_children() if isinstance(one, AxesImage)]
    grid = np.asarray(image.get_array())
    assert 100 == grid.shape[0]
    begin, end, *_ = image.get_extent()
    at = round((0.05 - begin) / (end - begin) * grid.shape[1])  # all that were hit are dark
    assert [False, True] == [bool(grid[row, at] > 99) for row in (50, 49)]
    assert 0 == pytest.approx(grid[16, -1])  # it never recovered
    names = [label.get_text() for label in heat.get_yticklabels()]
    assert ["flow 000", "flow 016 (never recovered)", "flow 099"] == [
        names[row] for row in (0, 16, 99)
    ]
    hit = many(100).hit
    assert {round(one.outages[0].duration_s, 3) for one in hit if one.outages[0].complete} == {
        round(last - first, 3) for first, last in shades(outages) if last < 1
    }
    assert 2 * len(hit) - 5 == len(bars(outages))  # of five the end is not known


@pytest.mark.parametrize(
    "told",
    [
        report(down("voice", 200)),
        mixed(),
        many(100),
        report(*(down(name, 200, receiver=name) for name in HOSTILE)),
        report(*(down(f"{name} {number}", 50) for name in HOSTILE for number in range(9))),
        report(
            down("a", 200),
            marks=tuple(stamp(f"mark {n} of many", at_s=n / 500) for n in range(40)),
        ),
        report(flow("silent", status="no data", packets_lost=None, zero_at=None, samples=())),
        report(flow("a", samples=()), events=()),
    ],
    ids=["one", "each kind", "100", "hostile", "hostile map", "marks", "no data", "no event"],
)
def test_words_neither_touch_nor_leave_the_sheet(told: ConvergenceReport) -> None:
    """However many flows and marks there are, and whatever they are called."""
    picture = told.plot()
    texts = words_of(picture)
    boxes = [text.get_window_extent() for text in texts]
    sheet = picture.bbox
    outside = [
        text.get_text()
        for text, box in zip(texts, boxes, strict=True)
        if box.x0 < sheet.x0 or box.x1 > sheet.x1 or box.y0 < sheet.y0 or box.y1 > sheet.y1
    ]
    assert [] == outside
    touching = [
        (one.get_text(), other.get_text())
        for (one, first), (other, second) in combinations(zip(texts, boxes, strict=True), 2)
        if min(first.x1, second.x1) - max(first.x0, second.x0) > 1
        and min(first.y1, second.y1) - max(first.y0, second.y0) > 1
    ]
    assert [] == touching


@pytest.mark.parametrize("text", ["voice", "W" * 500, "iW" * 40])
@pytest.mark.parametrize("room_in", [0.0, 0.3, 1.0])
def test_a_name_is_cut_to_the_longest_that_has_room(text: str, room_in: float) -> None:
    """One letter more would be too wide; where nothing has room, the sign of the cut is left."""
    shown = fitted(text, room_in)
    letters = len(shown.removesuffix("…"))
    assert shown == text[:letters] + "…" * (letters < len(text))
    assert width_in(shown) <= room_in or shown == "…"
    assert letters == len(text) or width_in(text[: letters + 1] + "…") > room_in


def test_a_run_without_flows_cannot_be_drawn() -> None:
    """It was broken off before one was started; the error has the reason."""
    with pytest.raises(OptionError, match="no flow of run 1; it was broken off: validate: no"):
        report(events=(), error="validate: no").plot()
    with pytest.raises(OptionError, match="None for all flows"):
        mixed().plot(flows=[])


@pytest.mark.slow
def test_a_thousand_flows_stay_on_one_sheet() -> None:
    """Then not every one is named, and the picture says so."""
    told = many(1000)
    picture = told.plot()
    assert picture.get_size_inches()[1] < 30
    names = [label.get_text() for label in picture.axes[0].get_yticklabels()]
    assert 100 < len(names) < 200
    assert "one flow in 7 is named" in " ".join(text.get_text() for text in picture.texts)


def test_events_and_marks_are_lines_with_their_offset() -> None:
    """The event's is as wide as its bounds."""
    picture = mixed().plot(flows=["voice"])
    whole, closer = picture.axes
    assert {0.0, 0.0004} <= uprights(closer)
    told = [text.get_text() for text in picture.texts]
    assert {"link failure 0.0 ±0.3 ms", "the link is down 0.4 ms", "late word 3.500 s"} <= {*told}
    assert {0.0, 3.5} <= uprights(whole)


@pytest.mark.parametrize(
    ("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_it_is_saved_in_the_format_of_its_suffix(tmp_path: Path, suffix: str, magic: bytes) -> None:
    """And given back."""
    path = tmp_path / f"plot.{suffix}"
    picture = report(down("a", 20)).plot(path)
    assert path.read_bytes().startswith(magic)
    assert 2 == len(picture.axes)


def test_a_report_read_from_json_draws_the_same() -> None:
    """Axes, lines and shades."""
    told = mixed()
    ours, read = (one.plot() for one in (told, ConvergenceReport.from_json(told.to_json())))
    assert [shades(axes) for axes in ours.axes] == [shades(axes) for axes in read.axes]
    assert [text.get_text() for text in ours.texts] == [text.get_text() for text in read.texts]


def child(code: str) -> str:
    """Return what a fresh interpreter prints."""
    code = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{code}"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    return run.stdout


@pytest.mark.slow
def test_matplotlib_is_imported_when_something_is_drawn_and_pyplot_never() -> None:
    """``import pyperf2`` takes no report, ``import pyperf2.convergence`` no matplotlib."""
    told = child(
        "def has(name): print(name, any(one.split('.')[:len(name.split('.'))] == name.split('.')"
        " for one in sys.modules))\n"
        "import pyperf2; has('pyperf2.report'); has('pyperf2.convergence')\n"
        "import pyperf2.convergence; has('matplotlib'); has('pyperf2.report')\n"
        "from tests.convergence.samples import report, flow\n"
        "report(flow('a')).plot(); has('matplotlib'); has('matplotlib.pyplot')\n"
    )
    assert ["False"] * 4 + ["True", "False"] == [line.split()[1] for line in told.splitlines()]


def test_drawing_leaves_the_settings_that_others_share_alone() -> None:
    """No rcParam is another one afterwards."""
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    report(down("a", 20)).plot()
    assert before == dict(mpl.rcParams)


@pytest.mark.slow
def test_without_matplotlib_an_error_says_what_to_install() -> None:
    """It is an ImportError, too."""
    assert issubclass(MissingExtra, ImportError)
    told = child(
        "sys.modules['matplotlib'] = None\n"
        "from tests.convergence.samples import report, flow\n"
        "try:\n    report(flow('a')).plot()\nexcept ImportError as error:\n    print(repr(error))\n"
    )
    assert told.startswith("MissingExtra(")
    assert "pip install pyperf2[plot]" in told


def test_outages_of_one_flow_do_not_hide_one_another() -> None:
    """Each is shaded by itself, in order."""
    two = flow("a", outage(0.1, 20), outage(0.3, 40), samples=samples((0.1, 0.12), (0.3, 0.34)))
    closer = report(two).plot().axes[-1]
    placed = shades(closer)
    assert [0.02, 0.04] == [pytest.approx(last - first) for first, last in placed]
    assert all(first[1] < second[0] for first, second in pairwise(placed))
