"""A session hands out events in order, enters them as it does, and judges the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyperf2.core.binary import Version
from pyperf2.core.classic import lossy_periods
from pyperf2.core.failure import FloodGuard
from pyperf2.core.loss import LossEvent
from pyperf2.core.plan import Plan
from pyperf2.core.records import Instant, Interval, Notice
from pyperf2.core.results import Result
from pyperf2.core.session import Ended, Session
from pyperf2.errors import BadHost, BindFailed, ConnectionFailed, IPerfError, RunawayOutput
from pyperf2.replay import run_through

if TYPE_CHECKING:
    from pyperf2.core.session import Event

# 2.1.8, one outage in the second second.
TEXT = b"""\
[  1] local 10.0.0.2%eth0 port 5001 connected with 10.0.0.1 port 52450 (sock=3) (peer 2.1.8)
[ ID] Interval  Transfer  Bandwidth  Jitter  Lost/Total  Latency avg/min/max/stdev PPS  Rx/inP  NetPwr
[  1] 0.0000-1.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.003 ms 0/1000 (0%) 0.002/0.001/0.040/0.002 ms 1004 pps 1000/0(0) pkts 599732
[  1] 1.0000-2.0000 sec   713 KBytes  5.84 Mbits/sec   0.001 ms 503/1000 (50%) 0.002/0.001/0.008/0.001 ms 497 pps 497/0(0) pkts 294727
[  1] 2.0000-3.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.007 ms 0/1000 (0%) 0.007/0.001/0.148/0.014 ms 1000 pps 1000/0(0) pkts 197820
[  1] 0.0000-3.0010 sec  3.50 MBytes  9.80 Mbits/sec   0.001 ms 503/3001 (17%) 0.003/0.001/0.148/0.008 ms 832 pps 2498/0(0) pkts 349283
"""  # noqa: E501 - as printed

PLAN = Plan(role="server", protocol="udp", version=Version(2, 1, 8), argv=("iperf", "-s", "-u"))


def told(session: Session) -> list[Event]:
    """Drain a session."""
    events = []
    while (event := session.next_event()) is not None:
        events.append(event)
    return events


def test_loss_comes_before_its_interval_and_the_end_comes_last() -> None:
    """For one interval: loss events, then the record; Ended closes every run."""
    session = Session(PLAN)
    session.receive(TEXT, Instant(1, 1))
    session.end(0, Instant(2, 2))
    kinds = [type(event).__name__ for event in told(session)]
    assert ["Connected", "Interval", "LossEvent", "Interval", "LossEvent", "Interval", "Summary",
            "Ended"] == kinds  # fmt: skip


def test_results_hold_what_was_told_and_nothing_more() -> None:
    """When a loss event is handed out, its interval has not joined the results yet."""
    session = Session(PLAN)
    session.receive(TEXT, Instant(1, 1))
    seen = []
    while (event := session.next_event()) is not None:
        stream = session.classic_results()["1"]
        if isinstance(event, (LossEvent, Interval)):
            seen.append((type(event).__name__, len(stream["detail"]), len(stream["events"])))
    assert [("Interval", 1, 0), ("LossEvent", 1, 1), ("Interval", 2, 1), ("LossEvent", 2, 1),
            ("Interval", 3, 1)] == seen  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_where_the_output_is_cut_never_matters(size: int) -> None:
    """Any chunking gives the same result."""
    chunks = [(TEXT[i : i + size], Instant(1, 1)) for i in range(0, len(TEXT), size)]
    whole = run_through(Session(PLAN), [(TEXT, Instant(1, 1))]).result()
    assert whole == run_through(Session(PLAN), chunks).result()
    assert 503 == whole.streams["1"].packets_lost


def test_a_result_survives_json() -> None:
    """to_dict → from_dict gives the same result, the error included."""
    session = Session(PLAN)
    session.receive(TEXT, Instant(10**9, 10**18))
    session.receive(b"bind failed: Address already in use\n", Instant(10**9, 10**18), "stderr")
    session.end(1, Instant(2 * 10**9, 2 * 10**18))
    told(session)
    result = session.result()
    back = Result.from_dict(result.to_dict())
    assert result.to_dict() == back.to_dict()
    assert dict(result.streams) == dict(back.streams)
    assert isinstance(back.error, BindFailed)
    with pytest.raises(ValueError, match="schema"):
        Result.from_dict({"schema": 0})


def test_history_is_bounded_and_totals_are_not() -> None:
    """Dropped intervals stay in the totals; trim forgets, too."""
    plan = Plan(role="server", protocol="udp", version=Version(2, 1, 8), history=1)
    stream = run_through(Session(plan), [(TEXT, Instant(1, 1))]).result().streams["1"]
    assert (1, 3, 503) == (len(stream.intervals), stream.interval_count, stream.packets_lost)
    session = Session(PLAN)
    session.receive(TEXT, Instant(1, 1))
    told(session)
    session.trim(2, "1")
    session.trim(0, "no such stream")
    assert [1.0, 2.0] == [i.start for i in session.result().streams["1"].intervals]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"tcp connect failed: Connection refused\n", ConnectionFailed),
        (b"connect failed: Network is unreachable\n", ConnectionFailed),
        (b"error: Temporary failure in name resolution\n", BadHost),
        (b"bind failed: Address already in use\n", BindFailed),
        (b"iperf: unrecognized option `--bogus'\n", IPerfError),
    ],
)
def test_success_is_judged_by_what_iperf_said(line: bytes, error: type[IPerfError]) -> None:
    """Exit status 0 does not make a refused connection a success."""
    session = Session(PLAN)
    session.receive(line, Instant(1, 1), "stderr")
    session.end(0, Instant(2, 2))
    ended = told(session)[-1]
    assert isinstance(ended, Ended)
    assert type(ended.error) is error
    assert (("iperf", "-s", "-u"), 0) == (ended.error.argv, ended.error.returncode)
    assert line.decode().strip() in str(ended.error)


@pytest.mark.parametrize(
    ("code", "stopping", "failed"),
    [(0, False, False), (1, False, True), (-9, False, True), (-2, True, False)],
)
def test_the_exit_status_counts_unless_we_ended_it(
    code: int, *, stopping: bool, failed: bool
) -> None:
    """A status or a signal that nobody asked for is an error."""
    session = Session(PLAN)
    if stopping:
        session.stopping()
    session.end(code, Instant(2, 2))
    told(session)
    assert failed == (session.error is not None)


def test_a_build_gone_mad_is_noticed() -> None:
    """2.2.1 with a -C client prints 750 000 lines a second about nothing; nobody follows it."""
    session = Session(PLAN)
    line = b"[  1] 3.0000-4.0000 sec  0.000 Bytes  0.000 bits/sec   0.000 ms 0/0 (0%)\n"
    for chunk in range(200):
        session.receive(line * 500, Instant(chunk * 1_000_000, 1))
        told(session)
    assert session.fatal
    assert isinstance(session.error, RunawayOutput)
    assert session.result().streams["1"].interval_count <= 60_000


def test_a_fast_but_sane_run_is_no_flood() -> None:
    """A hundred thousand intervals at once are those of a run that was held up for long."""
    session = Session(PLAN)
    head, like = b"".join(TEXT.splitlines(keepends=True)[:3]), TEXT.splitlines()[4]
    more = [
        like.replace(b"2.0000-3.0000", b"%d.0000-%d.0000" % (n, n + 1)) for n in range(1, 10**5)
    ]
    session.receive(head + b"\n".join(more) + b"\n", Instant(1, 1))
    told(session)
    assert session.error is None
    (stream,) = session.result().streams.values()
    assert (10**5, 10**8, 0) == (
        stream.interval_count,
        stream.packets_received,
        stream.packets_lost,
    )


def test_idle_streams_are_no_flood() -> None:
    """A thousand idle streams at 0.1 s print 10 000 empty lines a second, for ever."""
    guard = FloodGuard(Instant(0, 0))
    ticks = (tick for tick in range(1, 301) for _ in range(1000))  # half a minute
    assert not any(guard.exceeds([], Instant(tick * 100_000_000, 1)) for tick in ticks)


def test_what_iperf_says_of_being_ended_is_no_failure() -> None:
    """An INT makes some builds complain about the missing acknowledgement."""
    session = Session(PLAN)
    session.stopping()
    session.receive(b"[  3] WARNING: ack of last datagram failed.\n", Instant(1, 1), "stderr")
    session.end(-15, Instant(2, 2))
    told(session)
    assert session.error is None


def test_lossy_periods_group_neighbours() -> None:
    """Neighbouring lossy intervals are one period; a clean one between them makes two."""
    session = Session(PLAN)
    session.receive(TEXT, Instant(1, 1))
    told(session)
    (period,) = lossy_periods(session.classic_results())
    assert (503, 1.0, 2.0, 1.0) == tuple(
        period["summary"][key] for key in ("total_loss", "begin", "end", "duration")
    )
    assert 1 == len(period["detail"])


def test_notices_are_bounded() -> None:
    """Lines nobody knows are kept as notices, the last 200 of them."""
    session = Session(PLAN)
    session.receive(b"what is this\n" * 1000, Instant(1, 1))
    notices = [event for event in told(session) if isinstance(event, Notice)]
    assert 1000 == len(notices)
    assert 200 == len(session.result().notices)
