"""Errors and warnings are told by their wording; banners say nothing."""

from __future__ import annotations

from collections import Counter

import pytest

from pyperf2.core.parsers import Iperf2Text
from pyperf2.core.records import NO_INSTANT, Listening, Notice
from tests.parsers.corpus import outputs, read, read_text

CASES = [
    ("connect failed: Connection refused", "refused", "error"),
    ("tcp connect failed: Connection refused", "refused", "error"),
    (
        (
            "[  1] tcp connect to 10.77.0.1 port 22236 failed (Connection refused) on"
            " 2026-11-20 09:18:41.300 (UTC)"
        ),
        "refused",
        "error",
    ),
    ("read failed: Connection refused", "refused", "error"),
    ("[  1] Read UDP fin failed: Connection refused", "refused", "error"),
    ("connect failed: Network is unreachable", "unreachable", "error"),
    ("error: Temporary failure in name resolution", "bad-host", "error"),
    ("no-such-host.invalid: Host name lookup failure", "bad-host", "error"),
    ("ERROR: failed to find an ipv6 address for host '10.77.0.1'", "bad-host", "error"),
    ("bind failed: Address already in use", "bind-failed", "error"),
    ("listener bind failed: Permission denied", "bind-failed", "error"),
    ("iperf: unrecognized option `--bogus'", "bad-option", "error"),
    ("iperf-2.0.5: invalid option -- Q", "bad-option", "error"),
    ("iperf: ignoring extra argument -- 60:5m,0", "bad-option", "error"),
    ("iperf: option requires an argument -- p", "bad-option", "error"),
    ("The --reverse option is currently not supported", "bad-option", "error"),
    ("Invalid value of 'abc' for -i interval", "bad-value", "error"),
    ("write failed: Connection reset by peer", "reset", "error"),
    ("[  1] tcp recv failed: Connection reset by peer", "reset", "error"),
    ("[  1] tcp write failed", "write-failed", "error"),
    ("write failed: Operation not permitted", "write-failed", "error"),
    ("double free or corruption (fasttop)", "crashed", "error"),
    ("malloc(): invalid size (unsorted)", "crashed", "error"),
    ("free(): invalid pointer", "crashed", "error"),
    (
        "[  3] WARNING: did not receive ack of last datagram after 10 tries.",
        "no-ack",
        "warning",
    ),
    ("[  3] WARNING: ack of last datagram failed.", "no-ack", "warning"),
    ("WARNING: interval too small, increasing to 0.005 milliseconds.", "warning", "warning"),
    ("WARN: this test may have been CPU bound (1)", "warning", "warning"),
    ("Program error: invalid client packet->err_readwrite 9", "iperf", "error"),
    ("some new call failed: Bad file descriptor", "iperf", "error"),
    (
        "Waiting for server threads to complete. Interrupt again to force quit.",
        "iperf",
        "info",
    ),
    ("hello", "unknown-line", "info"),
]


@pytest.mark.parametrize(("line", "kind", "level"), CASES, ids=[c[0][:40] for c in CASES])
def test_wordings(line: str, kind: str, level: str) -> None:
    """Kind and level of what iperf says, kept in its own words."""
    (notice,) = Iperf2Text(role="client", protocol="udp").parse(line.encode(), NO_INSTANT, "stderr")
    assert isinstance(notice, Notice)
    assert (line, kind, level, "stderr") == (
        notice.text,
        notice.kind,
        notice.level,
        notice.source,
    )


@pytest.mark.parametrize(
    ("version", "stream"), [((2, 0, 13), "3"), ((2, 1, 8), None), (None, None)]
)
def test_a_warning_names_the_socket_from_2_1_on(
    version: tuple[int, ...] | None, stream: str | None
) -> None:
    """``[  3] WARNING`` belongs to stream 1 there: no stream is better than a wrong one."""
    line = b"[  3] WARNING: did not receive ack of last datagram after 10 tries."
    (notice,) = Iperf2Text(role="client", protocol="udp", version=version).parse(line, NO_INSTANT)
    assert isinstance(notice, Notice)
    assert stream == notice.stream_id


def test_an_error_of_a_stream_names_it() -> None:
    """2.2.1 ``[  1] tcp write failed``."""
    (notice,) = read_text("[  1] tcp write failed")
    assert isinstance(notice, Notice)
    assert "1" == notice.stream_id


@pytest.mark.parametrize(
    "line",
    [
        "------------------------------------------------------------",
        "Client connecting to 10.77.0.1, UDP port 5001",
        "Client connecting to (**hidden**), UDP port 22019",
        "TCP window size: -1.00 Byte (default)",
        "Sending 1470 byte datagrams, IPG target: 1000.00 us (kalman adjust)",
        "[ ID] Interval       Transfer     Bandwidth        Jitter   Lost/Total Datagrams",
        "[SUM-cnt] Interval            Transfer    Bandwidth       Write/Err  Rtry",
        "",
    ],
)
def test_banners_say_nothing(line: str) -> None:
    """Recognised, and no record."""
    assert [] == read_text(line)


@pytest.mark.parametrize(
    ("line", "listening"),
    [
        ("Server listening on UDP port 22116", Listening(protocol="udp", port=22116)),
        ("Server listening on TCP port 5001 with pid 1398", Listening(protocol="tcp", port=5001)),
        (
            "Server listening on UDP (v6) port 22145 with pid 1",
            Listening(protocol="udp", port=22145),
        ),
    ],
)
def test_listening(line: str, listening: Listening) -> None:
    """The server's banner in its three forms."""
    assert [listening] == read_text(line)


def test_errors_are_found_where_runs_failed_and_nowhere_else() -> None:
    """Of the recorded UDP and TCP runs between two live sides none has an error notice."""
    sound = {"udp", "udp_e", "udp_P3", "tcp", "tcp_e", "tcp_P3", "udp6", "tcp6", "udp_loss10"}
    errors = Counter(
        source.scenario
        for source in outputs()
        for record in read(source)
        if isinstance(record, Notice) and record.level == "error"
    )
    assert set() == sound & errors.keys()
    assert {"err_refused_tcp", "err_badhost_udp", "err_bind_addr", "err_opt_long"} <= errors.keys()
