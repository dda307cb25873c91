"""Output that is cut, doubled or says ``error``: never silence, and the data so far is kept."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import BadHost, ConnectionFailed, IPerfError, replay
from tests.iperf3.pairs import client_of, only_stream, own_port, server_of
from tests.live.support import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from pyperf2 import Result

CLIENT: dict[str, Any] = {"tool": "iperf3", "role": "client", "protocol": "udp"}


def stream_lines() -> list[bytes]:
    """Return an event stream as 3.18 prints it: a start, three intervals, an end."""
    figures = {"socket": 5, "bytes": 147_000, "bits_per_second": 1_176_000.0, "packets": 100}
    connected = {"socket": 5, "local_host": "192.0.2.1", "local_port": 40_000,
                 "remote_host": "192.0.2.2", "remote_port": 5201}  # fmt: skip
    test = {"protocol": "UDP", "num_streams": 1, "reverse": 0}
    intervals = [
        {**figures, "start": float(n), "end": n + 1.0, "seconds": 1.0, "omitted": False,
         "sender": True}
        for n in range(3)
    ]  # fmt: skip
    whole = {**intervals[0], "end": 3.0, "seconds": 3.0, "bytes": 441_000, "packets": 300,
             "jitter_ms": 0.01, "lost_packets": 2}  # fmt: skip
    events = [
        {"event": "start", "data": {"connected": [connected], "cookie": "c", "test_start": test}},
        *({"event": "interval", "data": {"streams": [one], "sum": one}} for one in intervals),
        {"event": "end", "data": {"streams": [{"udp": whole}], "sum": whole}},
    ]
    return [json.dumps(event).encode() + b"\n" for event in events]


def test_the_whole_stream() -> None:
    """What the broken ones below are cut from is sound."""
    result = replay(b"".join(stream_lines()), **CLIENT)
    assert result.error is None
    stream = only_stream(result)
    assert [1.0, 2.0, 3.0] == [one.end for one in stream.intervals]
    assert stream.summary is not None
    assert 300 == stream.packets_sent


@pytest.mark.parametrize("cut", [20, 60, -1])
def test_a_stream_cut_in_the_middle_of_a_line(cut: int) -> None:
    """The intervals before it are kept; the torn line is an error that shows it."""
    lines = stream_lines()
    result = replay(b"".join(lines[:3]) + lines[3][:-1][:cut], **CLIENT)
    assert isinstance(result.error, IPerfError)
    assert "no JSON" in str(result.error)
    assert [1.0, 2.0] == [one.end for one in only_stream(result).intervals]


def test_a_line_with_a_duplicate_key() -> None:
    """Which of two figures is meant nobody knows: it is told."""
    lines = stream_lines()
    lines[2] = lines[2].replace(b'"bytes": 147000', b'"bytes": 147000, "bytes": 1', 1)
    result = replay(b"".join(lines), **CLIENT)
    assert isinstance(result.error, IPerfError)
    assert "bytes" in str(result.error)
    assert 3 == len(only_stream(result).intervals)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("error - the server is busy running a test. try again later", ConnectionFailed),
        ("error - unable to connect to server: Connection refused", ConnectionFailed),
        ("unable to connect to server - firewall issue, etc.: Connection refused",
         ConnectionFailed),
        ("unable to send control message: Bad file descriptor", ConnectionFailed),
        ("unable to connect to server: Temporary failure in name resolution", BadHost),
        ("received an unknown control message (ensure other side is iperf3 and not iperf)",
         IPerfError),
        ("something that no iperf3 has said so far", IPerfError),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["document", "event"])
def test_an_error_inside_is_an_error(words: str, kind: type[IPerfError], form: str) -> None:
    """3.12 ``--json`` exits with 0 all the same; a replay has no exit status at all."""
    document = {"start": {"connected": []}, "intervals": [], "end": {}, "error": words}
    event = {"event": "error", "data": words}
    end: dict[str, Any] = {"event": "end", "data": {}}
    text = {
        "document": json.dumps(document, indent=1),
        "event": f"{json.dumps(event)}\n{json.dumps(end)}\n",
    }[form]
    result = replay(text.encode(), **CLIENT)
    assert kind is type(result.error)
    assert words in str(result.error)


def broken_document(iperf3: Path) -> Result:
    """Return what a real ``--json`` says of a server that is not there."""
    argv = [str(iperf3), "-c", LOOPBACK, "-p", str(own_port()), "-t", "1", "-J"]
    done = subprocess.run(argv, capture_output=True, timeout=10, check=False)
    return replay(done.stdout + done.stderr, **CLIENT)


def test_the_document_of_a_real_failure(iperf3: Path) -> None:
    """Whatever its exit status: with iperf3's words, it is an error."""
    result = broken_document(iperf3)
    assert isinstance(result.error, ConnectionFailed)


def test_a_raw_log_replays_to_the_same(iperf3: Path, tmp_path: Path) -> None:
    """What was recorded of both sides is read again, figure by figure."""
    server = server_of(iperf3, protocol="udp")
    client = client_of(server, protocol="udp", num="64K", bandwidth="10M")
    for one in (server, client):
        one.set_raw_log_path(str(tmp_path))
    with server, client:
        assert client.wait(timeout=10)
        next(server.runs())
    for one in (server, client):
        assert one.raw_log_path is not None
        again = replay(
            one.raw_log_path, tool="iperf3", role=one.type, protocol="udp", version=one.version
        )
        live, read = only_stream(one.result()), only_stream(again)
        assert live.summary is not None
        assert read.summary is not None
        assert (live.bytes, live.packets_sent, live.packets_lost) == (
            read.bytes, read.packets_sent, read.packets_lost,
        )  # fmt: skip
        assert [i.end for i in live.intervals] == [i.end for i in read.intervals]
        assert again.error is None


def test_without_its_version_it_still_counts_as_iperf3_does() -> None:
    """iperf2 sends a FIN that is no data, iperf3 none: 300 are 300."""
    recorded = b"".join(stream_lines())
    results = [replay(recorded, version=version, **CLIENT) for version in (None, "3.9", "3.22")]
    assert [300] * 3 == [only_stream(result).packets_sent for result in results]


def test_title_and_extra_data_stand_among_the_details(iperf3: Path) -> None:
    """They are in documents only; an event stream leaves them out."""
    server = server_of(iperf3)
    argv = [str(iperf3), "-c", LOOPBACK, "-p", str(server.port), "-n", "64K", "-J",
            "-T", "a title", "--extra-data", "and data"]  # fmt: skip
    with server:
        done = subprocess.run(argv, capture_output=True, timeout=10, check=True)
    result = replay(done.stdout, tool="iperf3", role="client", protocol="tcp")
    assert ("a title", "and data") == (result.details["title"], result.details["extra_data"])
    assert result.error is None
    assert only_stream(result).bytes
