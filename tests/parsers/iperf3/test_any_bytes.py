"""No output makes a dialect raise, grow without bound, or depend on how it was cut."""

from __future__ import annotations

import itertools
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyperf2.core.lines import LineBuffer
from pyperf2.core.parsers import Iperf3Text, dialect_for, longest_line
from pyperf2.core.parsers.iperf3.documents import mend, read_json
from pyperf2.core.parsers.iperf3.ledger import MAX_STREAMS
from pyperf2.core.records import NO_INSTANT, Interval
from tests.parsers.iperf3.recorded import of, output, outputs

if TYPE_CHECKING:
    import random

    from pyperf2.core.records import Record
    from tests.parsers.iperf3.recorded import Output, Side

# One real line of each look, to be mutilated.
LINES = sorted(
    {
        re.sub(r"\d", "0", text): text.encode("utf-8", "surrogateescape")
        for source in outputs()
        if "err_" not in source.scenario and source.scenario != "help"
        for _, _, text in source.lines
        if len(text) < 2000
    }.values()
)
TRANSCRIPTS = [
    output(name)
    for name in (
        "3.9/udp_R_P2/client",
        "3.12/tcp_bidir_P2/server",
        "3.18/udp_V/client",
        "3.9/udp_J_P2_bidir/client",
        "3.18/udp_json_stream/server",
        "3.22/full/client",
        "3.22/text_gso_sj/client",
    )
]
ROLES = st.sampled_from(["client", "server"])


def run(lines: list[bytes], *, role: Side = "server", json: bool = False) -> list[Record]:
    """Return the records of lines."""
    dialect = dialect_for(tool="iperf3", role=role, protocol="udp", json=json)
    records = [record for line in lines for record in dialect.parse(line, NO_INSTANT)]
    return [*records, *dialect.finish()]


@pytest.mark.parametrize("source", TRANSCRIPTS, ids=lambda source: source.name)
@given(data=st.data())
@settings(max_examples=25)
def test_where_the_output_is_cut_never_matters(source: Output, data: st.DataObject) -> None:
    """Any chunking of a recording gives the same records."""
    text = "\n".join(text for _, _, text in source.lines).encode() + b"\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=40)))
    at = [0, *cuts, len(text)]
    buffer = LineBuffer(max_line=longest_line(json=True))
    lines = [line for a, b in itertools.pairwise(at) for line in buffer.feed(text[a:b])]
    assert run(text.split(b"\n")[:-1], json=True) == run(lines, json=True)


@pytest.mark.parametrize("source", TRANSCRIPTS, ids=lambda source: source.name)
@given(data=st.data())
@settings(max_examples=50)
def test_an_end_at_any_byte_keeps_what_came_before(source: Output, data: st.DataObject) -> None:
    """Output that stops anywhere gives a beginning of the same intervals."""
    text = "\n".join(text for _, _, text in source.lines).encode() + b"\n"
    end = data.draw(st.integers(0, len(text)))
    whole = run(text.split(b"\n"), role=source.side, json=True)
    torn = run(text[:end].split(b"\n"), role=source.side, json=True)
    assert bounds(torn) == bounds(whole)[: len(bounds(torn))]


def bounds(records: list[Record]) -> list[tuple[int, str, float, float]]:
    """Return what tells one interval from another."""
    return [(i.run_number, i.stream_id, i.start, i.end) for i in of(Interval, records)]


@given(st.lists(st.sampled_from(LINES), max_size=40), ROLES, st.booleans())
def test_any_order_of_real_lines(lines: list[bytes], role: Side, json: bool) -> None:  # noqa: FBT001
    """Lines of all versions in any order do not raise."""
    run(lines, role=role, json=json)


@given(st.lists(st.binary(max_size=120), max_size=10), ROLES, st.booleans())
def test_any_bytes(lines: list[bytes], role: Side, json: bool) -> None:  # noqa: FBT001
    """Bytes that are nothing do not raise."""
    run(lines, role=role, json=json)


