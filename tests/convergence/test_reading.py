"""A report's JSON is read as a whole, or refused with the place that does not fit."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2 import OptionError
from pyperf2.convergence import ConvergenceReport
from tests.convergence.samples import flow, outage, report, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

FULL = report(
    flow("a", outage(0.002, 20), earlier=(outage(-5.0, 3),)),
    flow("n", status="no data", packets_lost=None, zero_at=None, samples=()),
    runs=2,
    marks=(stamp("bgp up", at_s=0.25),),
    steps=(stamp("start", at_s=-3, wide_s=0.5),),
    notes=("mind the step",),
    environment=("iperf2 2.1.8",),
    error="recovery: it was aborted",
)
DERIVED: Final = {"statistics", "summary", "flow_metrics", "convergence_metrics", "derived"}


def places(data: Any, path: Path = ()) -> Iterator[Path]:
    """Give the way to each value of a document."""
    keys = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in keys:
        yield (*path, key)
        yield from places(data[key], (*path, key))


def changed(part: Path, wrong: object) -> str:
    """Give the stored report with something else, or nothing, in one place."""
    data = json.loads(STORED)
    place = data
    for key in part[:-1]:
        place = place[key]
    if wrong is GONE:
        del place[part[-1]]
    else:
        place[part[-1]] = wrong
    return json.dumps(data)


STORED = FULL.to_json()
PLACES = list(places(json.loads(STORED)))
GONE = object()  # in place of a value: nothing is there
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def test_json_of_another_schema_is_refused() -> None:
    """It names what it reads."""
    for text in ('{"schema": 7}', "{}", '{"schema": "pyperf2.convergence/2", "runs": []}'):
        with pytest.raises(OptionError, match=r"is not known; this reads 'pyperf2\.convergence/1'"):
            ConvergenceReport.from_json(text)


@pytest.mark.parametrize("text", ["[]", "7", "null", '"runs"'])
def test_json_that_is_no_report_is_refused(text: str) -> None:
    """It is said what it is, and what is read."""
    with pytest.raises(OptionError, match=r"is no object of schema 'pyperf2\.convergence/1'"):
        ConvergenceReport.from_json(text)


@pytest.mark.parametrize("text", ["nonsense", "", "report.json", "{", "[" * 100_000])
def test_what_is_no_json_is_refused(text: str) -> None:
    """A ``ValueError``, as of the ``json`` module; it stays short."""
    with pytest.raises(OptionError, match="is no JSON document: ") as refused:
        ConvergenceReport.from_json(text)
    assert len(str(refused.value)) < 200
    assert isinstance(refused.value, ValueError)


def test_what_is_no_text_is_refused() -> None:
    """An open file, say."""
    nothing: Any = None
    with pytest.raises(OptionError, match="a JSON document is wanted, as text, not None"):
        ConvergenceReport.from_json(nothing)


@pytest.mark.parametrize(
    ("part", "wrong", "words"),
    [
        (("runs",), None, r"runs: None stands where an array has to be"),
        (("runs", 0), [], r"runs\[0\]: \[\] stands where an object with number, flows, "),
        (
            ("runs", 0, "flows", 1, "status"),
            "fine",
            r"runs\[0\]\.flows\[1\]\.status: 'fine' .*one of",
        ),
        (("runs", 0, "flows", 0, "outages", 0, "begin_s"), "soon", r"begin_s: 'soon' .*a number"),
        (("runs", 0, "flows", 0, "outages", 0, "end_at"), "2026-01-02T03:04:05", "offset from UTC"),
        (("runs", 0, "flows", 0, "convergence_s"), {"value": 1}, "convergence_s: error is not th"),
        (("runs", 0, "events", 0, "before"), [1], r"events\[0\]\.before: \[1\] stands where"),
        (("runs", 0, "recovery_s"), 10**400, "a number that a computer can hold"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(part: Path, wrong: object, words: str) -> None:
    """Where in the document, what stands there, what has to."""
    with pytest.raises(OptionError, match=words):
        ConvergenceReport.from_json(changed(part, wrong))


@given(st.sampled_from(PLACES), st.just(GONE) | ANY_JSON)
def test_a_damaged_document_is_read_or_refused(part: Path, wrong: object) -> None:
    """Whatever is missing, or is something else: nothing but the error of this library comes."""
    with suppress(OptionError):
        told = ConvergenceReport.from_json(changed(part, wrong))
        assert 2 == len(told.runs) or part[0] == "runs"


def test_no_part_of_what_is_read_may_be_missing() -> None:
    """What a report was made from is there, or it is none; what is derived is made anew."""
    for part in (one for one in PLACES if isinstance(one[-1], str)):
        damaged = changed(part, GONE)
        if DERIVED & set(part):
            assert FULL == ConvergenceReport.from_json(damaged)
        else:
            with pytest.raises(OptionError, match=r"is not there|is not known"):
                ConvergenceReport.from_json(damaged)
