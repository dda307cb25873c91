"""Every recording of iperf3 3.9, 3.12, 3.18 and 3.22 is read without a rest, and truly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pyperf2.core.records import (
    Connected,
    Interval,
    Listening,
    Notice,
    OutOfOrder,
    Report,
    RunEnded,
    RunStarted,
    Sent,
    ServerOutput,
    ServerReport,
    Summary,
)
from tests.parsers.iperf3.recorded import of, output, outputs, read

if TYPE_CHECKING:
    from tests.parsers.iperf3.recorded import Output

FULL = ("3.9", "3.12", "3.18")
REPORT = re.compile(r"\[(?: *\d+|SUM)\](?:\[..-.\])? +[\d.]+-[\d.]+ +sec +[\d.]+ [KMGTP]?Bytes ")
# One stream of UDP, of which a receiver printed every interval.
LOSSY = ("udp_loss1", "udp_loss10", "udp_loss10_ff", "udp_outage07", "udp_outage07_i0.1")


@pytest.mark.parametrize("source", outputs(), ids=lambda source: source.name)
def test_every_line_is_known(source: Output) -> None:
    """No line is unknown, none is torn; nothing but an iperf3 that failed is an error."""
    notices = of(Notice, read(source.name))
    assert [] == [n for n in notices if n.kind in {"unknown-line", "torn-line"}]
    told = " ".join(text for _, _, text in source.lines)
    if not re.search(r"error|killed|terminated|closed|option", told):
        assert [] == [n for n in notices if n.kind != "warning"]


@pytest.mark.parametrize("source", outputs(), ids=lambda source: source.name)
def test_runs_enclose_what_belongs_to_them(source: Output) -> None:
    """Each RunStarted has its RunEnded; reports stand between the two and bear their number."""
    number, running = 0, False
    for record in read(source.name):
        if isinstance(record, RunStarted):
            assert not running
            number, running = number + 1, True
            assert number == record.number
        elif isinstance(record, RunEnded):
            assert (True, number) == (running, record.number)
            running = False
        elif isinstance(record, (Report, Connected)):
            assert (True, number) == (running, record.run_number)
    assert not running


@pytest.mark.parametrize(
    "source", [o for o in outputs() if not o.json], ids=lambda source: source.name
)
def test_every_report_line_is_one_report(source: Output) -> None:
    """As many reports as lines that look like one, but for repeated lines and missing figures."""
    lines = [text for _, _, text in source.lines]
    if any(text.startswith("Server ") and text.endswith("output:") for text in lines):
        lines = lines[: next(i for i, text in enumerate(lines) if text.endswith("output:"))]
    printed = sum(bool(REPORT.search(text)) for text in lines)
    records = read(source.name)
    seen: set[tuple[str, ...]] = set()
    repeated = 0
    for text in lines:
        if re.search(r"connected to", text):
            seen.clear()
        if REPORT.search(text) and not text.endswith(("sender", "receiver")):
            key = tuple(text[text.index("[") :].partition(" sec")[0].split())
            key = (*key, text[-9:])
            repeated += key in seen
            seen.add(key)
    zeros = sum(bool(re.search(r" 0\.00 Bytes .* (receiver|sender)$", text)) for text in lines)
    broken = source.side == "client" and "iperf Done." not in " ".join(lines)
    assert printed - repeated - (zeros if broken else 0) == len(of(Report, records))


@pytest.mark.parametrize("version", FULL)
@pytest.mark.parametrize("scenario", LOSSY)
def test_lost_datagrams_are_those_that_were_dropped(version: str, scenario: str) -> None:
    """The intervals' sum and the final line both give what the kernel counted.

    iperf3 cannot see what is lost behind the last datagram that arrives: a datagram or two of
    random loss. The sender's count shows them.
    """
    truth = output(f"{version}/{scenario}/server").truth
    records = read(f"{version}/{scenario}/server")
    (summary,) = of(Summary, records)
    assert sum(i.lost_packets or 0 for i in of(Interval, records)) == summary.lost_packets
    (sent,) = of(Sent, read(f"{version}/{scenario}/client"))
    assert truth["data_datagrams_at_hook"] == sent.datagrams
    assert summary.packets is not None
    assert summary.lost_packets is not None
    trailing = sent.datagrams - summary.packets
    assert 0 <= trailing <= 2
    assert truth["dropped_data_datagrams"] == summary.lost_packets + trailing


def test_six_outages_to_the_datagram() -> None:
    """Outages of 5 to 3000 ms: 4274 lost, in the intervals, the summary and at the client."""
    server, client = read("3.12/mixed/server"), read("3.12/mixed/client")
    assert 4274 == sum(i.lost_packets or 0 for i in of(Interval, server))
    assert [4274] == [s.lost_packets for s in of(Summary, server)]
    assert [(4274, 11000)] == [(r.lost_packets, r.packets) for r in of(ServerReport, client)]
    assert [11000] == [s.datagrams for s in of(Sent, client)]


def test_what_is_lost_at_the_end_shows_in_the_senders_count() -> None:
    """The server says 0/3193; the client sent 4000, 807 of them into an outage."""
    (report,) = of(ServerReport, read("3.12/tail/client"))
    (sent,) = of(Sent, read("3.12/tail/client"))
    assert (0, 3193, 4000) == (report.lost_packets, report.packets, sent.datagrams)


@pytest.mark.parametrize("version", FULL)
def test_all_lost_is_not_the_same_as_nothing_told(version: str) -> None:
    """A client's 0/0 is a report after ``iperf Done.``, and none after an interrupt."""
    assert [(0, 0)] == [
        (r.lost_packets, r.packets) for r in of(ServerReport, read(f"{version}/udp_loss100/client"))
    ]
    assert [] == of(ServerReport, read(f"{version}/udp_client_sigint/client"))
    assert [] == of(ServerReport, read(f"{version}/tcp_client_sigint/client"))
    assert 1 == len(of(Summary, read(f"{version}/udp_client_sigint/client")))


