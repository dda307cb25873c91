"""JSON that is torn, contradictory, hostile or merely odd: told, never raised, the rest kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyperf2.core.parsers import dialect_for, longest_line
from pyperf2.core.parsers.iperf3 import documents
from pyperf2.core.records import NO_INSTANT, Interval, Notice, RunEnded, RunStarted, Summary
from tests.parsers.iperf3.recorded import of, output, read, read_text

STREAM = "3.18/udp_json_stream/server"
DOCUMENT = "3.18/udp_J_loss10/server"


def lines_of(name: str) -> list[str]:
    """Return a recording's lines."""
    return [text for _, stream, text in output(name).lines if stream == "o"]


def kinds(records: object) -> list[tuple[str, str]]:
    """Return kind and level of the notices, but for the final interrupt."""
    assert isinstance(records, list)
    return [(n.kind, n.level) for n in of(Notice, records) if "interrupt" not in n.text]


@pytest.mark.parametrize("cut", [1, 30, 200, 400])
def test_an_event_cut_in_the_middle(cut: int) -> None:
    """The events before it are kept, and that one is missing is an error."""
    lines = lines_of(STREAM)[:3]
    records = read_text("\n".join([*lines[:2], lines[2][:cut]]), json=True)
    assert 1 == len(of(Interval, records))
    assert [("torn-line", "error")] == kinds(records)
    assert 1 == len(of(RunEnded, records))


@pytest.mark.parametrize("kept", [2, 60, 100, 130])
def test_a_document_cut_in_the_middle(kept: int) -> None:
    """Every part of it that is whole is read."""
    lines = lines_of(DOCUMENT)[:kept]
    whole = json.JSONDecoder().raw_decode("\n".join(lines_of(DOCUMENT)))[0]["intervals"]
    records = read_text("\n".join(lines), json=True)
    assert [("torn-line", "error")] == kinds(records)
    ends = "\n".join(lines).count('"omitted"') // 2  # once in the stream, once in the sum
    bounds = [(i.start, i.end) for i in of(Interval, records)]
    expected = [(i["streams"][0]["start"], i["streams"][0]["end"]) for i in whole]
    assert expected[: len(bounds)] == bounds
    assert ends <= len(bounds) <= ends + 1


def test_a_document_that_never_ended_is_told_when_the_next_begins() -> None:
    """The torn one and the whole one are two runs."""
    lines = lines_of(DOCUMENT)
    first = lines[: lines.index("}") + 1]
    other = [line.replace('"cookie":\t"', '"cookie":\t"x') for line in first]
    records = read_text("\n".join([*first[:100], *other]), json=True)
    assert [1, 2] == [r.number for r in of(RunStarted, records)]
    assert [("torn-line", "error")] == kinds(records)
    assert [2] == [s.run_number for s in of(Summary, records)]


def event(name: str, **data: Any) -> str:
    """Return an event line."""
    return json.dumps({"event": name, "data": data}, separators=(",", ":"))


FIGURES = {"socket": 5, "start": 0, "end": 1.0, "bytes": 1250, "bits_per_second": 10000.0}
UDP = {**FIGURES, "jitter_ms": 0.1, "lost_packets": 3, "packets": 4, "sender": False}


def test_a_key_said_twice() -> None:
    """The first is kept, the contradiction is an error; a repetition is none (3.18 repeats)."""
    line = event("interval", streams=[UDP])
    twice = line.replace('"lost_packets":3', '"lost_packets":3,"lost_packets":700')
    records = read_text(twice, json=True)
    assert [3] == [i.lost_packets for i in of(Interval, records)]
    (notice,) = of(Notice, records)
    assert "error" == notice.level
    assert "'lost_packets' is said twice" in notice.text
    same = line.replace('"lost_packets":3', '"lost_packets":3,"lost_packets":3')
    assert [] == of(Notice, read_text(same, json=True))


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_tokens_that_are_no_numbers(token: str) -> None:
    """The figure is missing, and it is told."""
    line = event("interval", streams=[UDP]).replace('"jitter_ms":0.1', f'"jitter_ms":{token}')
    records = read_text(line, json=True)
    (interval,) = of(Interval, records)
    assert (None, 3) == (interval.jitter_ms, interval.lost_packets)
    assert [f"{token} is no number"] == [n.text for n in of(Notice, records)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lost_packets", "many"),
        ("lost_packets", 1.5),
        ("lost_packets", True),
        ("packets", {}),
        ("jitter_ms", []),
        ("bytes", 10**400),
        ("bits_per_second", "fast"),
    ],
)
def test_a_wrong_type_costs_one_figure(key: str, value: object) -> None:
    """The rest of the interval is kept."""
    records = read_text(event("interval", streams=[{**UDP, key: value}]), json=True)
    (interval,) = of(Interval, records)
    assert None is getattr(interval, key)
    assert 1.0 == interval.end
    assert [("unknown-line", "error")] == kinds(records)


