"""Oddities of single builds that live runs brought to light; no process is started."""

from __future__ import annotations

import pytest

from pyperf2 import UnsupportedOption, replay
from pyperf2.core.argv import compose
from pyperf2.core.binary import Build, Version
from pyperf2.core.optionset import OptionSet
from pyperf2.core.plan import Plan
from pyperf2.core.records import NO_INSTANT, Instant
from pyperf2.core.session import Session
from pyperf2.errors import BindFailed, IPerfError, RunawayOutput

# 2.0.14a -c … -i 0.1 -e -b 4M: nothing was written from 0.1 to 0.3
EMPTY_INTERVALS = """\
[  3] local 127.0.0.1%lo port 41824 connected with 127.0.0.1 port 7400 (MSS=32741) (ct=0.08 ms)
[ ID] Interval            Transfer    Bandwidth       Write/Err  Rtry     Cwnd/RTT        NetPwr
[  3] 0.0000-0.1000 sec   128 KBytes  10.5 Mbits/sec  2/0          0     1151K/67 us  19571.94
[  0] 0.1000-0.2000 sec  0.000 Bytes  0.000 bits/sec  0/0          0       NA/0 us  0.00
[  0] 0.2000-0.3000 sec  0.000 Bytes  0.000 bits/sec  0/0          0       NA/0 us  0.00
[  3] 0.3000-0.4000 sec   128 KBytes  10.5 Mbits/sec  1/0          0     1151K/66 us  19859.39
[  3] 0.0000-0.4003 sec   256 KBytes  6.29 Mbits/sec  0/0          0       NA/0 us  0.00
"""
# 2.1.8 -c … --tcp-write-times --histograms -b 10M
EMPTY_HISTOGRAM = (
    "[  1] 0.0000-1.0000 sec W8-PDF: bin(w=100us):cnt(0) "
    "(5.00/95.00/99.7%=0/10000/10000,Outliers=0,obl/obu=0/0)\n"
)
# 2.1.8 -c … -d -L 37387 -p 40831
TWO_PORTS = """\
Server listening on TCP ports 37387-40831 with pid 3280
[  1] local 127.0.0.1 port 41000 connected with 127.0.0.1 port 40831
[  2] local 127.0.0.1 port 37387 connected with 127.0.0.1 port 42000
[ ID] Interval       Transfer     Bandwidth
[  1] 0.0000-1.0000 sec  1.25 MBytes  10.5 Mbits/sec
[  2] 0.0000-1.0000 sec  1.25 MBytes  10.5 Mbits/sec
"""
# 2.1.8 -c … -R -i 1 -e: only the connection itself has a "connected with"
WAY_BACK = """\
[  1] local 127.0.0.1%lo port 40716 connected with 127.0.0.1 port 6133 (reverse) (sock=3)
[ ID] Interval            Transfer    Bandwidth       Reads=Dist
[ *1] 0.0000-1.0000 sec  1.25 MBytes  10.5 Mbits/sec  14=3:1:0:0:0:1:0:9
[ *1] 0.0000-1.0999 sec  1.38 MBytes  10.5 Mbits/sec  15=3:1:0:0:0:1:0:10
"""


def command(version: str, **options: object) -> tuple[str, ...]:
    """Return the client's command line for a build."""
    values = OptionSet()
    values.set_all({"server_ip": "192.0.2.1", **options})
    build = Build(tool="iperf2", version=Version.parse(version), banner="")
    return compose(values, "client", build, "iperf").argv


@pytest.mark.parametrize("way", ["reverse", "full_duplex"])
def test_2_0_14a_asks_its_server_in_bits(way: str) -> None:
    """A rate in pps is not told to its server, which then sends one datagram and hangs."""
    old = command("2.0.14a", protocol="udp", bandwidth="1000pps", **{way: True})
    assert "11760000" == old[old.index("-b") + 1]
    new = command("2.1.8", protocol="udp", bandwidth="1000pps", **{way: True})
    assert "1000pps" == new[new.index("-b") + 1]
    there = command("2.0.14a", protocol="udp", bandwidth="1000pps")
    assert "1000pps" == there[there.index("-b") + 1]


