"""Every recorded run of four builds is read completely and right."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2.core.parsers import dialect_for
from pyperf2.core.records import NO_INSTANT, Interval, Notice, OutOfOrder, Sent, Summary
from tests.parsers.corpus import (
    VERSIONS,
    intervals,
    loss_runs,
    output,
    outputs,
    read,
    release,
    reports,
    server_reports,
    summaries,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyperf2.core.records import Report
    from tests.parsers.corpus import Output

UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}

# Scenarios with lines that are no report of a test.
UNKNOWN_LINES = {
    "help": "the text of `iperf -h`",
    "udp_compat": "2.2.1: the note of who cut the recording, 4 964 108 lines left out",
}

# (version, scenario, side, stream) without a final line, as iperf printed none.
NO_SUMMARY = {
    ("2.0.14a", "udp_fd", "server", "3"): "hangs until it is killed",
    ("2.0.14a", "udp_fd", "client", "3"): "same",
    ("2.0.14a", "udp_fd_e", "server", "FD3"): "same",
    ("2.0.14a", "udp_fd_e", "server", "*3"): "same",
    ("2.0.14a", "udp_fd_e", "client", "FD3"): "same",
    ("2.1.8", "udp_P3", "server", "SUM"): "its streams did not end together",
    ("2.2.1", "tcp_concurrent2", "server", "SUM"): "two clients overlap for one interval",
    ("2.2.1", "udp_concurrent2", "server", "SUM"): "same",
    ("2.2.1", "working_load", "client", "SUM"): "its streams end at different times",
    ("2.2.1", "udp_compat", "server", "1"): "the build gone mad, cut off",
}

SCENARIOS = sorted({source.scenario for source in outputs()})
ALL = pytest.mark.parametrize("scenario", SCENARIOS)


def all_but(*names: str) -> pytest.MarkDecorator:
    """Parametrize with all scenarios except these."""
    assert set(names) <= set(SCENARIOS)
    return pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s not in names])


def sources(scenario: str, *, csv: bool = True) -> list[Output]:
    """Return the recorded outputs of a scenario: each build, both sides."""
    return [
        source
        for source in outputs()
        if source.scenario == scenario and (csv or "-y" not in source.argv)
    ]


def test_the_corpus_is_complete() -> None:
    """Four builds, 603 scenarios: nothing was lost on the way here."""
    counts = Counter(
        version for version, _ in {(source.version, source.scenario) for source in outputs()}
    )
    assert {"2.0.13a": 134, "2.0.14a": 149, "2.1.8": 158, "2.2.1": 162} == counts


@ALL
def test_every_line_is_known(scenario: str) -> None:
    """No line is unknown, except those that are no iperf report at all."""
    for source in sources(scenario):
        unknown = [n for n in read(source) if isinstance(n, Notice) and n.kind == "unknown-line"]
        if source.scenario not in UNKNOWN_LINES:
            assert [] == unknown


@ALL
def test_every_report_line_becomes_one_record(scenario: str) -> None:
    """Each printed report is one record; only a single line from 0 is given twice."""
    for source in sources(scenario):
        found = reports(read(source))
        by_line = Counter(report.arrived.monotonic_ns for report in found)
        assert source.report_count == len(by_line)
        for line, count in by_line.items():
            if count > 1:
                first, second = (r for r in found if r.arrived.monotonic_ns == line)
                assert isinstance(first, Interval)
                assert isinstance(second, Summary)
                assert 0.0 == first.start
                assert [first] == intervals(found, first.stream_id)


@ALL
def test_figures_are_those_of_the_line(scenario: str) -> None:
    """Transfer, loss, datagrams and rate equal what a plain search in the line finds."""
    for source in sources(scenario, csv=False):
        old_sum = release(source.version) < (2, 0, 14)
        for report in reports(read(source)):
            text = source.lines[report.arrived.monotonic_ns][2]
            _check_transfer(report, text)
            loss = re.search(r"(-?\d+)/ *(-?\d+) \(", text)
            if loss:
                assert (int(loss[1]), int(loss[2])) == (report.lost_packets, report.packets)
                assert ("udp", "received") == (report.protocol, report.direction)
            pps = re.search(r"([\d.]+|inf) pps", text)
            printed = float(pps[1]) if pps and pps[1] != "inf" else None
            assert printed == report.packets_per_second
            received = re.search(r"pps (\d+)/\d+(\(|/\d+ )", text)
            if received and "ServerReport" != type(report).__name__:
                assert int(received[1]) == report.packets_received
            written = re.search(r"bits/sec +(\d+)/(\d+)(?:/\d+)? +\d+( pps|$| )", text)
            mixed = source.side == "server" or source.scenario == "udp_d_e"
            if written and pps and text.startswith("[SUM]") and mixed:
                assert (None, None) == (report.writes, report.write_errors)
                total = None if old_sum else int(written[2])
                assert total == report.packets
            elif written and " NA/" not in text:
                assert (int(written[1]), int(written[2])) == (report.writes, report.write_errors)
                assert "sent" == report.direction


def _check_transfer(report: Report, text: str) -> None:
    """Bytes and bandwidth in base units, as one computes them by hand."""
    match = re.search(r" sec +([\d.]+) ([KMGT]?)Bytes +(\S+) ([KMGT]?)(bits|Bytes)/sec", text)
    assert match is not None, text
    assert round(float(match[1]) * UNITS[match[2]]) == report.bytes
    if "nan" in match[3]:
        assert report.bits_per_second is None
        return
    scale = 1000 ** "KMGT".find(match[4]) * 1000 if match[4] else 1
    if match[5] == "Bytes":
        scale = 8 * UNITS[match[4]]
    rate = float(match[3]) * scale
    assert report.bits_per_second is not None
    if report.bits_per_second != pytest.approx(rate):
        # 2.0.13a counts modulo 2^32; what we say instead is transfer over time
        assert report.bytes is not None
        assert report.bytes >= 2**31 or rate < 0
        assert report.bytes * 8 / report.seconds == pytest.approx(report.bits_per_second)
    assert report.bits_per_second >= 0


@ALL
def test_every_stream_has_one_final_line_and_it_is_its_last(scenario: str) -> None:
    """One summary a stream, after its last interval, not shorter and not smaller than any."""
    for source in sources(scenario):
        records = read(source)
        streams = {r.stream_id for r in records if isinstance(r, Interval | Summary)}
        for stream in streams:
            expected = (
                0 if (source.version, source.scenario, source.side, stream) in NO_SUMMARY else 1
            )
            found = summaries(records, stream)
            if stream == "SUM" and source.scenario in {"tcp_concurrent2", "udp_concurrent2"}:
                continue  # two clients overlap: their sum comes and goes
            assert expected == len(found), (source.name, stream)
            for summary in found:
                assert 0.0 == summary.start
                later = [i for i in intervals(records, stream) if i.arrived > summary.arrived]
                assert [] == later, source.name


# Bursts do not follow one another; one build went mad; 2.0.14a prints a stream 0 that is none.
@all_but("tcp_burst", "udp_compat", "udp_fd_e")
def test_intervals_follow_one_another(scenario: str) -> None:
    """Within a stream each interval begins where the last one ended; none is a disguised total."""
    for source in sources(scenario):
        records = read(source)
        for stream in {r.stream_id for r in intervals(records)} - {"SUM"}:
            ends = [0.0]
            for interval in intervals(records, stream):
                assert ends[-1] == interval.start, source.name
                ends.append(interval.end)


# -f g prints one digit; one build went mad.
@all_but("fmt_g_udp", "udp_compat")
def test_sum_of_the_bytes(scenario: str) -> None:
    """The intervals' bytes add up to the final line's, to the printed digits.

    2.0.13a leaves the last interval out, so there they may fall short.
    """
    for source in sources(scenario):
        records = read(source)
        for summary in summaries(records):
            parts = intervals(records, summary.stream_id)
            if not parts or summary.stream_id == "SUM":
                continue
            sizes = [part.bytes or 0 for part in parts]
            size = summary.bytes or 0
            unreported = 3 * size * max(summary.end - parts[-1].end, 0.0) / max(summary.end, 1e-9)
            rounding = 0.011 * size + 0.006 * sum(sizes) + 2000
            assert sum(sizes) <= size + rounding, source.name
            if source.version != "2.0.13a":
                assert size - unreported - rounding <= sum(sizes), source.name


@ALL
def test_the_unknown_version_reads_the_same(scenario: str) -> None:
    """Columns tell all: without the version the figures are the same.

    CSV rows do not tell which end is local, so they are left out.
    """
    for source in sources(scenario, csv=False):
        known = [r for r in read(source) if not isinstance(r, Notice)]
        blind = [r for r in read(source, version_known=False) if not isinstance(r, Notice)]
        assert known == blind, source.name


# The bursts of 2.1.8 all start at 0; at 1 ms, rounded to 10 ms, intervals do, too.
@all_but("tcp_burst", "udp_i0.001")
def test_the_unknown_interval_finds_the_same_final_lines(scenario: str) -> None:
    """Where the report interval is not known, the final lines are still found."""
    for source in sources(scenario):
        known = {(s.stream_id, s.arrived) for s in summaries(read(source))}
        blind = {(s.stream_id, s.arrived) for s in summaries(read(source, interval_known=False))}
        assert known == blind, source.name


SIMPLE_LOSS = ("udp", "udp_e", "udp_loss1", "udp_loss1_e", "udp_loss10", "udp_loss10_e",
               "udp_loss10_i0.1", "udp_outage07", "udp_outage07_e", "udp_outage07_i0.1",
               "udp_outage07_i0.1_e", "udp_i0.1", "udp6", "udp_outage_end")  # fmt: skip


@pytest.mark.parametrize("scenario", SIMPLE_LOSS)
@pytest.mark.parametrize("version", VERSIONS)
def test_loss_of_the_summary_is_the_truth(version: str, scenario: str) -> None:
    """The final line's loss is what the network dropped.

    One more where the FIN was dropped or counted; 2.0.14a and 2.1.8 move one to out-of-order for
    each read time-out, so there the two add up.
    """
    source = output(version, scenario, "server")
    dropped = source.truth["dropped_data_datagrams"]
    (summary,) = summaries(read(source))
    late = sum(
        r.count
        for r in read(source)
        if isinstance(r, OutOfOrder) and r.end == summary.end and r.start == 0.0
    )
    assert summary.lost_packets is not None
    assert -1 <= summary.lost_packets + late - dropped <= 1


@pytest.mark.parametrize("scenario", ["udp_loss10", "udp_loss10_e", "udp_outage07_e"])
@pytest.mark.parametrize("version", ["2.0.14a", "2.1.8", "2.2.1"])
def test_loss_of_the_intervals_adds_up(version: str, scenario: str) -> None:
    """Per interval the same datagrams are lost as in all (2.0.13a hides its last interval)."""
    records = read(output(version, scenario, "server"))
    (summary,) = summaries(records)
    assert summary.lost_packets == sum(i.lost_packets or 0 for i in intervals(records))


# What `Sent N` counts beyond the data datagrams that left the client.
SENT_BEYOND_DATA = {"2.0.13a": 0, "2.0.14a": 2, "2.1.8": 2, "2.2.1": 2}


@pytest.mark.parametrize("scenario", SIMPLE_LOSS)
@pytest.mark.parametrize("version", VERSIONS)
def test_sent_and_server_report(version: str, scenario: str) -> None:
    """The client's count is what was sent; the server's report is the server's summary."""
    source = output(version, scenario, "client")
    records = read(source)
    (sent,) = (r for r in records if isinstance(r, Sent))
    data = source.truth["data_datagrams_at_hook"]
    assert abs(sent.datagrams - data - SENT_BEYOND_DATA[version]) <= 1
    told = server_reports(records)
    (summary,) = summaries(read(output(version, scenario, "server")))
    assert [(summary.lost_packets, summary.packets)] == [(r.lost_packets, r.packets) for r in told]
    assert [sent.stream_id] == [r.stream_id for r in told]
    assert [None] == [r.packets_received for r in told]


