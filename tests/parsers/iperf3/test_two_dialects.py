"""Text and JSON of the same test give the same records, up to the digits that text has.

No iperf3 prints both. So there are three proofs: recorded JSON, written out as text with iperf3's
own formats (``iperf_locale.c``); the two sides of one test in two dialects, of which one tells
what the other counted; and the same with the iperf3 under test.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2.core.records import Interval, Sent, ServerReport, Summary
from tests.parsers.iperf3.recorded import of, output, read, read_text

if TYPE_CHECKING:
    from pathlib import Path

    from pyperf2.core.records import Report
    from tests.parsers.iperf3.recorded import Side

COUNTS = ("lost_packets", "packets", "writes", "retransmits")
TRANSPORTS = ("protocol", "direction", "omitted", "stream_id", "run_number")


def in_units(value: float, *, bits: bool) -> str:
    """Write a figure as iperf3's ``unit_snprintf`` does: three digits, a prefix."""
    step = 1000 if bits else 1024
    prefixes = ["", "K", "M", "G", "T"]
    while value >= step and len(prefixes) > 1:
        value /= step
        prefixes.pop(0)
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:4.{digits}f} {prefixes[0]}{'bits' if bits else 'Bytes'}"


def as_text(figures: dict[str, Any], label: str, role: str, tag: str) -> str:
    """Write the JSON of a report as iperf3 writes its line."""
    line = f"[{label:>3}]{role} {figures['start']:6.2f}-{figures['end']:<6.2f} sec  "
    line += f"{in_units(figures['bytes'], bits=False)}  "
    line += f"{in_units(figures['bits_per_second'], bits=True)}/sec"
    tag = "(omitted)" if figures.get("omitted") else tag
    if "retransmits" in figures:
        line += f"  {figures['retransmits']:3d}"
        if "snd_cwnd" in figures:
            return f"{line}   {in_units(figures['snd_cwnd'], bits=False)}       {tag}"
        return f"{line}            {tag}"
    if figures.get("sender") and "packets" in figures and not tag.endswith("er"):
        return f"{line}            {figures['packets']}  {tag}"
    if "packets" in figures:
        percent = 100 * figures["lost_packets"] / max(figures["packets"], 1)
        lost = f"{figures['lost_packets']}/{figures['packets']} ({percent:.2g}%)"
        return f"{line}  {figures['jitter_ms']:5.3f} ms  {lost}  {tag}"
    return f"{line}                  {tag}"


def rendered(name: str) -> str:
    """Write the whole output of a recorded ``--json-stream`` as text."""
    lines: list[str] = []
    letter = "C" if output(name).side == "client" else "S"
    for text in [text for _, _, text in output(name).lines if text.startswith("{")]:
        event = json.loads(text)
        data = event["data"]
        if event["event"] == "start":
            test = data["test_start"]
            udp, bidir = test["protocol"] == "UDP", bool(test["bidir"])
            if letter == "C":
                target = data["connecting_to"]
                lines.append(f"Connecting to host {target['host']}, port {target['port']}")
                if test["reverse"]:
                    lines.append(f"Reverse mode, remote host {target['host']} is sending")
            else:
                source = data["accepted_connection"]
                lines.append(f"Accepted connection from {source['host']}, port {source['port']}")
            lines += [
                f"[{one['socket']:3d}] local {one['local_host']} port {one['local_port']} "
                f"connected to {one['remote_host']} port {one['remote_port']}"
                for one in data["connected"]
            ]
            sends = bool(test["reverse"]) == (letter == "S")
            columns = (
                ("Total Datagrams" if sends and not bidir else "Jitter    Lost/Total Datagrams")
                if udp
                else "Retr  Cwnd"
                if sends or bidir
                else ""
            )
            role = "[Role]" if bidir else ""
            lines.append(f"[ ID]{role} Interval           Transfer     Bitrate         {columns}")
        elif event["event"] == "interval":
            several = len(data["streams"]) > (2 if "sum_bidir_reverse" in data else 1)
            reports = [(str(one["socket"]), one) for one in data["streams"]]
            sums = [data[key] for key in ("sum", "sum_bidir_reverse") if key in data]
            reports += [("SUM", one) for one in sums if several]
            bidir = "sum_bidir_reverse" in data
            lines += [
                as_text(one, label, f"[{'TX' if one['sender'] else 'RX'}-{letter}]" * bidir, "")
                for label, one in reports
            ]
        elif event["event"] == "end" and len(data.get("streams", [])) == 1:
            sent, received = data["sum_sent"], data["sum_received"]
            label = str(next(iter(data["streams"][0].values()))["socket"])
            if letter == "C" or sent["bytes"]:
                lines.append(as_text(sent, label, "", "sender"))
            if letter == "C" or received["bytes"]:
                lines.append(as_text(received, label, "", "receiver"))
        if event["event"] == "end" and letter == "C":
            lines.append("iperf Done.")
    return "\n".join(lines)


