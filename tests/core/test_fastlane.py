"""The short way of an interval leads where the long way does."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, fields, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2.core.binary import Version
from pyperf2.core.loss import LossPolicy
from pyperf2.core.messages import message
from pyperf2.core.parsers import dialect_for
from pyperf2.core.parsers.iperf2.glance import glance, interval_of
from pyperf2.core.plan import Plan
from pyperf2.core.records import NO_INSTANT, Instant, Interval
from pyperf2.core.session import Ended, Session
from pyperf2.core.unread import row_of
from tests.parsers.corpus import outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyperf2.core.session import Event
    from tests.parsers.corpus import Output

RECEIVERS = [one for one in outputs() if one.protocol == "udp" and one.side == "server"]
SHORT = {"2.1.8", "2.2.1"}  # whose lines have the form that is looked for

LINE = (
    b"[  1] 1.0000-2.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.003 ms 0/1000 (0%)"
    b" 0.002/0.001/0.040/0.002 ms 1004 pps 1000/0(0) pkts 599732"
)
# What the long way would notice.
STRANGE = {
    b"0.003 ms": b"- ms",
    b"0.002/0.001/0.040/0.002": b"-/-/-/-",
    b"599732": b"NAN",
    b" 1000/0(0) pkts": b"",
    b"pkts": b"pkts surprise",
    b"[  1]": b"[SUM]",
    b"0/1000": b"/1000",
    b"0/1000 ": b"1/1000 ",
    b" 1000/0": b" 1001/0",
    b"0.040": b"0.040.1",
    b"1004 pps": b"1004 fps",
}


def told(output: Output, *, short: bool) -> tuple[list[Event], object, int]:
    """Read a recording; give all events, the result, and how many intervals went the short way."""
    session = Session(
        Plan(
            role="server",
            protocol="udp",
            version=Version.parse(output.version),
            report_interval=output.report_interval,
            argv=output.argv,
            flood_guard=False,
        )
    )
    if not short:
        session._lane = None
    events: list[Event] = []
    for at, stream, text in output.lines:
        line = text.encode("utf-8", "surrogateescape") + b"\n"
        now = Instant(round(at * 1e9), 10**18 + round(at * 1e9))
        event: Event | None = session.take(line, now, "stdout" if stream == "o" else "stderr")
        while (event := event or session.next_event()) is not None:
            events.append(event)
            event = None
    unread = sum(isinstance(event, Interval) and row_of(event) is not None for event in events)
    session.end(0, Instant(10**10, 10**18 + 10**10))
    while (event := session.next_event()) is not None:
        if not isinstance(event, Ended):
            events.append(event)
    result = session.result().to_dict()
    result.pop("error")
    return events, (result, session.classic_results()), unread


@pytest.mark.parametrize("output", RECEIVERS, ids=lambda one: one.name)
def test_both_ways_lead_to_the_same(output: Output) -> None:
    """Events, results and the classic dict are equal, whichever way the intervals went."""
    events, results, taken = told(output, short=True)
    same_events, same_results, none = told(output, short=False)
    assert same_events == events
    assert same_results == results
    assert 0 == none
    assert taken == 0 or output.version in SHORT


def test_most_intervals_go_the_short_way() -> None:
    """Of a run with ``-e``, all but the first, the last and those with a loss."""
    (run,) = [one for one in RECEIVERS if one.name == "2.1.8/udp_e/server"]
    events, _, taken = told(run, short=True)
    assert (3, 2) == (sum(isinstance(event, Interval) for event in events), taken)


@pytest.mark.parametrize("usual", STRANGE)
def test_what_looks_different_goes_the_long_way(usual: bytes) -> None:
    """Nothing is taken for a line of the form that the long way would read otherwise."""
    assert glance([LINE]) is not None
    assert glance([LINE.replace(usual, STRANGE[usual])]) is None


def test_an_unread_interval_is_like_one_that_was_read() -> None:
    """Equal, printed, copied into a message as the long way would have it."""
    at = Instant(5, 10**18)
    for output in RECEIVERS:
        parser = dialect_for(
            role="server", protocol="udp", version=Version.parse(output.version), report_interval=0
        )
        for index, _ in enumerate(output.lines):
            line = output.bytes_of(index)
            read = [one for one in parser.parse(line, at) if isinstance(one, Interval)]
            if glance([line]) is None or not read:
                continue
            known = (line, read[0].stream_id, at)
            unread = interval_of(*known)
            assert repr(read[0]) == repr(unread)
            again = interval_of(*known)
            assert message(read[0], stream_name="x") == message(again, stream_name="x")
            assert list(message(read[0])) == list(message(again))


def both() -> tuple[Interval, Interval]:
    """Give an interval read at once, and the same still unread."""
    at = Instant(5, 10**18)
    parser = dialect_for(role="server", protocol="udp", version=Version(2, 1, 8), report_interval=1)
    (read,) = parser.parse(LINE, at)
    assert isinstance(read, Interval)
    return read, interval_of(LINE, "1", at)


USES: dict[str, Callable[[Interval], object]] = {
    "copied": copy.copy,
    "copied deeply": copy.deepcopy,
    "pickled": lambda one: pickle.loads(pickle.dumps(one)),  # noqa: S301 - our own
    "changed": lambda one: replace(one, out_of_order=3),
    "as a dict": asdict,
    "its length": lambda one: one.seconds,
    "when it came": lambda one: (one.received_at, one.received_monotonic_ns, one.stream_id),
    "figure by figure": lambda one: [getattr(one, field.name) for field in fields(one)],
    "backwards": lambda one: [getattr(one, field.name) for field in reversed(fields(one))],
    "its message": lambda one: one.to_dict(stream_name="x"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_an_unread_interval_can_be_used_as_one_that_was_read(
    use: Callable[[Interval], object],
) -> None:
    """Whatever is done with it first, and whatever after it."""
    read, unread = both()
    assert use(read) == use(unread)
    assert use(read) == use(unread)
    assert read == unread
    with pytest.raises(FrozenInstanceError):
        unread.packets = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("usual", "absurd"),
    [
        (b"1000", b"10000000001"),  # no interval holds so many
        (b"1000", b"0"),
        (b"1.0000-2.0000", b"2.0000-2.0000"),
        (b"1.0000-2.0000", b"3.0000-2.0000"),
    ],
)
def test_figures_that_need_a_closer_look_get_it(usual: bytes, absurd: bytes) -> None:
    """None that cannot be, none that tell nothing."""
    assert glance([LINE.replace(usual, absurd)]) is None


def test_a_glance_goes_as_far_as_lines_follow_one_another() -> None:
    """Not to another stream's, not over a gap, not to one that lost something."""
    lines = [LINE.replace(b"1.0000-2.0000", b"%d.0000-%d.0000" % (n, n + 1)) for n in range(1, 6)]
    seen = glance(lines)
    assert seen is not None
    assert ([2.0, 3.0, 4.0, 5.0, 6.0], b"6.0000") == (seen.ends, seen.end)
    for other in (
        lines[2].replace(b"[  1]", b"[  2]"),
        lines[3],
        lines[2].replace(b" 0/1000", b" 1/1000"),
    ):
        seen = glance([*lines[:2], other, *lines[3:]])
        assert seen is not None
        assert ([2.0, 3.0], b"3.0000") == (seen.ends, seen.end)


