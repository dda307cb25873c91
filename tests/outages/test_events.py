"""Loss events, from lines as 2.1.8 and 2.2.1 print them: each knob, and all together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pyperf2.core.binary import Version
from pyperf2.core.loss import LossEvent, LossPolicy
from pyperf2.core.plan import Plan
from pyperf2.core.records import Instant
from pyperf2.core.session import Session
from tests.outages.judge import read
from tests.outages.simulator import DELIVERED, LOST, Scenario, simulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Figures = tuple[int, int, int] | tuple[int, int, int, int]  # lost, total, arrived, late line
Told = tuple[str, int, int]  # status, lost in the interval, lost since the event began

_CONNECTED = {
    "2.1.8": "[  1] local 10.0.0.2%eth0 port 5001 connected with 10.0.0.1 port 40000 (sock=3) "
    "(peer 2.1.8) on 2026-11-20 09:05:55 (UTC)",
    "2.2.1": "[  1] local 10.0.0.2%eth0 port 5001 connected with 10.0.0.1 port 40000 "
    "(peer 2.2.1-rc) on 2026-11-20 09:05:55.145 (UTC)",
}
_REPORT = {
    "2.1.8": "[  1] {start:.4f}-{end:.4f} sec  1.40 MBytes  11.8 Mbits/sec   0.001 ms "
    "{lost}/{total} (0%) 0.006/0.005/0.021/0.002 ms 1000 pps {arrived}/0(0) pkts 220944",
    "2.2.1": "[  1] {start:.4f}-{end:.4f} sec  1.40 MBytes  11.8 Mbits/sec   0.001 ms "
    "{lost}/{total} (0%) 0.006/0.005/0.021/0.002 ms 1000 pps {arrived}/0/0 220944",
}
_DARK = {
    "2.1.8": "[  1] {start:.4f}-{end:.4f} sec  0.000 Bytes  0.000 bits/sec   0.000 ms "
    "0/0 (0%) -/-/-/- ms 0 pps",
    "2.2.1": "[  1] {start:.4f}-{end:.4f} sec  0.000 Bytes  0.000 bits/sec   0.000 ms "
    "0/0 (0%) -/-/-/- ms 0 pps 0/2/0",
}
_LATE = "[  1] {start:.4f}-{end:.4f} sec  {late} datagrams received out-of-order"
VERSIONS = ("2.1.8", "2.2.1")


def lines(version: str, figures: Iterable[Figures], *, interval: float = 1.0) -> list[str]:
    """Print intervals as a build does with -e."""
    printed = [_CONNECTED[version]]
    for index, (lost, total, arrived, *late) in enumerate(figures):
        times = {"start": index * interval, "end": (index + 1) * interval}
        form = _REPORT[version] if total or arrived else _DARK[version]
        printed.append(form.format(lost=lost, total=total, arrived=arrived, **times))
        if late:
            printed.append(_LATE.format(late=late[0], **times))
    return printed


def final(version: str, end: float, figures: Figures) -> str:
    """Print a final line."""
    lost, total, arrived, *_ = figures
    form = _REPORT[version]
    return form.format(start=0.0, end=end, lost=lost, total=total, arrived=arrived)


def events(
    version: str, policy: LossPolicy, printed: Sequence[str], *, ended: bool = True
) -> list[LossEvent]:
    """Feed a session, a line a second, and return its loss events."""
    session = Session(
        Plan(
            protocol="udp",
            version=Version.parse(version),
            report_interval=1.0,
            policy=policy,
            flood_guard=False,
        )
    )
    told = []
    for index, line in enumerate(printed):
        session.receive(line.encode() + b"\n", Instant(index * 10**9, index * 10**9))
        told += list(iter(session.next_event, None))
    if ended:
        session.end(0, Instant(len(printed) * 10**9, len(printed) * 10**9))
        told += list(iter(session.next_event, None))
    return [event for event in told if isinstance(event, LossEvent)]


def brief(told: Iterable[LossEvent]) -> list[Told]:
    """Return what a script looks at."""
    return [(event.status, event.packets_lost, event.packets_lost_since_start) for event in told]


CLEAN: Figures = (0, 1000, 1000)
DARK: Figures = (0, 0, 0)
COUNTER = LossPolicy(use_iperf_loss_counter=True, expected_pps=1000)
HEURISTIC = LossPolicy(use_iperf_loss_counter=False, expected_pps=1000)
AUTO = LossPolicy(expected_pps=1000)
NO_RATE = LossPolicy()
LEARNT = LossPolicy(use_iperf_loss_counter=False)

BORDER: list[Figures] = [CLEAN, (0, 700, 700), (499, 1299, 800), CLEAN]
LONG: list[Figures] = [CLEAN, (0, 300, 300), DARK, (1499, 1800, 301), CLEAN]
UNTIL_THE_END: list[Figures] = [CLEAN, (0, 250, 250), DARK]

CASES: list[tuple[str, LossPolicy, list[Figures], list[Told]]] = [
    ("nothing is lost", AUTO, [CLEAN, (0, 1001, 1001), (0, 999, 999)], []),
    # --- the counter alone
    ("counter: inside an interval", COUNTER, [CLEAN, (499, 1000, 501), CLEAN],
     [("losing packets", 499, 499), ("stable", 0, 499)]),
    ("counter: over a border, one event of what was counted", COUNTER, BORDER,
     [("losing packets", 499, 499), ("stable", 0, 499)]),
    ("counter: a dark interval is told at once, then replaced", COUNTER, LONG,
     [("losing all packets", 1000, 1000), ("losing packets (cont.)", 1499, 1499),
      ("stable", 0, 1499)]),
    ("counter: until the end, as far as the dark interval tells", COUNTER, UNTIL_THE_END,
     [("losing all packets", 1000, 1000), ("stable", 0, 1000)]),
    ("counter: a sender too slow loses nothing", COUNTER, [(0, 900, 900), (0, 900, 900)], []),
    ("counter: two in a row are one event", COUNTER, [CLEAN, (3, 1000, 997), (4, 1000, 996), CLEAN],
     [("losing packets", 3, 3), ("losing packets (cont.)", 4, 7), ("stable", 0, 7)]),
    # --- expected less received
    ("heuristic: inside an interval", HEURISTIC, [CLEAN, (499, 1000, 501), CLEAN],
     [("losing packets", 499, 499), ("stable", 0, 499)]),
    ("heuristic: over a border, one event of what was counted", HEURISTIC, BORDER,
     [("losing packets", 300, 300), ("losing packets (cont.)", 200, 499), ("stable", 0, 499)]),
    ("heuristic: a dark interval", HEURISTIC, LONG,
     [("losing packets", 700, 700), ("losing all packets (cont.)", 1000, 1700),
      ("losing packets (cont.)", 699, 1499), ("stable", 0, 1499)]),
    ("heuristic: until the end", HEURISTIC, UNTIL_THE_END,
     [("losing packets", 750, 750), ("losing all packets (cont.)", 1000, 1750),
      ("stable", 0, 1750)]),
    ("heuristic: a sender too slow", HEURISTIC, [(0, 900, 900)],
     [("losing packets", 100, 100), ("stable", 0, 100)]),
    ("heuristic: one that is late by a border is none", HEURISTIC,
     [CLEAN, (0, 999, 999), (0, 1001, 1001)], []),
    ("heuristic: the rate is learnt, and never lowered by loss", LEARNT,
     [CLEAN, (0, 600, 600), DARK, (1400, 2000, 600), CLEAN],
     [("losing packets", 400, 400), ("losing all packets (cont.)", 1000, 1400),
      ("losing packets (cont.)", 400, 1400), ("stable", 0, 1400)]),
    # --- both
    ("auto: over a border the estimate is not added to the count", AUTO, BORDER,
     [("losing packets", 300, 300), ("losing packets (cont.)", 499, 499), ("stable", 0, 499)]),
    ("auto: a dark interval", AUTO, LONG,
     [("losing packets", 700, 700), ("losing all packets (cont.)", 1000, 1700),
      ("losing packets (cont.)", 1499, 1499), ("stable", 0, 1499)]),
    ("auto, no rate in pps: the counter alone", NO_RATE, BORDER,
     [("losing packets", 499, 499), ("stable", 0, 499)]),
    ("auto: two outages are two events", AUTO,
     [CLEAN, (20, 1000, 980), CLEAN, (30, 1000, 970), CLEAN],
     [("losing packets", 20, 20), ("stable", 0, 20),
      ("losing packets", 30, 30), ("stable", 0, 30)]),
    # --- threshold and warm-up
    ("threshold: that many or fewer are none", LossPolicy(loss_threshold=20),
     [CLEAN, (20, 1000, 980), (21, 1000, 979), CLEAN],
     [("losing packets", 21, 21), ("stable", 0, 21)]),
    ("threshold: of what is inferred, too", LossPolicy(
        use_iperf_loss_counter=False, expected_pps=1000, loss_threshold=100),
     [(0, 900, 900), (0, 899, 899), CLEAN], [("losing packets", 101, 101), ("stable", 0, 101)]),
    ("threshold: a dark interval is above any", LossPolicy(loss_threshold=5000, expected_pps=1000),
     [CLEAN, DARK, (999, 2000, 1001), CLEAN],
     [("losing all packets", 1000, 1000), ("stable", 0, 999)]),
    ("warm-up: the first ones raise none, but teach the rate", LossPolicy(
        use_iperf_loss_counter=False, warmup_intervals=2),
     [(300, 1300, 1000), (0, 1000, 1000), (0, 600, 600), CLEAN],
     [("losing packets", 400, 400), ("stable", 0, 400)]),
    # --- what must not be believed
    ("absurd figures", COUNTER, [CLEAN, (2147479646, 2147481647, 1000), CLEAN], []),
]  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("policy", "figures", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_events(
    version: str, policy: LossPolicy, figures: list[Figures], expected: list[Told]
) -> None:
    """The lines in the table give the events in the table."""
    assert expected == brief(events(version, policy, lines(version, figures)))


@pytest.mark.parametrize("version", VERSIONS)
def test_late_datagrams_are_given_back(version: str) -> None:
    """80 missing at a border that come at once after it: told as lost, then as none."""
    figures: list[Figures] = [CLEAN, (80, 1000, 920), (0, 1000, 1080, 80), CLEAN]
    told = events(version, COUNTER, lines(version, figures))
    assert ("losing packets", 80, 80) == brief(told)[0]
    assert ("stable", 0) == brief(told)[-1][:2]
    assert [0] == sorted({event.event_number for event in told})


def test_a_receive_time_out_is_no_late_datagram() -> None:
    """2.1.8 takes it off Lost: 59/100 with 40 arrived are 60 lost, told with the first line."""
    figures: list[Figures] = [CLEAN, (599, 1000, 400, 1), CLEAN]
    told = events("2.1.8", COUNTER, lines("2.1.8", figures))
    assert [("losing packets", 600, 600), ("stable", 0, 600)] == brief(told)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_event_that_is_open_is_closed_by_the_end(version: str) -> None:
    """By the final line, before the process has ended; without one, by its end."""
    printed = lines(version, UNTIL_THE_END)
    last = final(version, 3.001, (1750, 3001, 1251))
    for more, ended in (([last], False), ([], True)):
        told = events(version, AUTO, [*printed, *more], ended=ended)
        assert "stable" == told[-1].status
        assert 3.0 == told[-1].end
        assert told[-1].ended is not None
        assert ["stable"] == [event.status for event in told if event.end is not None]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_message_of_an_event(version: str) -> None:
    """The old keys in their old order, ours behind them; times, and what it amounts to."""
    told = events(version, AUTO, lines(version, [CLEAN, CLEAN, *BORDER[1:]]))
    messages = [event.to_dict(stream_name="rx") for event in told]
    assert OLD_KEYS == list(messages[0])[: len(OLD_KEYS)]
    first, second, last = messages
    assert (0, "1", "rx", 2.0, None) == tuple(first[key] for key in _WHO)
    assert [300.0, 499.0, 499.0] == [message["outage_ms"] for message in messages]
    assert [1.0] * 3 == [message["outage_error_ms"] for message in messages]
    assert [True, False, False] == [message["estimated"] for message in messages]
    assert (0, 300) == (first["packets_lost_confirmed"], first["packets_lost_estimated"])
    assert (499, 0) == (second["packets_lost_confirmed"], second["packets_lost_estimated"])
    assert 4.0 == last["event_end"]
    assert "1970-01-01T00:00:05+00:00" == last["timestamp_end"] == last["timestamp_current"]
    assert "1970-01-01T00:00:03+00:00" == last["timestamp_start"]
    # The outage itself, to the packet: number 2700 was the last before, 3200 the first after.
    assert 2.6995 == pytest.approx(last["outage_begin"], abs=0.0015)
    assert 3.1985 == pytest.approx(last["outage_end"], abs=0.0015)


OLD_KEYS = [
    "event_number", "stream_id", "stream_name", "status",
    "total_packets_lost_since_event_start", "packets_lost", "packets_received",
    "event_begin", "event_end", "timestamp_start", "timestamp_current", "timestamp_end",
]  # fmt: skip
_WHO = ("event_number", "stream_id", "stream_name", "event_begin", "event_end")


@pytest.mark.parametrize("version", VERSIONS)
def test_streams_have_baselines_of_their_own(version: str) -> None:
    """Two streams in one server, one ten times as fast: neither is judged by the other."""
    fast = lines(version, [CLEAN, CLEAN, CLEAN])
    slow = [line.replace("[  1]", "[  2]") for line in lines(version, [(0, 100, 100)] * 3)]
    mixed = [line for pair in zip(fast, slow, strict=True) for line in pair]
    assert [] == events(version, LEARNT, mixed)


def _with(**changes: Any) -> LossPolicy:
    return LossPolicy(**{"expected_pps": 1000, **changes})


@pytest.mark.parametrize("version", VERSIONS)
def test_the_knobs_do_not_touch_one_another(version: str) -> None:
    """A threshold and a warm-up act alike, whichever counter is believed."""
    figures: list[Figures] = [(50, 1000, 950), (9, 1000, 991), (10, 1000, 990), CLEAN]
    expected = [("losing packets", 10, 10), ("stable", 0, 10)]
    for counter in (True, False, None):
        policy = _with(use_iperf_loss_counter=counter, loss_threshold=9, warmup_intervals=1)
        assert expected == brief(events(version, policy, lines(version, figures)))


@pytest.mark.parametrize("version", ["2.0.14a", "2.1.8"])
@pytest.mark.parametrize("enhanced", [True, False])
def test_events_count_what_only_a_late_line_shows(version: str, *, enhanced: bool) -> None:
    """A receive time-out is called late and taken off Lost, and told a line after the interval."""
    sizes = (302, 672, 687)
    course = [(DELIVERED, 2000)]
    for size in sizes:
        course += [(LOST, size), (DELIVERED, 3000)]
    scenario = Scenario(version=version, course=tuple(course), interval=1.0, enhanced=enhanced)
    outcome = simulate(scenario)
    assert any("out-of-order" in text for _, text in outcome.server)
    stream = read(scenario, outcome)
    assert sizes == tuple(event.packets_lost_confirmed for event in stream.loss_events)
    assert sizes == tuple(outage.packets_lost for outage in stream.outages)
