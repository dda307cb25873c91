"""No output makes a dialect raise, grow without bound, or depend on how it was cut."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyperf2.core.lines import LineBuffer
from pyperf2.core.parsers import dialect_for
from pyperf2.core.parsers.iperf2 import Iperf2Text
from pyperf2.core.parsers.iperf2.streams import MAX_STREAMS
from pyperf2.core.records import NO_INSTANT, Histogram, OutOfOrder
from tests.parsers.corpus import output, outputs, read_text

if TYPE_CHECKING:
    import random

    from pyperf2.core.records import Record

# One real line of each look, to be mutilated.
LINES = sorted(
    {
        re.sub(r"\d", "0", text): text.encode("utf-8", "surrogateescape")
        for source in outputs()
        for _, _, text in source.lines
        if len(text) < 400
    }.values()
)
TRANSCRIPTS = [
    output(version, scenario, side)
    for version, scenario, side in (
        ("2.0.13a", "udp_P3", "client"),
        ("2.0.14a", "udp_fd_e", "client"),
        ("2.1.8", "udp_d_e", "server"),
        ("2.1.8", "tcp_burst", "server"),
        ("2.2.1", "tcp_hist", "client"),
        ("2.2.1", "csv_udp_e", "server"),
        ("2.0.14a", "csv_udp_P2", "client"),
    )
]
ROLES = st.sampled_from(["client", "server"])
FORMS = st.sampled_from(["text", "csv"])
INTERVALS = st.sampled_from([None, 0.0, 0.005, 1.0])


def run(
    lines: list[bytes],
    *,
    role: Literal["client", "server"] = "server",
    csv: bool = False,
    interval: float | None = 1.0,
) -> list[Record]:
    """Return the records of lines."""
    dialect = dialect_for(role=role, protocol="udp", csv=csv, report_interval=interval)
    records = [record for line in lines for record in dialect.parse(line, NO_INSTANT)]
    return [*records, *dialect.finish()]


@pytest.mark.parametrize("source", TRANSCRIPTS, ids=lambda source: source.name)
@given(data=st.data())
@settings(max_examples=25)
def test_where_the_output_is_cut_never_matters(source: object, data: st.DataObject) -> None:
    """Any chunking of a recording gives the same records."""
    assert hasattr(source, "lines")
    text = "\n".join(text for _, _, text in source.lines).encode("utf-8", "surrogateescape") + b"\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=40)))
    at = [0, *cuts, len(text)]
    buffer = LineBuffer()
    pieces = [text[a:b] for a, b in itertools.pairwise(at)]
    lines = [line for piece in pieces for line in buffer.feed(piece)]
    csv = b"," in lines[0]
    assert run(text.splitlines(), csv=csv) == run(lines, csv=csv)


@given(st.lists(st.sampled_from(LINES), max_size=40), ROLES, FORMS, INTERVALS)
def test_any_order_of_real_lines(
    lines: list[bytes], role: Literal["client", "server"], form: str, interval: float | None
) -> None:
    """Lines of all versions in any order do not raise."""
    run(lines, role=role, csv=form == "csv", interval=interval)


@given(st.lists(st.binary(max_size=120), max_size=10), ROLES, FORMS, INTERVALS)
def test_any_bytes(
    lines: list[bytes], role: Literal["client", "server"], form: str, interval: float | None
) -> None:
    """Bytes that are nothing do not raise."""
    run(lines, role=role, csv=form == "csv", interval=interval)


@given(st.randoms(use_true_random=False), ROLES, FORMS, INTERVALS)
@settings(max_examples=400)
def test_mutilated_lines(
    dice: random.Random, role: Literal["client", "server"], form: str, interval: float | None
) -> None:
    """Real lines with words changed, cut, doubled or replaced do not raise."""
    lines = []
    for _ in range(12):
        words = dice.choice(LINES).split(b" ")
        for _ in range(dice.randint(0, 4)):
            at = dice.randrange(len(words))
            words[at] = dice.choice(
                [
                    b"",
                    b"-nan",
                    b"inf",
                    b"1e999",
                    b"-1",
                    b"9" * 5000,
                    b"/",
                    b"(",
                    b")",
                    b"=",
                    b"1/2/3/4/5",
                    b"[",
                    b"]",
                    b"\xff\xfe",
                    dice.choice(words),
                    words[at][: dice.randint(0, 5)],
                    words[at] * 2,
                ]
            )
        lines.append(b" ".join(words))
    run(lines, role=role, csv=form == "csv", interval=interval)


@pytest.mark.parametrize("interval", [None, 0.0, 1.0])
def test_endless_ids_take_no_memory(interval: float | None) -> None:
    """New ids without end: as many streams are remembered as any test could have."""
    dialect = Iperf2Text(role="server", protocol="udp", report_interval=interval)
    given_out = 0
    count = 3 * MAX_STREAMS
    for number in range(count):
        for line in (
            f"[{number}] local 10.0.0.1 port 5001 connected with 10.0.0.2 port 6",
            f"[{number}] 0.0000-1.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.001 ms 0/1000 (0%)",
            f"[{number}] Server Report:",
            f"Client connecting to 10.0.0.1, UDP port {number}",
            f"Server listening on UDP port {number}",
        ):
            given_out += len(dialect.parse(line.encode(), NO_INSTANT))
    for kept in (
        dialect.streams._tracks,
        dialect.streams._origins,
        dialect._pending,
        dialect._targets,
        dialect._listening,
    ):
        assert len(kept) <= MAX_STREAMS
    given_out += len(dialect.finish())
    assert given_out >= 2 * count


def test_held_back_lines_are_bounded() -> None:
    """Remarks on a line that is held back do not pile up."""
    dialect = Iperf2Text(role="server", protocol="udp")
    dialect.parse(b"[  3] 0.0-1.0 sec  1.40 MBytes  11.8 Mbits/sec", NO_INSTANT)
    line = b"[  3] 0.0-1.0 sec  1 datagrams received out-of-order"
    records = [record for _ in range(100) for record in dialect.parse(line, NO_INSTANT)]
    assert 102 == len([*records, *dialect.finish()])  # interval, remarks, summary


def test_a_cut_histogram_loses_its_last_bin() -> None:
    """A line cut by the buffer may end in the middle of a count."""
    whole = "[  1] 0.0000-1.0000 sec T8-PDF: bin(w=100us):cnt(15)=1:10,2:5 (5.00/95.00/99.7%=1/1/1)"
    histogram, cut = read_text(f"{whole}\n{whole.partition('5 (')[0]}")
    assert isinstance(histogram, Histogram)
    assert isinstance(cut, Histogram)
    assert ("T8-PDF", 100.0, ((1, 10), (2, 5)), False) == (
        histogram.name,
        histogram.bin_width_us,
        histogram.bins,
        histogram.final,
    )
    assert ((1, 10),) == cut.bins


def test_out_of_order_lines() -> None:
    """Also with two blanks (2.2.x sums), and the wrong quintuples of 2.2.5."""
    records = read_text(
        "[SUM] 0.0000-3.0034 sec  2 datagrams  received out-of-order\n"
        "[  1] 0.00-3.00 sec  46 datagrams received on wrong quintuple"
    )
    assert [
        OutOfOrder(stream_id="SUM", start=0.0, end=3.0034, count=2),
        OutOfOrder(stream_id="1", start=0.0, end=3.0, count=46, wrong_quintuple=True),
    ] == records


@pytest.mark.parametrize(
    "line",
    [
        b"[  3]  1.0- 2.0 sec  0.00 \x84(\xad\xfbs  147573952589675855872 Bytes/sec",
        b"[  3] 0.0-1.0 sec  1.40 MBytes",
        b"[  3] nan-1.0 sec  1.40 MBytes  11.8 Mbits/sec",
        b"[  3] 0.0-1e99 sec  1.40 MBytes  11.8 Mbits/sec",
        b"[  3] Sent many datagrams",
        b"[" + b"3" * 40 + b"] 0.0-1.0 sec  1.40 MBytes  11.8 Mbits/sec",
        b"[",
        b"]",
    ],
)
def test_lines_no_sane_grammar_matches(line: bytes) -> None:
    """They are notices."""
    assert ["unknown-line"] == [getattr(record, "kind", None) for record in run([line])]


def test_unread_columns_are_told() -> None:
    """What could be read is a record; that there was more is a notice."""
    line = b"[  1] 1.0000-2.0000 sec  1.40 MBytes  11.8 Mbits/sec  something new"
    assert ["Interval", "Notice"] == [type(record).__name__ for record in run([line])]