def test_an_unread_interval_has_no_more_attributes_than_one_that_was_read() -> None:
    """A misspelt name is an AttributeError, and reads nothing."""
    interval = interval_of(LINE, "1", Instant(1, 1))
    with pytest.raises(AttributeError, match="no attribute 'jiter_ms'"):
        interval.jiter_ms  # type: ignore[attr-defined]  # noqa: B018 - that is what is tested


# Of an interval: by how much the number at its end is off, how many were lost, how it is told.
BEGINNING = (
    b"Server listening on UDP port 5001 with pid 7",
    b"[  1] local 10.0.0.2 port 5001 connected with 10.0.0.1 port 40000",
    b"[  2] local 10.0.0.2 port 5001 connected with 10.0.0.1 port 40001",
)
FIRST, SECOND, THIRD, FOURTH = (
    LINE.replace(b"1.0000-2.0000", b"%d.0000-%d.0000" % (n, n + 1)) for n in range(4)
)
CHUNKS = {
    "a line": THIRD + b"\n",
    "half a line": THIRD[:-3],
    "no newline": THIRD,
    "CRLF": THIRD + b"\r\n",
    "a newline within": THIRD.replace(b"(0%)", b"(0\n%)") + b"\n",
    "two lines": THIRD + b"\n" + FOURTH + b"\n",
}


@pytest.mark.parametrize("chunk", CHUNKS)
def test_only_a_whole_line_is_taken(chunk: str) -> None:
    """What is not exactly one line, newline and all, is received as ever."""
    session = Session(Plan(role="server", protocol="udp", version=Version(2, 1, 8)))
    session.receive(b"\n".join([*BEGINNING, FIRST, SECOND, b""]), NO_INSTANT)
    while session.next_event() is not None:
        pass
    assert (chunk == "a line") == (session.take(CHUNKS[chunk], NO_INSTANT) is not None)