@given(st.randoms(use_true_random=False), ROLES, st.booleans())
@settings(max_examples=400)
def test_mutilated_lines(dice: random.Random, role: Side, json: bool) -> None:  # noqa: FBT001
    """Real lines with words changed, cut, doubled or replaced do not raise."""
    odd = [b"", b"-nan", b"inf", b"1e999", b"-1", b"9" * 5000, b"/", b"(", b"[", b"]", b"{", b"}"]
    odd += [b'"', b"\\", b"\xff\xfe", b"null", b"NaN", b"true", b":", b",", b'{"event"']
    lines = []
    for _ in range(12):
        line = dice.choice(LINES)
        mark = b"," if line.startswith(b"{") else b" "
        words = line.split(mark)
        for _ in range(dice.randint(0, 4)):
            at = dice.randrange(len(words))
            words[at] = dice.choice(
                [*odd, dice.choice(words), words[at][: dice.randint(0, 5)], words[at] * 2]
            )
        lines.append(mark.join(words))
    run(lines, role=role, json=json)


WORDS = (
    "event data start interval end error streams sum sum_sent sum_received sum_bidir_reverse "
    "udp sender receiver socket bytes packets lost_packets jitter_ms omitted retransmits seconds "
    "bits_per_second connected cookie test_start protocol intervals cpu_utilization_percent "
    "server_output_text accepted_connection connecting_to"
)
NAMES = st.sampled_from(WORDS.split())
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["start", "interval", "end", "error", "UDP", "", "5"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)


@given(st.lists(VALUES, max_size=6), ROLES)
@settings(max_examples=400)
def test_any_json(values: list[Any], role: Side) -> None:
    """JSON of iperf3's own words in any arrangement does not raise."""
    run([json.dumps(value).encode() for value in values], role=role, json=True)


@given(
    st.dictionaries(NAMES, VALUES, max_size=8), st.sampled_from(["start", "interval", "end"]), ROLES
)
@settings(max_examples=400)
def test_any_event(data: dict[str, Any], name: str, role: Side) -> None:
    """The same within an event."""
    run([json.dumps({"event": name, "data": data}).encode()] * 2, role=role, json=True)


@given(st.text(alphabet='{}[]"\\,:x1 \n', max_size=60))
def test_mending_any_text(text: str) -> None:
    """Nothing else than a ValueError comes of it."""
    mended = mend(text)
    if mended is not None:
        with suppress(ValueError):
            read_json(mended)


def test_hostile_text_takes_linear_time() -> None:
    """Megabytes of quotes, escapes or brackets are read at once, or the test times out."""
    for hostile in ('"' * 3_000_000, '\\"' * 1_500_000, "[" * 3_000_000, '"\\' * 1_500_000):
        assert None is mend(hostile)
        run([b"{", hostile.encode(), b"}"], json=True)
        run([('{"event":' + hostile).encode()], json=True)
    for hostile in ("[  5] " * 3000, " " * 16_000, "iperf3: " * 2000, "0/" * 8000):
        run([hostile.encode()] * 50)


def test_endless_ids_take_no_memory() -> None:
    """New ids without end: as many streams are remembered as any test could have."""
    dialect = Iperf3Text(role="client", protocol="udp")
    for number in range(3 * MAX_STREAMS):
        for line in (
            f"[{number}] local 10.0.0.1 port 5001 connected to 10.0.0.2 port 6",
            f"[{number}]   0.00-1.00   sec  1.19 MBytes  10.0 Mbits/sec  1001",
            f"[{number}]   0.00-1.00   sec  0.00 Bytes  0.0 bits/sec  0.0 ms  0/0 (0%)  receiver",
        ):
            assert dialect.parse(line.encode(), NO_INSTANT) or line.endswith("receiver")
    ledger = dialect._ledger
    for kept in (ledger._directions, ledger._last, ledger._held):
        assert len(kept) <= MAX_STREAMS


def test_the_servers_output_is_bounded() -> None:
    """--get-server-output of a server gone mad."""
    dialect = Iperf3Text(role="client", protocol="udp")
    dialect.parse(b"Server output:", NO_INSTANT)
    for _ in range(2_000):
        assert [] == dialect.parse(b"x" * 10_000, NO_INSTANT)
    (told,) = dialect.finish()
    assert 4_000_000 < len(getattr(told, "text", "")) < 4_300_000