@pytest.mark.parametrize("scenario", ["udp_P3", "udp_P3_e", "udp_P3_loss10", "udp_P3_loss10_e"])
@pytest.mark.parametrize("version", VERSIONS)
def test_three_streams(version: str, scenario: str) -> None:
    """``-P 3``: three streams and their sum, each with its own count and its server's report."""
    records = read(output(version, scenario, "client"))
    streams = {i.stream_id for i in intervals(records)}
    assert 4 == len(streams)
    assert "SUM" in streams
    counts = {r.stream_id: r.datagrams for r in records if isinstance(r, Sent)}
    assert streams == counts.keys()
    total = counts.pop("SUM")
    assert total == sum(counts.values())
    assert streams - {"SUM"} == {r.stream_id for r in server_reports(records)}


@pytest.mark.parametrize("version", VERSIONS)
def test_three_clients_one_after_another(version: str) -> None:
    """Ids are used again; here they are three streams."""
    records = read(output(version, "udp_seq3", "server"))
    assert 3 == len({s.stream_id for s in summaries(records)} - {"SUM"})


@pytest.mark.parametrize("run", loss_runs(), ids=lambda run: run["name"])
def test_runs_with_known_loss(run: Mapping[str, Any]) -> None:
    """Loss at 1000 pps, -e: every line known, one stream, and the lost datagrams are all there.

    What a stopped server never learned of (``outend``), and the phantoms of 2.1.8, do not count.
    """
    dialect = dialect_for(
        role="server",
        protocol="udp",
        version=release(run["version"]),
        report_interval=run["report_interval"],
    )
    records = [
        r for line in run["text"].splitlines() for r in dialect.parse(line.encode(), NO_INSTANT)
    ]
    records += dialect.finish()
    assert {"no-ack"} >= {r.kind for r in records if isinstance(r, Notice)}
    if "nopps" in run["name"]:
        assert [] == summaries(records)  # this server was killed before its last words
        return
    (summary,) = summaries(records)
    late = sum(r.count for r in records if isinstance(r, OutOfOrder) and r.end == summary.end)
    assert abs((summary.lost_packets or 0) + late - run["dropped"]) <= 2
    received = [i.packets_received for i in intervals(records)]
    if run["version"] != "2.0.13a":
        for interval, arrived in zip(intervals(records), received, strict=True):
            if interval.packets:
                assert arrived == interval.packets - (interval.lost_packets or 0)