def test_the_same_in_json() -> None:
    """3.22 --json-stream: 0/0 when all was lost, nothing after an interrupt."""
    (report,) = of(ServerReport, read("3.22/allstream/client"))
    assert (0, 0, 0) == (report.bytes, report.packets, report.lost_packets)
    assert [] == of(ServerReport, read("3.22/sigstream/client"))


@pytest.mark.parametrize(
    "name",
    [
        *(f"{v}/{s}/server" for v in FULL for s in ("tcp_client_sigint", "udp_client_sigint")),
        *(f"{v}/{s}/client" for v in FULL for s in ("tcp_server_killed", "tcp_server_sigterm")),
        "3.18/json_stream_server_killed/client",
        "3.18/tcp_client_sigint_J/server",
    ],
)
def test_the_interval_repeated_at_a_premature_end_is_one(name: str) -> None:
    """No two intervals of a stream have the same bounds."""
    bounds = [(i.run_number, i.stream_id, i.start, i.end) for i in of(Interval, read(name))]
    assert bounds
    assert len(bounds) == len(set(bounds))


@pytest.mark.parametrize("version", FULL)
def test_three_clients_are_three_runs(version: str) -> None:
    """A server's tests follow one another under the same ids, each with its own number."""
    records = read(f"{version}/udp_seq3/server")
    assert [1, 2, 3] == [r.number for r in of(RunStarted, records)]
    assert [1, 2, 3] == [s.run_number for s in of(Summary, records)]
    assert 4 == len(of(Listening, records))
    peers = {(r.peer_ip, r.peer_port) for r in of(RunStarted, records)}
    assert 3 == len(peers)
    json = read(f"{version}/tcp_J_seq2/server")
    assert [1, 2] == [r.number for r in of(RunStarted, json)]
    assert {1, 2} == {i.run_number for i in of(Interval, json)}