@pytest.mark.parametrize(("way", "flag"), [("dualtest", "-d"), ("tradeoff", "-r")])
def test_2_0_14a_never_gets_an_answer_on_a_second_connection(way: str, flag: str) -> None:
    """Its client takes -d and -r, and never tells the server: refused, with what would work."""
    with pytest.raises(UnsupportedOption, match=r"2\.0\.14a .*>= 2\.1\.0"):
        command("2.0.14a", **{way: True})
    for version in ("2.0.5", "2.0.13a", "2.1.8", "2.2.n"):
        assert flag in command(version, **{way: True})


def test_an_interval_without_writes_belongs_to_the_stream_that_is_there() -> None:
    """2.0.14a prints it as ``[  0]``."""
    result = replay(
        EMPTY_INTERVALS.encode(), role="client", protocol="tcp", version="2.0.14a",
        report_interval=0.1,
    )  # fmt: skip
    assert ["3"] == list(result.streams)
    told = [(one.start, one.bytes) for one in result.streams["3"].intervals]
    assert [(0.0, 131072), (0.1, 0), (0.2, 0), (0.3, 131072)] == told
    assert result.streams["3"].summary is not None


def test_an_empty_histogram_is_one() -> None:
    """2.1.8 leaves out the bins when there are none."""
    start = WAY_BACK.splitlines(keepends=True)
    text = "".join([start[0], EMPTY_HISTOGRAM, *start[1:]])
    result = replay(text.encode(), role="client", protocol="tcp", version="2.1.8")
    assert () == result.notices


def test_a_client_that_listens_on_another_port_says_two() -> None:
    """``ports 37387-40831``: what comes in on the first one is received."""
    result = replay(
        TWO_PORTS.encode(), role="client", protocol="tcp", version="2.1.8", report_interval=1
    )
    assert () == result.notices
    ways = {key: stream.intervals[0].direction for key, stream in result.streams.items()}
    assert {"1": "sent", "2": "received"} == ways


def test_the_way_back_has_the_addresses_of_its_connection() -> None:
    """``*1`` has no line of its own that says them."""
    result = replay(WAY_BACK.encode(), role="client", protocol="tcp", version="2.1.8")
    there, back = result.streams["1"].info, result.streams["*1"].info
    assert there is not None
    assert back is not None
    assert ("*1", 40716, 6133) == (back.stream_id, back.local_port, back.remote_port)


def test_a_flood_behind_another_error_still_ends_the_run() -> None:
    """Whatever came first, a runaway build is fatal, and is what the error is about."""
    session = Session(Plan(role="client", protocol="udp"))
    session.receive(b"recvmsg failed: Bad file descriptor\n", NO_INSTANT, "stderr")
    while session.next_event() is not None:
        pass
    before = session.fatal, type(session.error)
    flood = b"recvmsg failed: Bad file descriptor\n" * 60_000
    session.receive(flood, Instant(1, 1), "stderr")
    while session.next_event() is not None:
        pass
    assert (False, IPerfError) == before
    assert (True, RunawayOutput) == (session.fatal, type(session.error))


def test_the_cause_is_among_the_evidence_however_much_follows() -> None:
    """A client that cannot bind goes on, and complains of something else a hundred times."""
    session = Session(Plan(role="client", protocol="udp"))
    words = [
        "bind failed: Cannot assign requested address",
        *["read failed: Connection refused"] * 300,
    ]
    session.receive("".join(f"{line}\n" for line in words).encode(), NO_INSTANT, "stderr")
    while session.next_event() is not None:
        pass
    assert isinstance(session.error, BindFailed)
    assert (words[0], words[1]) == session.error.output