def assert_same(text: Report, exact: Report) -> None:
    """Compare two reports up to what text prints: 10 ms, three digits, whole counts."""
    assert type(exact) is type(text)
    for name in TRANSPORTS:
        assert getattr(exact, name) == getattr(text, name), name
    assert pytest.approx(exact.start, abs=0.00501) == text.start
    assert pytest.approx(exact.end, abs=0.00501) == text.end
    for name in COUNTS:
        assert getattr(exact, name) == getattr(text, name), name
    for name in ("bytes", "bits_per_second", "snd_cwnd_bytes"):
        if getattr(exact, name) is not None:
            assert pytest.approx(getattr(exact, name), rel=0.0051) == getattr(text, name), name
    if exact.jitter_ms is not None:
        assert pytest.approx(exact.jitter_ms, abs=0.00051) == text.jitter_ms


@pytest.mark.parametrize(
    "name",
    [
        f"{scenario}/{side}"
        for side in ("client", "server")
        for scenario in (
            "3.18/tcp_json_stream",
            "3.18/udp_json_stream",
            "3.18/udp_json_stream_ff",
            "3.18/udp_json_stream_outage",
            "3.22/tailstream",
            "3.22/stream_P2_bidir",
            "3.22/stream_tcp_bidir",
            "3.22/stream_R",
            "3.22/omit",
        )
    ],
)
def test_recorded_json_written_out_as_text(name: str) -> None:
    """Every interval, and with one stream every final line, is the same record."""
    side: Side = "client" if name.endswith("client") else "server"
    text, exact = read_text(rendered(name), role=side), read(name)
    kinds: tuple[type[Report], ...] = (Interval,)
    if "bidir" not in name:
        kinds = (Interval, Summary, ServerReport)
        sent = [(s.stream_id, s.datagrams) for s in of(Sent, exact)]
        assert sent == [(s.stream_id, s.datagrams) for s in of(Sent, text)]
    for kind in kinds:
        assert of(kind, exact) or kind is ServerReport
        for one, other in zip(of(kind, text), of(kind, exact), strict=True):
            assert_same(one, other)


def test_two_sides_in_two_dialects() -> None:
    """3.22: what the client's text tells of the server is what the server's JSON says itself."""
    (told,) = of(ServerReport, read("3.22/cross/client"))
    (itself,) = of(Summary, read("3.22/cross/server"))
    assert (itself.lost_packets, itself.packets) == (told.lost_packets, told.packets)
    assert pytest.approx(itself.jitter_ms, abs=0.00051) == told.jitter_ms
    assert pytest.approx(itself.bytes, rel=0.0051) == told.bytes
    assert pytest.approx(itself.end, abs=0.00501) == told.end


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["-u", "-b", "2M", "-l", "1000"], ["-R"], ["-P", "3"]])
def test_two_sides_of_the_iperf3_under_test(iperf3: Path, options: list[str]) -> None:
    """A server's text and its client's JSON: each tells of the other what the other says."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    common = ["-p", port, "--forceflush"]
    server = subprocess.Popen(
        [iperf3, "-s", "-1", *common], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert server.stdout is not None
        banner = [server.stdout.readline() for _ in range(3)]  # printed once it listens
        client = run_client([str(iperf3), "-c", "127.0.0.1", "-t", "1", *common, *options, "-J"])
        rest, _ = server.communicate(timeout=20)
    finally:
        server.kill()
        server.wait()
    text = read_text("".join(banner) + rest, role="server")
    exact = read_text(client, role="client", json=True)
    itself = {s.stream_id for s in of(Summary, text)}
    others = [r for r in of(ServerReport, exact) if r.stream_id == "SUM" or "-P" not in options]
    ours = [s for s in of(Summary, text) if s.stream_id == "SUM" or "-P" not in options]
    assert (4 if "-P" in options else 1) == len(itself)
    for told, own in zip(others, ours, strict=True):
        assert told.direction == own.direction == ("sent" if "-R" in options else "received")
        assert (told.lost_packets, told.retransmits) == (own.lost_packets, own.retransmits)
        assert pytest.approx(told.end, abs=0.00501) == own.end
        if told.bytes is None:  # 3.9 tells nothing but loss and jitter of the UDP receiver
            assert '"version":\t"iperf 3.9"' in client
            continue
        assert told.packets == own.packets
        assert pytest.approx(told.bytes, rel=0.0051) == own.bytes


def run_client(argv: list[str]) -> str:
    """Run a client until its server listens, and return what it printed."""
    deadline = time.monotonic() + 10
    while True:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
        if "refused" not in done.stdout + done.stderr or time.monotonic() > deadline:
            return done.stdout