@pytest.mark.parametrize("version", FULL)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_both_directions_are_told_apart(version: str, protocol: str) -> None:
    """--bidir: one stream sends, one receives; each has its own summary, the other's a report."""
    for side in ("client", "server"):
        records = read(f"{version}/{protocol}_bidir/{side}")
        assert {protocol} == {r.protocol for r in of(Report, records)}
        directions = {(i.stream_id, i.direction) for i in of(Interval, records)}
        assert 2 == len(directions)
        assert directions == {(s.stream_id, s.direction) for s in of(Summary, records)}
        others = {(r.stream_id, r.direction) for r in of(ServerReport, records)}
        assert not others & directions
        assert (2 if side == "client" else 0) == len(others)


@pytest.mark.parametrize("version", FULL)
def test_sums_of_both_directions(version: str) -> None:
    """--bidir -P 2: a sum for each direction."""
    for side in ("client", "server"):
        records = read(f"{version}/tcp_bidir_P2/{side}")
        sums = {(i.stream_id, i.direction) for i in of(Interval, records) if "SUM" in i.stream_id}
        assert {("SUM-TX", "sent"), ("SUM-RX", "received")} == sums
        assert {"SUM-TX", "SUM-RX"} < {s.stream_id for s in of(Summary, records)}


@pytest.mark.parametrize("version", FULL)
@pytest.mark.parametrize(("scenario", "own"), [("tcp_R", "received"), ("udp_R_loss10", "received")])
def test_reverse(version: str, scenario: str, own: str) -> None:
    """-R: the client receives; the server's count comes as a report and as ``Sent``."""
    client, server = read(f"{version}/{scenario}/client"), read(f"{version}/{scenario}/server")
    assert {own} == {i.direction for i in of(Interval, client)} | {
        s.direction for s in of(Summary, client)
    }
    assert {"sent"} == {r.direction for r in of(ServerReport, client)}
    assert {"sent"} == {r.direction for r in of(Report, server)}
    assert {("reverse",)} == {c.flags for c in of(Connected, client)}
    assert [s.datagrams for s in of(Sent, client)] == [s.datagrams for s in of(Sent, server)]


@pytest.mark.parametrize("version", FULL)
@pytest.mark.parametrize("scenario", ["tcp_omit", "udp_omit", "udp_omit_J"])
def test_omitted_seconds_are_marked(version: str, scenario: str) -> None:
    """-O 1: the first interval is omitted, and the clock starts again."""
    for side in ("client", "server"):
        intervals = of(Interval, read(f"{version}/{scenario}/{side}"))
        assert [True, False] == [i.omitted for i in intervals[:2]]
        assert pytest.approx(0, abs=0.1) == intervals[1].start


@pytest.mark.parametrize("version", FULL)
def test_late_and_duplicate_datagrams(version: str) -> None:
    """50 late datagrams, 0 lost: late ones count in the final line, in text and in JSON."""
    for scenario in ("udp_reorder", "udp_reorder_J", "udp_dup"):
        records = read(f"{version}/{scenario}/server")
        (summary,) = of(Summary, records)
        assert (0, 50) == (summary.lost_packets, summary.out_of_order)
        assert 0 == sum(i.lost_packets or 0 for i in of(Interval, records))
        assert [] == of(OutOfOrder, records)


def test_a_late_datagram_makes_an_interval_negative() -> None:
    """3.18 ``-1/998 (-0.1%)``: as printed."""
    lost = [i.lost_packets for i in of(Interval, read("3.18/udp_reorder/server"))]
    assert {1, -1} <= set(lost)


@pytest.mark.parametrize("version", FULL)
@pytest.mark.parametrize("scenario", ["udp_timestamps", "udp_title", "udp_ff", "udp_V"])
def test_what_stands_before_a_line_changes_nothing(version: str, scenario: str) -> None:
    """--timestamps, -T and -V: the same records as without."""
    for side in ("client", "server"):
        records = read(f"{version}/{scenario}/{side}")
        assert 2 <= len(of(Interval, records))
        assert [1] == [r.number for r in of(RunStarted, records)]
        assert 1 == len(of(Connected, records))
        assert 1 == len(of(Summary, records))


