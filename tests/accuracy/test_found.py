"""What live runs against the kernel's counters have brought to light, as recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import replay

if TYPE_CHECKING:
    from pyperf2 import Result

FOUND = Path(__file__).parents[1] / "recordings" / "accuracy"


def found(name: str, version: str, **options: Any) -> Result:
    """Replay a server's recording, with its client's if there is one."""
    client = FOUND / f"{name}-{version}.client.txt"
    return replay(
        FOUND / f"{name}-{version}.server.txt",
        peer=client if client.exists() else None,
        version=version,
        **options,
    )


def test_a_fin_that_closes_the_last_interval_is_no_datagram() -> None:
    """60 % lost at random, 592 by nft's counter; the FIN came in the last interval, and counts."""
    (stream,) = found("fin-in-last-interval", "2.1.8").streams.values()
    assert (1002, 410, 592) == (stream.packets_sent, stream.packets_received, stream.packets_lost)
    assert 0 == stream.packets_lost_error


@pytest.mark.parametrize(
    ("name", "rate", "begin_s", "lost"),
    [("slower-than-announced", 900, 1.2362, 446), ("faster-than-announced", 1100, 1.2422, 676)],
)
def test_a_rate_that_was_announced_is_not_believed_for_ever(
    name: str, rate: int, begin_s: float, lost: int
) -> None:
    """1000 a second announced, 900 or 1100 sent: the outage is where it was, and as long."""
    (stream,) = found(name, "2.1.8", bandwidth="1000pps").streams.values()
    (outage,) = stream.outages
    assert ("located", lost, lost) == (outage.method, outage.packets_lost, stream.packets_lost)
    assert outage.begin_s == pytest.approx(begin_s, abs=1 / rate)
    assert outage.duration_s == pytest.approx(lost / rate, abs=1 / rate)
    assert 0 == stream.packets_lost_error
    assert () == stream.stalls


def test_a_sender_that_starts_with_a_bunch_has_lost_nothing_before() -> None:
    """100 ms dark in a run of one interval: 106 lost in it, none before the first datagram."""
    (stream,) = found("one-interval", "2.1.8", bandwidth="1000pps").streams.values()
    (outage,) = stream.outages
    assert (106, 106) == (outage.packets_lost, stream.packets_lost)
    assert 0 == stream.packets_lost_leading
    assert "contained" == outage.method


def test_a_server_of_several_streams_is_not_exact_and_says_so() -> None:
    """Four streams into one server, 0.69 s dark: it took one datagram for another stream's."""
    result = found("four-in-one", "2.1.8")
    told = [stream for key, stream in result.streams.items() if key != "SUM"]
    assert [690, 172, 346, 1380] == [stream.packets_lost for stream in told]  # 345 are true
    assert all((stream.packets_lost_error or 0) >= 1 for stream in told)
    assert ["shared-server"] == [one.kind for one in result.notices if one.source == "pyperf2"]


def test_late_datagrams_of_a_build_that_does_not_tell_their_delay() -> None:
    """79 came 0.1 to 0.18 s late, all at once: nothing is lost, and no outage was."""
    (stream,) = found("late", "2.2.1", bandwidth="1000pps").streams.values()
    assert (0, 79, 0) == (
        stream.packets_lost,
        stream.packets_out_of_order,
        stream.packets_duplicate,
    )
    assert 79 == stream.packets_lost_error  # they may as well have been duplicates
    assert () == stream.outages


def test_an_outage_somewhere_in_a_stall_is_within_its_bars() -> None:
    """Dark from 1.622 s on; the sender stopped 17 datagrams later, for 0.3 s."""
    (stream,) = found("paused", "2.1.8", bandwidth="1000pps").streams.values()
    (outage,) = stream.outages
    assert 17 == outage.packets_lost == stream.packets_lost
    assert outage.suspect
    assert outage.begin_s - outage.begin_error_s <= 1.6235
    assert outage.end_s + outage.end_error_s >= 1.94


def test_a_sender_s_stall_at_a_border_is_no_outage_that_begins_there() -> None:
    """3 of 100 were not sent by 14.6 s, 26 lost from 14.656 s on: that began at no 14.595 s.

    The sender was stopped for 3 to 5 ms now and then; iperf's zero is 2.5 ms behind the capture's.
    """
    (stream,) = found("stalled", "2.1.8", bandwidth="1000pps").streams.values()
    (outage,) = (one for one in stream.outages if 14.4 < one.begin_s < 15.0)
    assert ("contained", 26) == (outage.method, outage.packets_lost)
    assert outage.begin_s - outage.begin_error_s <= 14.6536 <= outage.begin_s + outage.begin_error_s


SLIPPED = """\
[  1] local 192.0.2.10 port 6010 connected with 192.0.2.1 port 41957 (peer 2.2.1)
[  1] 0.0000-1.0000 sec  1.37 MBytes  11.5 Mbits/sec  0.001 ms 0/978 (0%) \
0.008/0.006/0.015/0.002 ms 978 pps 978/0/0 192494
[  1] 1.0000-2.0000 sec   719 KBytes  5.89 Mbits/sec  0.001 ms 499/1000 (50%) \
0.008/0.006/0.015/0.002 ms 501 pps 501/0/0 192494
[  1] 2.0000-3.0000 sec  1.40 MBytes  11.8 Mbits/sec  0.001 ms 0/1000 (0%) \
0.008/0.006/0.015/0.002 ms 1000 pps 1000/0/0 192494
[  1] 3.0000-4.0000 sec  1.40 MBytes  11.8 Mbits/sec  0.001 ms 0/1000 (0%) \
0.008/0.006/0.015/0.002 ms 1000 pps 1000/0/0 192494
"""


def test_an_outage_behind_a_late_start_is_not_taken_to_begin_with_it() -> None:
    """The sender began 22 ms late; dark from 1.25 s to 1.75 s, and 22 short before and after."""
    (stream,) = replay(SLIPPED.encode(), version="2.2.1", bandwidth="1000pps").streams.values()
    (outage,) = stream.outages
    assert ("contained", 499) == (outage.method, outage.packets_lost)
    assert outage.begin_s - outage.begin_error_s <= 1.25
    assert outage.end_s + outage.end_error_s >= 1.75
