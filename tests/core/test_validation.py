"""Criteria: what passes, what does not, what cannot be told; by literals."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from pyperf2.core import limits, quantities
from pyperf2.core.gaps import Outage
from pyperf2.core.limits import (
    max_asymmetry,
    max_bitrate,
    max_intervals,
    max_jitter,
    max_latency,
    max_loss,
    max_lost,
    max_outage,
    max_retransmits,
    min_bitrate,
    min_intervals,
    no_gap,
)
from pyperf2.core.records import Interval
from pyperf2.core.results import Result, StreamResult
from pyperf2.core.validation import ValidationReport, criteria_of, validate
from pyperf2.errors import ConnectionFailed, OptionError

if TYPE_CHECKING:
    from pyperf2.core.limits import Criterion
    from pyperf2.core.records import Direction, Protocol
    from pyperf2.core.spelling import Role


def interval(begin: float, end: float, direction: Direction = "received", **more: Any) -> Interval:
    """Return an interval of UDP that moved 125 000 bytes a second, unless told otherwise."""
    rest = {"bytes": round(125_000 * (end - begin)), "protocol": "udp", **more}
    return Interval(stream_id="1", start=begin, end=end, direction=direction, **rest)


def stream(name: str = "1", direction: Direction = "received", **more: Any) -> StreamResult:
    """Return a stream of two seconds at 1 Mbit/s; a receiver of all 2000 datagrams."""
    got: dict[str, Any] = {
        "intervals": (interval(0, 1, direction), interval(1, 2, direction)),
        "bytes": 250_000,
        "duration_s": 2.0,
    }
    if direction == "received":
        got |= {"packets_sent": 2000, "packets_received": 2000, "packets_lost": 0}
        got |= {"packets_lost_error": 0, "packets_lost_trailing": 0}
    got |= more
    got.setdefault("interval_count", len(got["intervals"]))
    return StreamResult(stream_id=name, **got)


def result(
    *streams: StreamResult, role: Role = "server", protocol: Protocol = "udp", **more: Any
) -> Result:
    """Return a result of these streams."""
    named = {one.stream_id: one for one in streams}
    return Result(
        tool="iperf2", version="2.1.8", role=role, protocol=protocol, streams=named, **more
    )


def outage(ms: float, error_ms: float = 1.0, *, suspect: bool = False) -> Outage:
    """Return an outage of a second's beginning."""
    return Outage(
        begin_s=1.0, end_s=1 + ms / 1000, begin_error_s=0.0, end_error_s=0.0,
        duration_s=ms / 1000, duration_error_s=error_ms / 1000, packets_lost=round(ms),
        suspect=suspect,
    )  # fmt: skip


LOSSY = stream(packets_received=1990, packets_lost=10, packets_lost_error=2)
DARK = stream(outages=(outage(20), outage(50), outage(30)))
SUM = stream("SUM", bytes=10**9)
SENT = stream(direction="sent", intervals=(interval(0, 2, "sent", retransmits=3, protocol="tcp"),))
JITTERY = stream(
    intervals=(
        interval(0, 1, jitter_ms=0.5, latency_mean_ms=1.0, latency_max_ms=9.0),
        interval(1, 2, jitter_ms=2.5, latency_mean_ms=2.0, latency_max_ms=4.0),
    )
)
HOLED = stream(intervals=(interval(0, 1), interval(1, 2, bytes=0), interval(2.5, 3.5)))
TWO_WAYS = (stream(), stream("*1", direction="sent", bytes=225_000))