def test_the_servers_output_is_kept_apart() -> None:
    """--get-server-output: the server's lines are no records of the client's."""
    for name, begins in (
        ("3.22/text_gso/client", "Accepted connection from"),
        ("3.22/text_gso_sj/client", "{"),
        ("3.22/json_gso_st/client", "Accepted connection from"),
        ("3.18/json_stream_gso/client", "{"),
        ("3.9/gso_text/client", "Accepted connection from"),
        ("3.12/gso_J/client", "Accepted connection from"),
        ("3.12/gso_J_J/client", "{"),
    ):
        records = read(name)
        (told,) = of(ServerOutput, records)
        assert told.text.startswith(begins)
        assert {"sent"} == {i.direction for i in of(Interval, records)}
        assert 1 == len(of(RunStarted, records))


def test_a_document_behind_its_events_is_not_told_twice() -> None:
    """3.22 --json-stream --json-stream-full-output prints the same test in both forms."""
    records = read("3.22/full/client")
    assert [1, 2, 1] == [len(of(kind, records)) for kind in (RunStarted, Interval, Summary)]


@pytest.mark.parametrize("name", ["3.18/tcp_V/client", "3.18/tcp_json_stream/client"])
def test_the_use_of_the_cpus(name: str) -> None:
    """-V and JSON: the load of both sides, and their congestion control, at the run's end."""
    (ended,) = of(RunEnded, read(name))
    assert {"sender_tcp_congestion": "bbr", "receiver_tcp_congestion": "bbr"}.items() <= (
        ended.details.items()
    )
    for side in ("host", "remote"):
        total, user, system = (
            ended.details[f"cpu_{side}_{part}_percent"] for part in ("total", "user", "system")
        )
        assert pytest.approx(user + system, abs=0.2) == total


@pytest.mark.parametrize(
    ("name", "kind", "level"),
    [
        ("3.9/err_refused/client", "refused", "error"),
        ("3.12/err_refused/client", "refused", "error"),
        ("3.12/err_refused_J/client", "refused", "error"),
        ("3.18/err_refused/client", "refused", "error"),
        ("3.18/err_refused_json_stream/client", "refused", "error"),
        ("3.12/err_badhost/client", "bad-host", "error"),
        ("3.18/err_badhost/client", "bad-host", "error"),
        ("3.18/err_unreachable/client", "unreachable", "error"),
        ("3.18/err_connect_timeout/client", "unreachable", "error"),
        ("3.18/err_bind_addr/server", "bind-failed", "error"),
        ("3.18/err_perm_bind/server", "bind-failed", "error"),
        ("3.18/err_opt_long/client", "bad-option", "error"),
        ("3.12/err_opt_short/client", "bad-option", "error"),
        ("3.12/err_noargs/client", "bad-option", "error"),
        ("3.12/err_client_opt_on_server/server", "bad-option", "error"),
        ("3.12/err_interval_small/client", "bad-value", "error"),
        ("3.18/tcp_server_killed/client", "reset", "error"),
        ("3.18/udp_server_killed_J/client", "reset", "error"),
        ("3.18/json_stream_server_killed/client", "reset", "error"),
        ("3.18/tcp_server_sigterm/client", "reset", "error"),
        ("3.18/udp_client_killed/server", "reset", "error"),
        ("3.18/udp_client_sigint/server", "reset", "warning"),
        ("3.18/udp_client_sigint/client", "iperf", "warning"),
        ("3.22/sigstream/client", "iperf", "warning"),
        ("3.12/server_bitrate_limit/server", "bad-value", "error"),
        ("3.12/rcv_timeout/server", "iperf", "error"),
    ],
)
def test_failures_in_iperf3s_own_words(name: str, kind: str, level: str) -> None:
    """What went wrong has a kind; an end that somebody wanted is no error."""
    notices = [n for n in of(Notice, read(name)) if n.level != "info"]
    assert (kind, level) == (notices[0].kind, notices[0].level)
    errors = {n.kind for n in notices if n.level == "error"}
    assert ({kind} if level == "error" else set()) == errors
