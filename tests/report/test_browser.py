"""The page as a browser shows it: all there, nothing fetched, nothing to complain of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.convergence.samples import report
from tests.report.samples import down, many, mixed

if TYPE_CHECKING:
    from pathlib import Path

    from pyperf2.convergence import ConvergenceReport
    from tests.report.browser import Browser

pytestmark = pytest.mark.slow
SIZES = """
[...document.querySelectorAll('h1, .verdict, dl, svg, table, tbody tr, .note')].map(one => {
  const box = one.getBoundingClientRect();
  return [one.tagName, box.width, box.height];
})
"""
DRAWN = """
[...document.querySelectorAll('svg path, svg use, svg image')].filter(
  one => one.getBoundingClientRect().width > 0).length
"""
INK = """getComputedStyle(document.querySelector('svg [style*="fill: currentColor"]')).fill"""
PAPER = "getComputedStyle(document.body).backgroundColor"


def saved(told: ConvergenceReport, path: Path) -> Path:
    """Return where the page of a report is."""
    told.to_html(path, verdict=told.check(max_outage_ms=150))
    return path


def brightness(colour: str) -> float:
    """Return how bright ``rgb(…)`` is, from 0 to 255."""
    return sum(float(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")) / 3


@pytest.mark.parametrize(
    "told",
    [report(down("<script>alert(1)</script>" * 9, 200)), mixed(), many(100)],
    ids=["hostile", "each kind", "100 flows"],
)
def test_table_and_plot_are_shown_and_nothing_is_fetched(
    browser: Browser, tmp_path: Path, told: ConvergenceReport
) -> None:
    """Each has a size; the console is empty; what is too wide scrolls by itself, not the page."""
    page = saved(told, tmp_path / "report.html")
    outages = sum(len(one.outages) + len(one.earlier) for one in told.flows)
    course = len((*told.events, *told.marks, *told.steps))
    for width in (1280, 480):
        browser.show(page, width=width)
        sizes = browser.value(SIZES)
        kinds = [kind for kind, _, _ in sizes]
        assert 4 == kinds.count("TABLE")
        assert 2 + len(told.flows) + outages + course == kinds.count("TR")  # 2: statistics
        assert 1 == kinds.count("svg")
        assert [] == [one for one in sizes if one[1] < 20 or one[2] < 10]
        assert browser.value(DRAWN) > 50
        assert ([], []) == (browser.complaints, browser.requests)
        assert browser.value("document.documentElement.scrollWidth") <= width


def test_it_follows_the_reader_s_colours(browser: Browser, tmp_path: Path) -> None:
    """Dark on bright, or bright on dark: page and plot alike."""
    page = saved(report(down("a", 200)), tmp_path / "report.html")
    browser.show(page, width=1280)
    bright, ink = brightness(browser.value(PAPER)), brightness(browser.value(INK))
    browser.show(page, width=1280, dark=True)
    dark, light_ink = brightness(browser.value(PAPER)), brightness(browser.value(INK))
    assert [True, False, False, True] == [one > 128 for one in (bright, ink, dark, light_ink)]


def test_what_a_page_may_not_do_would_be_seen(browser: Browser, tmp_path: Path) -> None:
    """A script and a picture from elsewhere, put into the page, are blocked, and complained of."""
    path = saved(report(down("a", 200)), tmp_path / "report.html")
    page = path.read_text(encoding="utf-8")
    assert "</main>" in page
    alien = '<img src="http://127.0.0.1:9/a.png"><script>document.title = "taken"</script></main>'
    path.write_text(page.replace("</main>", alien), encoding="utf-8")
    browser.show(path, width=1280)
    assert "Convergence report: failed" == browser.value("document.title")
    told = "\n".join(browser.complaints)
    assert "img-src" in told
    assert "script-src" in told