USUAL = st.tuples(st.integers(-1, 1), st.just(0), st.just("as ever"))
STEPS = st.lists(
    st.one_of(
        *[USUAL] * 12,
        st.tuples(st.integers(-9, 9), st.integers(0, 10), st.just("as ever")),
        st.tuples(
            st.integers(-1, 1),
            st.just(0),
            st.sampled_from(
                ["other stream", "late", "sum", "missing", "twice", "blank", "delayed"]
            ),
        ),
    ),
    min_size=20,
    max_size=45,
)
LINE_BY_LINE = 0
POLICIES = st.builds(
    LossPolicy,
    use_iperf_loss_counter=st.sampled_from([None, True, False]),
    loss_threshold=st.sampled_from([0, 3]),
    warmup_intervals=st.sampled_from([0, 2]),
    expected_pps=st.sampled_from([None, 1000.0]),
)


def printed(steps: Sequence[tuple[int, int, str]]) -> Iterator[bytes]:
    """Give what a server of 2.1.8 prints of two streams at 1000 datagrams a second."""
    yield from BEGINNING
    at, numbers = {b"[  1]": 0, b"[  2]": 0}, {b"[  1]": 0, b"[  2]": 0}
    for off, missing, manner in steps:
        label = b"[  2]" if manner == "other stream" else b"[  1]"
        start = at[label]  # in 0.1 ms
        end = at[label] = (start // 100 + 1) * 100 + 30 * (manner == "delayed")
        at[label] += 100 * (manner == "missing")
        total = max(end // 10 + off - numbers[label], 0)
        numbers[label] += total
        lost = min(missing, total)
        received = total - lost
        if manner == "blank":
            label = b"[ 1]"
        line = (
            b"%s %.4f-%.4f sec  %.1f KBytes  %d Kbits/sec   0.007 ms %d/%d (%d%%)"
            b" 0.005/0.004/0.007/0.001 ms %d pps %d/0(0) pkts 2430%d"
        ) % (
            label, start / 1e4, end / 1e4, received * 1.47, received * 1176, lost, total, lost,
            received * 100, received, end // 100 % 100,
        )  # fmt: skip
        if manner == "sum":
            yield line.replace(label, b"[SUM]")
        yield line
        if manner == "twice":
            yield line
        if manner == "late":
            bounds = b"%.4f-%.4f" % (start / 1e4, end / 1e4)
            yield label + b" " + bounds + b" sec  1 datagrams received out-of-order"


def asked(session: Session, what: int) -> object:
    """Give what a session says when it is asked."""
    answers = (
        session.result,
        session.classic_results,
        session.progress,
        lambda: (list(session.intervals()[0]), session.intervals()[1]),
        lambda: (session.expected_packets, session.currently_has_loss, session.last_lines),
    )
    return answers[what % len(answers)]()


@given(
    steps=STEPS,
    sizes=st.lists(st.one_of(st.just(LINE_BY_LINE), st.integers(1, 9000)), min_size=1, max_size=6),
    questions=st.lists(st.one_of(*[st.none()] * 4, st.integers(0, 4)), min_size=1, max_size=9),
    policy=POLICIES,
    history=st.sampled_from([None, None, 0, 3]),
)
def test_whatever_comes_at_once_is_told_in_turn(
    steps: list[tuple[int, int, str]],
    sizes: list[int],
    questions: list[int | None],
    policy: LossPolicy,
    history: int | None,
) -> None:
    """However many lines arrive together: what was told so far is the same, and nothing more."""
    text = b"".join(line + b"\n" for line in printed(steps))
    plan = Plan(
        role="server",
        protocol="udp",
        version=Version(2, 1, 8),
        report_interval=0.01,
        policy=policy,
        history=history,
    )
    short, long = Session(plan), Session(plan)
    long._lane = None
    chunk = number = 0
    while text:
        now = Instant(10**9 + chunk * 7_000_001, 10**18 + chunk * 7_000_000)
        size = sizes[chunk % len(sizes)]
        if size == LINE_BY_LINE:
            size = text.index(b"\n") + 1
        taken: Event | None = short.take(text[:size], now)
        long.receive(text[:size], now)
        text = text[size:]
        chunk += 1
        if not text:
            for session in (short, long):
                session.end(0, now)
        while (event := taken or short.next_event()) is not None:
            taken = None
            assert repr(long.next_event()) == repr(event)
            question = questions[number % len(questions)]
            number += 1
            if question is not None:
                assert asked(long, question) == asked(short, question)
        assert long.next_event() is None
    for question in range(5):
        assert asked(long, question) == asked(short, question)
