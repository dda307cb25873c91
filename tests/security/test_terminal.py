"""What iperf prints, and what others named, is shown to people; no terminal obeys it."""

from __future__ import annotations

import csv
import io
import json
import traceback
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2 import PyPerf2Error, Result, errors, replay
from pyperf2.core.validation import Finding, ValidationReport
from pyperf2.errors import IPerfError, StartFailed, TrafficError
from pyperf2.terminal import printable
from tests.convergence.samples import flow, outage, report

# Clears the screen, sets the title, rings, goes back, turns the direction round, and is no UTF-8.
HOSTILE = b"\x1b[2J\x1b]0;owned\x07\r\x08\x9b31m \xe2\x80\xae"
WORDS = HOSTILE.decode("utf-8", "replace")
ATTACK = (
    b"[  3] 0.0-1.0 sec  1.40 MBytes  11.8 Mbits/sec  0.005 ms  0/ 1000 (0%)\n"
    b"connect failed: " + HOSTILE + b"\n" + HOSTILE + b"\n"
)


def is_safe(text: str) -> bool:
    """Whether a terminal would only show it."""
    return all(one.isprintable() or one in "\n\t" for one in text)


@given(st.text(st.characters(), max_size=60))
def test_any_text_is_shown(text: str) -> None:
    """No control character is left, what is left can be encoded, and harmless text is itself."""
    shown = printable(text)
    assert is_safe(shown)
    shown.encode("utf-8")
    ET.fromstring(f"<x>{shown.replace('&', '').replace('<', '')}</x>")  # noqa: S314 - our own
    assert not text.isprintable() or text == shown


def test_escapes_can_be_read() -> None:
    """One sees what was there; newlines and tabs stay, carriage returns do not."""
    assert "a\\x1b[2J\\x9b\\r\n\tb\\u202e\\udcff ü" == printable(
        "a\x1b[2J\x9b\r\n\tb\u202e\udcff ü"
    )


def test_errors_with_iperfs_words() -> None:
    """The message and a traceback are safe; the evidence is as it was printed."""
    result = replay(ATTACK, role="client", protocol="udp", version="2.1.8")
    error = result.error
    assert isinstance(error, IPerfError)
    assert "\\x1b[2J" in str(error)
    assert is_safe(str(error))
    assert is_safe("".join(traceback.format_exception(error)))
    assert any("\x1b[2J" in said for said in error.output)


@pytest.mark.parametrize(
    "cls",
    [
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, PyPerf2Error)
    ],
)
def test_every_error(cls: type[PyPerf2Error]) -> None:
    """Whatever the words come from: a namespace's name, nftables, a flow, many members."""
    failures = {WORDS: OSError(WORDS)}
    if issubclass(cls, StartFailed):
        error: PyPerf2Error = StartFailed(failures)
    elif issubclass(cls, TrafficError):
        error = TrafficError("start", failures)
    elif issubclass(cls, errors.ConvergenceError):
        error = cls("event", WORDS, flow=WORDS)
    else:
        error = cls(WORDS)
    assert is_safe(str(error))
    assert "\\x1b" in str(error)


def test_the_report_of_a_result() -> None:
    """The table is safe; the result itself, and its JSON, keep every byte."""
    result = replay(ATTACK, role="client", protocol="udp", version="2.1.8")
    assert "owned" in result.report()
    assert is_safe(result.report())
    assert any("\x1b[2J" in notice.text for notice in result.notices)
    stored = result.to_json()
    assert stored.isascii()
    assert is_safe(stored)
    assert result.notices == Result.from_dict(json.loads(stored)).notices


def test_the_forms_of_a_convergence_report() -> None:
    """Text, CSV and JUnit of flows whose names nobody checked: they may come from a file."""
    told = report(flow(WORDS, outage(0.0, 5), receiver=WORDS), error=WORDS)
    assert is_safe(told.text())
    junit = told.to_junit()
    assert is_safe(junit)
    assert ET.fromstring(junit).find(".//error") is not None  # noqa: S314 - our own
    assert is_safe(told.to_csv().replace("\r\n", "\n"))


def test_the_forms_of_a_validation() -> None:
    """A criterion of the user's fails with whatever words it met."""
    finding = Finding(role="server", end=WORDS, criterion=WORDS, passed=False, reason=WORDS)
    told = ValidationReport(findings=(finding,))
    assert "\\x1b[2J" in str(told)
    assert is_safe(str(told))
    assert is_safe(told.to_junit())
    assert ET.fromstring(told.to_junit()).find(".//failure") is not None  # noqa: S314 - our own


def test_the_page_of_a_report() -> None:
    """No control character, and no markup, comes out of a name."""
    name = f"{WORDS}<script>"
    page = report(flow(name, outage(0.0, 5), receiver=name), error=name).to_html()
    assert is_safe(page)
    assert "<script" not in page


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "=cmd|'/c calc'!A0"])
def test_no_name_is_a_formula(name: str) -> None:
    """A spreadsheet that opens the CSV shows the names."""
    told = report(flow(name, outage(0.0, 5), receiver=name))
    for outages in (False, True):
        _, row = csv.reader(io.StringIO(told.to_csv(outages=outages), newline=""))
        for cell in row[1:3]:
            assert cell.endswith(name.strip("\t"))
            assert not cell.lstrip().startswith(("=", "+", "-", "@"))