@pytest.mark.parametrize(
    "line",
    [
        event("interval", streams={}),
        event("interval", streams=[7]),
        event("interval", streams=[{**UDP, "socket": None}]),
        event("interval", streams=[{**UDP, "start": "now"}]),
        event("interval", streams=[{**UDP, "end": -1}]),
        event("nonsense"),
        '{"event":["start"],"data":1}',
        '{"event":"interval","data":7}',
        '{"event":"start","data":null}',
        '{"event":"start","data":{"connected":[{"socket":5}]}}',
        '{"event":"error","data":{}}',
        '{"intervals":7}',
        '{"start":7,"end":8}',
        "{" * 100_000 + "}",
        '{"event":' + "[" * 100_000 + "}",
        '{"event":"interval","data":' + "9" * 10_000 + "}",
        '{"event"',
    ],
    ids=lambda line: line[:40],
)
def test_nonsense_is_told(line: str) -> None:
    """Each is at least one notice, and no interval."""
    records = read_text(line, json=True)
    assert of(Notice, records)
    assert [] == of(Interval, records)


@pytest.mark.parametrize("line", ["[1, 2]", "7", '"text"', "null", "]"])
def test_lines_that_are_no_objects(line: str) -> None:
    """They are unknown lines."""
    assert [("unknown-line", "info")] == kinds(read_text(line, json=True))


def test_a_document_without_end_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 64 MiB it is told once and forgotten; what follows is read again."""
    monkeypatch.setattr(documents, "MAX_DOCUMENT", 10_000)
    filler = '\t"x":\t[1, 2, 3],'
    dialect = dialect_for(tool="iperf3", role="server", protocol="udp", json=True)
    records = [
        r for line in ["{", *[filler] * 5_000] for r in dialect.parse(line.encode(), NO_INSTANT)
    ]
    assert [("torn-line", "error")] == [(n.kind, n.level) for n in of(Notice, records)]
    records = [*dialect.parse(b"}", NO_INSTANT)]
    for line in lines_of(DOCUMENT):
        records += dialect.parse(line.encode(), NO_INSTANT)
    assert 1 == len(of(RunStarted, records))


def test_the_longest_events_fit_a_line() -> None:
    """128 streams both ways, with all their figures, are far below the limit."""
    stream = {"sender": {**UDP, "socket": 100_000}, "receiver": {**UDP, "socket": 100_000}}
    line = event("end", streams=[stream] * 256)
    assert len(line) * 4 < longest_line(json=True)
    assert 16 * 1024 == longest_line()


def test_text_among_json_is_read() -> None:
    """Usage on stdout, errors on stderr."""
    dialect = dialect_for(tool="iperf3", role="client", protocol="tcp", json=True)
    records = dialect.parse(b"iperf3: parameter error - bad TOS value", NO_INSTANT, "stderr")
    assert ["bad-value"] == [n.kind for n in of(Notice, records)]
    assert ["bad-option"] == [
        n.kind for n in of(Notice, dialect.parse(b"Usage: iperf3 [-s|-c host]", NO_INSTANT))
    ]


def test_json_is_read_however_it_is_laid_out() -> None:
    """A document on one line gives what the printed one gives."""
    first = json.JSONDecoder().raw_decode("\n".join(lines_of(DOCUMENT)))[0]
    flat = read_text(json.dumps(first), json=True)
    indented = read_text(json.dumps(first, indent=2), json=True)
    assert [i.bytes for i in of(Interval, flat)] == [i.bytes for i in of(Interval, indented)]
    printed = [i for i in of(Interval, read(DOCUMENT)) if i.run_number == 1]
    assert [i.lost_packets for i in printed] == [i.lost_packets for i in of(Interval, flat)]
