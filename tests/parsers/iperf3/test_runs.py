"""What lines mean together: runs, protocols, late datagrams, an end in the middle of a line."""

from __future__ import annotations

from pyperf2.core.records import (
    Connected,
    Interval,
    Listening,
    Notice,
    OutOfOrder,
    RunEnded,
    RunStarted,
    Summary,
)
from tests.parsers.iperf3.recorded import of, read_text

TCP_TX = "[ ID] Interval           Transfer     Bitrate         Retr  Cwnd"
TCP_RX = "[ ID] Interval           Transfer     Bitrate"
UDP_TX = "[ ID] Interval           Transfer     Bitrate         Total Datagrams"
UDP_RX = "[ ID] Interval           Transfer     Bitrate         Jitter    Lost/Total Datagrams"


def test_a_whole_server() -> None:
    """Listening, a run with its peer, its stream, its end; then listening again."""
    records = read_text(
        """
-----------------------------------------------------------
Server listening on 5201 (test #1)
-----------------------------------------------------------
Accepted connection from 10.77.0.2, port 51396
[  5] local 10.77.0.1 port 5201 connected to 10.77.0.2 port 51408
[ ID] Interval           Transfer     Bitrate
[  5]   0.00-1.00   sec  1.88 GBytes  16.2 Gbits/sec                  
- - - - - - - - - - - - - - - - - - - - - - - - -
[ ID] Interval           Transfer     Bitrate
[  5]   0.00-1.00   sec  1.88 GBytes  16.2 Gbits/sec                  receiver
-----------------------------------------------------------
Server listening on 5201 (test #2)
"""  # noqa: W291
    )
    assert [Listening, RunStarted, Connected, Interval, Summary, RunEnded, Listening] == [
        type(record) for record in records
    ]
    assert isinstance(records[1], RunStarted)
    assert (1, "10.77.0.2", 51396) == (
        records[1].number,
        records[1].peer_ip,
        records[1].peer_port,
    )
    assert isinstance(records[2], Connected)
    assert ("10.77.0.1", 5201, "10.77.0.2", 51408) == (
        records[2].local_ip,
        records[2].local_port,
        records[2].remote_ip,
        records[2].remote_port,
    )


def test_a_server_learns_the_protocol_of_each_run() -> None:
    """A UDP test, then a TCP test with -R, whatever the server was made for."""
    records = read_text(
        f"Accepted connection from 10.77.0.2, port 1\n{UDP_RX}\n"
        "[  5]   0.00-1.00   sec  1.19 MBytes  10.0 Mbits/sec  0.002 ms  0/1001 (0%)  \n"
        f"Accepted connection from 10.77.0.2, port 2\n{TCP_TX}\n"
        "[  5]   0.00-1.00   sec  1.88 GBytes  16.2 Gbits/sec  11    342 KBytes  \n"
        f"Accepted connection from 10.77.0.2, port 3\n{TCP_RX}\n"
        "[  5]   0.00-1.00   sec  1.88 GBytes  16.2 Gbits/sec  \n",
        protocol="udp",
    )
    assert [("udp", "received", 1), ("tcp", "sent", 2), ("tcp", "received", 3)] == [
        (i.protocol, i.direction, i.run_number) for i in of(Interval, records)
    ]


def test_late_datagrams_belong_to_the_line_below() -> None:
    """It says ``[SUM]`` even of one stream; alone it is a record of its own."""
    late = "[SUM]  0.0- 3.0 sec  50 datagrams received out-of-order"
    final = "[  5]   0.00-3.00   sec  3.64 MBytes  10.2 Mbits/sec  0.013 ms  0/3001 (0%)  receiver"
    (summary,) = of(Summary, read_text(f"{UDP_RX}\n{late}\n{final}"))
    assert 50 == summary.out_of_order
    records = read_text(f"Accepted connection from 10.0.0.1, port 1\n{late}")
    assert [OutOfOrder(stream_id="SUM", start=0.0, end=3.0, count=50)] == of(OutOfOrder, records)


def test_only_finals() -> None:
    """-i 0: a server that sends prints one line, and its tag tells the direction."""
    line = "[  5]   0.00-1.00   sec   123 KBytes  1.01 Mbits/sec  0.000 ms  0/87 (0%)  sender"
    (summary,) = of(Summary, read_text(f"{UDP_RX}\n{line}"))
    assert ("sent", 87) == (summary.direction, summary.writes)


def test_a_torn_final_line_is_no_interval() -> None:
    """Cut before its tag it would count the whole test again; cut within a number, anything."""
    text = (
        f"{UDP_RX}\n"
        "[  5]   0.00-1.00   sec  1.19 MBytes  10.0 Mbits/sec  0.002 ms  0/1001 (0%)  \n"
        "[  5]   1.00-2.00   sec  1.19 MBytes  10.0 Mbits/sec  0.002 ms  0/1001 (0%)  \n"
    )
    final = "[  5]   0.00-2.00   sec  2.38 MBytes  10.0 Mbits/sec  0.002 ms  0/2002 (0%)  receiver"
    for end in range(final.index("Mbits/sec") + 9, len(final)):
        records = read_text(text + final[:end])
        assert 2 == len(of(Interval, records))
        assert [] == of(Summary, records)
        assert [("torn-line", "error")] == [(n.kind, n.level) for n in of(Notice, records)]
    assert 1 == len(of(Summary, read_text(text + final)))


def test_a_clients_torn_final_line_is_no_interval() -> None:
    """Under jitter and loss a sender's final line looks like a receiver's interval."""
    text = (
        f"{UDP_TX}\n"
        "[  5]   0.00-1.00   sec  1.19 MBytes  10.0 Mbits/sec  1001  \n"
        "[  5]   1.00-2.00   sec  1.19 MBytes  10.0 Mbits/sec  1000  \n"
        f"{UDP_RX}\n"
        "[  5]   0.00-2.00   sec  2.39 MBytes  10.0 Mbits/sec  0.000 ms  0/2001 (0%)  "
    )
    records = read_text(text, role="client")
    assert [1.0, 2.0] == [i.end for i in of(Interval, records)]
    assert ["torn-line"] == [n.kind for n in of(Notice, records)]


def test_blanks_at_the_end_may_be_missing_everywhere() -> None:
    """An editor takes them off."""
    line = "[  4]   0.00-1.00   sec  1.19 MBytes  10.0 Mbits/sec  1001"
    lines = [line, line.replace("0.00-1.00", "1.00-2.00")]
    assert 2 == len(of(Interval, read_text("\n".join([UDP_TX, *lines]), role="client")))