KEPT: list[tuple[Criterion, Result, float]] = [
    (min_bitrate("1M"), result(stream()), 1e6),
    (min_bitrate(1_000_000), result(stream()), 1e6),
    (min_bitrate("2M"), result(stream(), stream("2"), SUM), 2e6),
    (min_bitrate("0.9M"), result(*TWO_WAYS), 0.9e6),
    (max_bitrate("1M"), result(*TWO_WAYS), 1e6),
    (max_loss("0.6%"), result(LOSSY), 0.5),
    (max_lost(12), result(LOSSY), 10),
    (max_jitter("2.5ms"), result(JITTERY), 2.5),
    (max_latency("9 ms"), result(JITTERY), 9),
    (max_latency("1ms"), result(stream(intervals=(interval(0, 1, latency_mean_ms=1.0),))), 1),
    (max_outage("51ms"), result(DARK), 50),
    (max_outage("0ms"), result(stream()), 0),
    (max_outage("2.1 s"), result(stream(packets_lost=None), protocol="tcp"), 1000),
    (min_intervals(2), result(stream(), SUM), 2),
    (max_intervals(2), result(stream()), 2),
    (no_gap(), result(stream()), 0),
    (max_retransmits(3), result(SENT, role="client", protocol="tcp"), 3),
    (max_asymmetry("10%"), result(*TWO_WAYS), 10),
]
EXCEEDED: list[tuple[Criterion, Result]] = [
    (min_bitrate("1.01M"), result(stream())),
    (min_bitrate("1M"), result(*TWO_WAYS)),
    (max_bitrate("999k"), result(stream())),
    (max_loss("0.3%"), result(LOSSY)),
    (max_lost(7), result(LOSSY)),
    (max_jitter("2400us"), result(JITTERY)),
    (max_latency("0.008s"), result(JITTERY)),
    (max_outage("48ms"), result(DARK)),
    (min_intervals(3), result(stream(), SUM)),
    (max_intervals(1), result(stream())),
    (no_gap(), result(HOLED)),
    (max_retransmits(2), result(SENT, role="client", protocol="tcp")),
    (max_asymmetry("9%"), result(*TWO_WAYS)),
]
CUT = stream(interval_count=9)  # history has dropped seven
UNDECIDED: list[tuple[Criterion, Result, str]] = [
    (max_loss("0.45%"), result(LOSSY), "error bar"),
    (max_outage("50ms"), result(DARK), "error bar"),
    (max_outage("1ms"), result(stream(outages=(outage(9, suspect=True),))), "sender itself"),
    (max_outage("5ms"), result(stream(packets_lost=None), protocol="tcp"), "error bar"),
    (max_lost(0), result(stream(packets_lost_trailing=None)), "very end"),
    (max_outage("9ms"), result(stream(packets_lost_trailing=None)), "very end"),
    (no_gap(), result(CUT), "7 intervals were not kept"),
]
NO_DATA: list[tuple[Criterion, Result]] = [
    *((one, result()) for one, _, _ in KEPT),
    (max_loss("1%"), result(stream(direction="sent"), role="client")),
    (max_loss("1%"), result(stream(packets_lost=None), protocol="tcp")),
    (max_loss("1%"), result(stream(packets_sent=0, packets_received=0))),
    (max_outage("1s"), result(stream(direction="sent"), role="client")),
    (max_jitter("1s"), result(stream())),
    (max_retransmits(9), result(stream())),
    (max_asymmetry("9%"), result(stream())),
    (no_gap(), result(stream(intervals=()))),
]


@pytest.mark.parametrize(("criterion", "judged", "value"), KEPT, ids=str)
def test_what_is_within_the_limit_passes(
    criterion: Criterion, judged: Result, value: float
) -> None:
    """With the figure it was held against."""
    found = criterion.judge(judged)
    assert (True, "") == (found.passed, found.reason)
    assert value == pytest.approx(found.value)
    assert criterion(judged)


@pytest.mark.parametrize(("criterion", "judged"), EXCEEDED, ids=str)
def test_what_is_beyond_the_limit_fails(criterion: Criterion, judged: Result) -> None:
    """As a whole, error bar and all."""
    assert criterion.judge(judged).passed is False
    assert not criterion(judged)


