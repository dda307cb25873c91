"""The page: complete, well-formed, accessible, and closed in itself."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2.convergence import ConvergenceReport
from pyperf2.report.markup import element
from tests.convergence.samples import flow, outage, report, stamp
from tests.report.samples import down, mixed
from tests.report.test_picture import HOSTILE, child

if TYPE_CHECKING:
    from pathlib import Path

VOID = frozenset({"meta"})
DRAWN = frozenset({"path", "use", "g", "defs", "clippath", "rect"})  # letters, too


class Page(HTMLParser):
    """A page taken apart; what is not well-formed fails at once."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []  # the element they are in, and they
        self.declared: list[str] = []
        self.feed(page)
        self.close()
        assert [] == self._open

    def handle_decl(self, decl: str) -> None:
        """Keep what the document says it is."""
        self.declared.append(decl)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        assert len(attrs) == len(dict(attrs)), f"an attribute twice: {tag} {attrs}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take one that is closed at once."""
        assert "svg" in self._open, f"<{tag}/> is for SVG only"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last, and no other."""
        assert tag == self._open.pop()

    def handle_comment(self, data: str) -> None:
        """There is nothing to comment."""
        pytest.fail(f"a comment: {data}")

    def handle_data(self, data: str) -> None:
        """Keep text with the element it is in."""
        if data.strip():
            self.texts.append((self._open[-1], data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        """What a reader reads."""
        return "\n".join(data for tag, data in self.texts if tag != "style")


@cache  # drawing it takes half a second
def mixed_page() -> str:
    """Return the page of a report with one flow of each kind."""
    return mixed().to_html()


@cache
def shape(word: str) -> list[str]:
    """Return the elements of a page in which everything has this name."""
    told = report(
        flow(word, outage(0.0, 5), receiver=word), flow("b"),
        marks=(stamp(word, at_s=0.1),), events=(stamp(word),), steps=(stamp(word, at_s=-1),),
        notes=(word,), environment=(word,), error=word,
    )  # fmt: skip
    page = Page(told.to_html(verdict=told.check(max_lost=1)))
    return [tag for tag, _ in page.elements if tag not in DRAWN]


def test_it_says_everything_the_report_knows() -> None:
    """Verdict, figures with their bars, every flow and outage, the course, notes, versions."""
    told = mixed()
    verdict = told.check(max_outage_ms=150)
    words = Page(told.to_html(verdict=verdict)).words
    assert "failed" in words
    for line in (*verdict.lines, *(one.text for one in verdict.checks)):
        assert line in words
    for figure in (
        "5 of 8",  # flows hit
        "52.0 ±20.0 ms",  # first route convergence time
        "200.0 ±1.0",  # without connectivity
        "200.0 ±3.0",  # arrival gap
        "1 located", "1 contained", "1 rate", "1 open",
        "2.0 ±2.0", "202.0 ±2.0",  # from, to
        "suspect: the sender itself stalled", "still on at the end", "before the event",
        "never recovered", "no data", "TCP",
        "event: link failure", "mark: bgp up", "step: recovery", "0.0 ±0.3", "3500.0",
        "iperf2 2.1.8", "Linux 6.1.0", "sampled every 0.1 s", "validated for 1 s",
    ):  # fmt: skip
        assert figure in words, figure
    for one in told.flows:
        assert one.flow in words


@pytest.mark.parametrize(
    ("limit_ms", "word"), [(500.0, "passed"), (200.0, "undecided"), (100.0, "failed")]
)
def test_the_verdict_stands_above(limit_ms: float, word: str) -> None:
    """In words, in the title, and as a class; what is not kept has its line."""
    told = report(down("a", 200))
    verdict = told.check(max_outage_ms=limit_ms)
    page = Page(told.to_html(verdict=verdict))
    assert ("title", f"Convergence report: {word}") in page.texts
    assert ("strong", word) in page.texts
    assert f"verdict {word}" in [one.get("class") for one in page.all("p")]
    listed = [data for tag, data in page.texts if tag == "li"]
    assert [*verdict.lines, *(one.text for one in verdict.checks)] == listed


def test_several_runs_have_statistics_and_the_last_is_unfolded() -> None:
    """A section each; ids never twice, though each has its plot."""
    page = Page(report(down("a", 200), runs=3).to_html())
    assert "Over 3 runs" in page.words
    assert "95th percentile" in page.words
    runs = [one for one in page.all("details") if one.get("class") == "run"]
    assert [False, False, True] == ["open" in one for one in runs]
    assert 3 == len(page.all("svg"))
    ids = [value for _, one in page.elements if (value := one.get("id"))]
    assert len(ids) == len(set(ids))


def test_runs_that_were_all_broken_off_have_no_statistics() -> None:
    """There is no table without a row."""
    page = Page(report(flow("a"), runs=2, error="recovery: it was aborted").to_html())
    assert "All were broken off." in page.words
    assert "95th percentile" not in page.words


@pytest.mark.slow
def test_of_very_many_runs_the_last_is_drawn_and_the_others_say_so() -> None:
    """A page stays small enough to be opened."""
    page = Page(report(down("a", 200), runs=11).to_html())
    assert 1 == len(page.all("svg"))
    assert "plot(run=10) draws this one" in page.words


def test_it_needs_nothing_else_and_runs_nothing() -> None:
    """No script, no link, nothing fetched: what refers leads into the page or holds its data."""
    source = mixed_page()
    page = Page(source)
    tags = {tag for tag, _ in page.elements}
    assert set() == tags & {"script", "link", "iframe", "object", "embed", "base", "img"}
    assert [] == [key for _, one in page.elements for key in one if key.startswith("on")]
    leads = [
        value or ""
        for _, one in page.elements
        for key, value in one.items()
        if key in {"href", "src", "xlink:href", "srcset", "action"}
    ]
    assert leads
    ids = {one.get("id") for _, one in page.elements}
    assert [] == [lead for lead in leads if lead[1:] not in ids and not lead.startswith("data:")]
    urls = re.findall(r"url\(#?([^)]*)\)", source)
    assert urls
    assert not [url for url in urls if url.startswith(("http", "//", "data:text"))]
    assert "@import" not in source


def test_it_is_accessible() -> None:
    """Language, title, heads of rows and columns, a named picture, regions that keys can scroll."""
    page = Page(mixed_page())
    assert ["doctype html"] == page.declared
    assert [{"lang": "en"}] == page.all("html")
    assert {"col", "row"} == {one["scope"] for one in page.all("th")}
    assert len(page.all("tr")) == sum(one["scope"] == "row" for one in page.all("th")) + 4
    (svg,) = page.all("svg")
    assert "img" == svg["role"]
    assert "voice" in (svg["aria-label"] or "")
    regions = [one for _, one in page.elements if one.get("role") == "region"]
    assert 5 == len(regions)  # four tables, the plot
    assert all(one["aria-label"] and one["tabindex"] == "0" for one in regions)
    heads = [tag for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert ["h1", "h3"] == sorted(set(heads))


@given(st.text(), st.text())
def test_any_text_is_text_and_nothing_else(content: str, value: str) -> None:
    """In an element and in an attribute; what no document can hold is replaced."""
    page = Page(element("p", content, title=value, tabindex=None))
    ((tag, attributes),) = page.elements
    assert ("p", {"title"}) == (tag, set(attributes))
    for told, was in ((page.words, content), (attributes["title"] or "", value)):
        if told.strip():
            assert len(was) == len(told)
            assert all(
                b in {a, "\N{REPLACEMENT CHARACTER}"} for a, b in zip(was, told, strict=True)
            )
    element("p", content, title=value).encode()  # no lone surrogates


@pytest.mark.parametrize("name", HOSTILE, ids=["tex", "script", "cjk", "long", "control", "and"])
def test_a_name_changes_the_words_of_a_page_and_nothing_else(name: str) -> None:
    """Of flows, receivers, events, marks, steps, notes, errors, versions."""
    assert shape("x") == shape(name)


def test_markup_in_a_name_stays_text() -> None:
    """It is read as it was written, and makes no element."""
    name = "<script>alert('1')</script>&amp;\"--><b>"
    page = Page(report(down(name, 20, receiver=name)).to_html())
    assert ("th", name) in page.texts
    assert ("td", name) in page.texts
    assert [] == [*page.all("script"), *page.all("b")]


def test_a_run_that_was_broken_off_says_why() -> None:
    """With what was measured until then, or with nothing."""
    words = Page(report(events=(), error="start: no iperf", notes=("mind it",)).to_html()).words
    for one in ("broken off", "start: no iperf", "mind it", "No flow was started."):
        assert one in words
    assert "Nothing was run." in Page(ConvergenceReport.of([]).to_html()).words


def test_it_is_saved_as_it_is_returned(tmp_path: Path) -> None:
    """In UTF-8, as it says itself."""
    path = tmp_path / "report.html"
    page = report(down("é", 20)).to_html(path)
    assert page == path.read_text(encoding="utf-8")
    assert '<meta charset="utf-8">' in page


@pytest.mark.slow
def test_without_matplotlib_the_page_says_why_it_has_no_plot() -> None:
    """And has all the rest."""
    told = child(
        "sys.modules['matplotlib'] = None\n"
        "from tests.convergence.samples import report, flow, outage\n"
        "print(report(flow('a', outage(0.002, 20))).to_html())\n"
    )
    page = Page(told)
    assert [] == page.all("svg")
    assert "get it with: pip install pyperf2[plot]" in page.words
    assert "20.0 ±1.0" in page.words
