"""Text and JSON of one test, one on each side: the same records, up to the digits of the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import UnsupportedOption
from pyperf2.core.options import OPTIONS
from tests.iperf3.pairs import pair

if TYPE_CHECKING:
    from pathlib import Path

    from pyperf2 import Result, StreamResult
    from pyperf2.core.binary import Build

STREAMS = 2


def ends(result: Result) -> dict[int, StreamResult]:
    """Return the streams without sums, by the client's port."""
    return {
        stream.info.local_port if result.role == "client" else stream.info.remote_port: stream
        for stream in result.streams.values()
        if stream.info is not None
    }


@pytest.mark.slow
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("json_at", ["server", "client"])
def test_two_sides_in_two_dialects(
    iperf3: Path, build: Build, json_at: str, protocol: str, *, has_json: bool, reverse: bool
) -> None:
    """What was sent in an interval is what came in it, and the final figures are the same."""
    server, client = pair(
        iperf3, protocol=protocol, reverse=reverse, parallel=STREAMS, test_duration=1,
        bandwidth="2M", report_interval=0.5,
    )  # fmt: skip
    server.report_interval = 0.5
    server.json_stream, client.json_stream = json_at == "server", json_at == "client"
    if not has_json:
        asked = server if json_at == "server" else client
        with pytest.raises(UnsupportedOption, match=rf"json_stream .* {build} .* iperf3 >= 3\.17"):
            asked.start()
        return
    server.pair(client)
    with server, client:
        assert client.wait(timeout=10)
        next(server.runs())
    here, there = ends(client.result()), ends(server.result())
    assert STREAMS == len(here)
    assert here.keys() == there.keys()
    for port, one in here.items():
        other = there[port]
        assert one.summary is not None
        assert other.summary is not None
        assert {"sent", "received"} == {one.summary.direction, other.summary.direction}
        assert pytest.approx(one.summary.end, abs=0.06) == other.summary.end
        known = [n for n in (one.summary.bytes, other.summary.bytes) if n is not None]
        # Three digits; and in reverse the server's last datagrams may be on their way at the end.
        assert pytest.approx(max(known), rel=0.0051, abs=3_000) == min(known)
        if protocol == "udp":
            sent, received = (other, one) if reverse else (one, other)
            assert sent.packets_sent == received.packets_sent
            assert 0 == received.packets_lost or reverse  # some may be on their way at the end
            assert received.summary is not None
            assert None not in (received.summary.jitter_ms, received.summary.lost_packets)
            # JSON tells a client no total of one stream among several.
            assert received.summary.packets is not None or (reverse and json_at == "client")
        for mine, theirs in zip(one.intervals, other.intervals, strict=False):
            assert pytest.approx(mine.end, abs=0.06) == theirs.end
            figures: list[Any] = [mine.protocol, mine.omitted, mine.run_number]
            assert [theirs.protocol, theirs.omitted, theirs.run_number] == figures


def test_every_flag_is_in_the_help(iperf3: Path, build: Build) -> None:
    """The table of options says of no build that it has what its own help does not know."""
    import re
    import subprocess

    done = subprocess.run([iperf3, "--help"], capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    flags = set(re.findall(r"--[a-z0-9][a-z0-9-]*", told))
    flags |= set(re.findall(r"^\s+(-\w),", told, re.MULTILINE))
    for option in OPTIONS.values():
        for spelling in option.spellings("iperf3"):
            assert (spelling.flag in flags) is option.fits(build), option.name