@pytest.mark.parametrize(("criterion", "judged", "reason"), UNDECIDED, ids=str)
def test_what_cannot_be_told_is_undecided(
    criterion: Criterion, judged: Result, reason: str
) -> None:
    """With the reason; and it has not passed."""
    found = criterion.judge(judged)
    assert found.passed is None
    assert reason in found.reason
    assert not criterion(judged)


@pytest.mark.parametrize(("criterion", "judged"), NO_DATA, ids=str)
def test_no_data_is_not_a_pass(criterion: Criterion, judged: Result) -> None:
    """However generous the limit is."""
    found = criterion.judge(judged)
    assert (False, None) == (found.passed, found.value)
    assert found.reason.startswith("no data: ")
    assert len("no data: ") < len(found.reason)


@pytest.mark.parametrize(
    ("make", "wrong", "told"),
    [
        (min_bitrate, "900", None),
        (min_bitrate, "1000pps", "rate of datagrams"),
        (min_bitrate, "fast", "is no bandwidth"),
        (min_bitrate, 0, "is no bandwidth"),
        (min_bitrate, True, "is no bandwidth"),
        (max_loss, 1, "no share"),
        (max_loss, "1", "no share"),
        (max_asymmetry, "-1%", "no share"),
        (max_outage, 50, "no time"),
        (max_jitter, "5", "no time"),
        (max_latency, "5 min", "no time"),
        (max_lost, "1%", "no count"),
        (max_retransmits, -1, "no count"),
        (min_intervals, 1.5, "no count"),
        (max_intervals, True, "no count"),
    ],
)
def test_a_limit_says_its_unit(make: Any, wrong: Any, told: str | None) -> None:
    """What may be read in two ways is refused when it is written; bits per second are the base."""
    if told is None:
        assert float(wrong) == make(wrong).limit
        return
    with pytest.raises(OptionError, match=told):
        make(wrong)


def test_every_ready_made_criterion_is_tested_both_ways() -> None:
    """A new one in the module stands in the tables above, too."""
    made = {name for name in vars(limits) if name.startswith(("min_", "max_", "no_"))}
    assert made == {one.name for one, _, _ in KEPT} == {one.name for one, _ in EXCEEDED}


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [(8.7e6, "bit/s", "8.7 Mbit/s"), (1e9, "bit/s", "1 Gbit/s"), (12.0, "bit/s", "12 bit/s"),
     (0.05, "%", "0.05 %"), (12.0, "", "12")],
)  # fmt: skip
def test_figures_are_told_with_their_unit(value: float, unit: str, told: str) -> None:
    """Four digits, and the prefix that fits."""
    assert told == quantities.told(value, unit)


def at_least(judged: Result, streams: int) -> bool:
    """Tell whether there are so many streams: a criterion of a user's."""
    return len(judged.streams) >= streams


FORMS: list[Any] = [
    {at_least: {"streams": 1}},
    [(at_least, {"streams": 1})],
    [partial(at_least, streams=1)],
    partial(at_least, streams=1),
    [(at_least, {"streams": 1}), (at_least, {"streams": 0})],
    min_bitrate("1k"),
    {min_bitrate("1k"): {}},
    iter([min_bitrate("1k"), (at_least, {"streams": 1})]),
]


@pytest.mark.parametrize("given", FORMS, ids=range(len(FORMS)))
def test_criteria_have_many_forms(given: Any) -> None:
    """One function may be there twice, with different keywords."""
    report = ValidationReport(
        findings=tuple(validate(result(stream()), criteria_of(given), end="rx", stream="voice"))
    )
    assert report
    assert "traffic" == report.findings[0].criterion
    assert {"at_least", "min_bitrate"} >= {one.criterion for one in report.findings[1:]}
    assert 2 <= len(report.findings)


@pytest.mark.parametrize(
    "wrong", ["max_loss", 5, {"max_loss": {}}, [1], [(at_least,)], {at_least: 1},
              {max_loss("1%"): {"share": 2}}],
)  # fmt: skip
def test_what_is_no_criterion_is_refused(wrong: Any) -> None:
    """With the forms that would do."""
    with pytest.raises(OptionError, match=r"no criterion|takes no keywords"):
        criteria_of(wrong)


def broken(_: Result) -> bool:
    """Fail as code does."""
    raise ZeroDivisionError("by nought")


def report_of(judged: Result, *given: Any) -> ValidationReport:
    """Hold a result against criteria."""
    found = validate(judged, criteria_of(given), end="rx", stream="voice")
    return ValidationReport(findings=tuple(found))


def test_one_that_fails_keeps_none_from_being_evaluated() -> None:
    """One that is false, one that raises, one without data, and the others all the same."""
    report = report_of(
        result(stream()),
        (at_least, {"streams": 2}), broken, max_jitter("1ms"), min_bitrate("2M"), max_lost(0),
        lambda _: None,
    )  # fmt: skip
    assert [True, False, False, False, False, True, False] == [
        one.passed for one in report.findings
    ]
    assert (False, False) == (report.passed, bool(report))
    unknown = "no data: only the receiver of UDP knows the jitter"
    assert (
        "failed: stream 'voice', rx: at_least; limit streams=2; it returned False",
        "failed: stream 'voice', rx: broken; it raised ZeroDivisionError: by nought",
        f"failed: stream 'voice', rx: max_jitter; limit at most 1 ms; {unknown}",
        "failed: stream 'voice', rx: min_bitrate: 1 Mbit/s; limit at least 2 Mbit/s",
        "failed: stream 'voice', rx: <lambda>; it returned None",
    ) == report.lines
    assert str(report).startswith("failed\nfailed: stream 'voice'")


def test_a_coroutine_has_not_passed() -> None:
    """It is true, and it has said nothing."""

    async def good(_: Result) -> bool:
        raise AssertionError("it is never run")

    report = report_of(result(stream()), good, lambda judged: good(judged))  # noqa: PLW0108
    assert [True, False, False] == [one.passed for one in report.findings]
    assert all("it is a coroutine" in line for line in report.lines)


def test_a_run_that_failed_has_not_passed() -> None:
    """Whatever it may have moved before, and without a criterion."""
    error = ConnectionFailed("reset by peer")
    report = report_of(result(stream(), error=error))
    assert report.passed is False
    assert "reset by peer" in report.lines[0]
    assert report_of(result(stream()))
    assert not report_of(result())


def test_undecided_is_told_apart() -> None:
    """It is no pass, and no failure."""
    report = report_of(result(LOSSY), max_loss("0.45%"))
    assert (None, False) == (report.passed, bool(report))
    assert "undecided: stream 'voice', rx: max_loss: 0.5 % ±0.1" in str(report)
    assert (None, False) == (ValidationReport().passed, bool(ValidationReport()))


def test_other_programs_read_it() -> None:
    """JSON has every finding; JUnit a case for each, with control characters escaped."""
    report = ValidationReport(
        findings=tuple(
            validate(
                result(LOSSY), criteria_of([max_lost(7), max_loss("0.45%")]),
                end="rx\x1b[31m", stream="voice",
            )
        )
    )  # fmt: skip
    told = json.loads(report.to_json())
    assert (1, False) == (told["schema"], told["passed"])
    assert ["traffic", "max_lost", "max_loss"] == [one["criterion"] for one in told["findings"]]
    assert ("voice", "server", 10.0) == tuple(
        told["findings"][1][key] for key in ("stream", "role", "value")
    )
    (suite,) = ET.fromstring(report.to_junit())  # noqa: S314 - our own
    assert ("voice", "3", "2") == tuple(suite.get(key) for key in ("name", "tests", "failures"))
    kinds = [failure.get("type") for failure in suite.iter("failure")]
    assert ["failed", "undecided"] == kinds
    assert r"rx\x1b[31m" == suite[0].get("classname")
