"""iperf2's text: lines in, records out. Recognises lines; what they hold is read elsewhere.

Directions: where columns tell it (loss, writes, reads) they are believed. Else a client sends and
a server receives, turned round by ``(reverse)``, by ``[ *1]`` and by the ports of the connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from pyperf2.core.parsers.iperf2.asides import read_aside
from pyperf2.core.parsers.iperf2.columns import read_figures
from pyperf2.core.parsers.iperf2.connections import read_connected
from pyperf2.core.parsers.iperf2.notices import MAX_TEXT, read_notice, unknown_line
from pyperf2.core.parsers.iperf2.streams import Origin, Streams, direction_of_ports
from pyperf2.core.records import SUM_ID, Connected, Listening, Notice, Sent, ServerReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyperf2.core.parsers.iperf2.streams import Track
    from pyperf2.core.records import Direction, Instant, Protocol, Record

    Release = tuple[int | str, ...]
    Source = Literal["stdout", "stderr"]

_HEADERS: Final = frozenset({"ID", "SUM-cnt"})
_SENT: Final = "Sent "
_LISTENING: Final = "Server listening on "
_CONNECTING: Final = "Client connecting to "
_ONE_WAY_DELAY: Final = "OWD"
_PLAIN_SUM: Final = "[SUM]"
_NO_ID: Final = "(null)"  # 2.1.8 server of --connect-only: "(null)local 10.77.0.1 port …"
_MAX_LABEL: Final = 16
_MAX_PENDING: Final = 1024
_MAX_SECONDS: Final = 1e12
_DUMB_SUM: Final = (2, 0, 14)
_OWN_IDS: Final = (2, 1)


class Iperf2Text:
    """Read what iperf2 prints in its classic form, whatever the build.

    Args:
        role: of the process whose output this is.
        protocol: of the test.
        version: of the binary, as far as known; columns are told by their shape.
        report_interval: ``-i`` in seconds; 0 without ``-i``; None if unknown: then the first line
            of each stream is held back until the next one tells what it is.
    """

    def __init__(
        self,
        *,
        role: Literal["client", "server"],
        protocol: Protocol,
        version: Release | None = None,
        report_interval: float | None = None,
    ) -> None:
        """Begin before the first line."""
        self._client = role == "client"
        self._protocol: Protocol = protocol
        self._version = version
        self.streams = Streams(
            default="sent" if self._client else "received", report_interval=report_interval
        )
        self._listening: set[int] = set()
        self._targets: set[int] = set()
        self._pending: set[str] = set()  # labels whose next report is the server's

    def parse(self, line: bytes, now: Instant, source: Source = "stdout") -> list[Record]:
        """Return what a line says; never raises.

        Args:
            line: without its newline; may be anything.
            now: when it arrived.
            source: where it was printed.
        """
        text = line.decode("utf-8", "replace").rstrip()
        if text.startswith("["):
            label, bracket, rest = text[1:].partition("]")
            if bracket and len(label) <= _MAX_LABEL:
                label = _canonical(label.strip())
                head, second, columns = rest.partition(" sec ")
                if second:
                    return self._report(label, head, columns, text, now, source)
                return self._statement(label, rest.strip(), text, now, source)
        return self._banner(text, now, source)

    def steady(self, label: str, start: float) -> Track | None:
        """Give the stream that an interval received is of, if that can be told at a glance."""
        return None if self._pending else self.streams.steady(label, start)

    def finish(self) -> list[Record]:
        """Return the final lines that iperf left out; the output is over."""
        self._pending.clear()
        return self.streams.finish()

    def _report(
        self, label: str, head: str, columns: str, text: str, now: Instant, source: Source
    ) -> list[Record]:
        """Read a line with an interval."""
        start_text, _, end_text = head.partition("-")
        try:
            start, end = float(start_text), float(end_text)
        except ValueError:
            return [unknown_line(text, source)]
        if not (0.0 <= start < _MAX_SECONDS and 0.0 <= end < _MAX_SECONDS):
            return [unknown_line(text, source)]
        read = read_figures(columns, end - start)
        if read is None:
            return self._aside(label, columns, (start, end), text, source)
        figures, understood = read
        figures["start"], figures["end"], figures["arrived"] = start, end, now
        figures.setdefault("protocol", self._protocol)
        decimals = len(end_text) - 1 - end_text.find(".") if "." in end_text else 0
        if text.startswith(_PLAIN_SUM):
            self._mend_sum(figures, decimals)
        records: list[Record]
        if self._pending and self._is_server_report(label, figures):
            records = [self._server_report(label, figures)]
        else:
            burst = "burst_transfer_ms" in figures.get("details", ())
            records = self.streams.add(label, figures, decimals=decimals, interval=burst)
        if not understood:
            records.append(unknown_line(text, source))
        return records

    def _mend_sum(self, figures: dict[str, Any], decimals: int) -> None:
        """Read ``[SUM] … 102/903  806 pps`` as what it is.

        On a sender it is Write/Err. Where streams receive, 2.1.8 prints lost/total under the same
        heading, and 2.0.13a nothing meaningful (``0/0  900 pps``): known by its two decimals.
        """
        if not (self.streams.receiving and "packets_per_second" in figures and "writes" in figures):
            return
        lost, total = figures.pop("writes"), figures.pop("write_errors")
        figures["direction"] = "received"
        dumb = self._version < _DUMB_SUM if self._version else decimals <= 2  # noqa: PLR2004
        if not dumb:
            figures["lost_packets"], figures["packets"] = lost, total

    def _is_server_report(self, label: str, figures: Mapping[str, Any]) -> bool:
        """Tell whether a report stands under ``Server Report:``; 2.1.8 prints it with a ``*``."""
        plain = label.removeprefix("*")
        if plain not in self._pending or figures.get("direction") != "received":
            return False
        self._pending.discard(plain)
        return True

    def _server_report(self, label: str, figures: dict[str, Any]) -> ServerReport:
        """Build the server's report, without the columns that the client makes up.

        From 2.1 on ``Rx`` is a rate and ``Read`` is 0: ``1000 pps 1000/0(0) pkts 0/0/0`` for 3002
        datagrams (2.2.1).
        """
        figures["stream_id"] = self.streams.sender_id(label.removeprefix("*"))
        figures.pop("packets_received", None)
        details = figures.get("details", {})
        for name in ("reads", "read_timeouts", "reads_truncated"):
            details.pop(name, None)
        return ServerReport(**figures)

    def _aside(
        self, label: str, columns: str, bounds: tuple[float, float], text: str, source: Source
    ) -> list[Record]:
        """Read a line with an interval but no transfer."""
        record: Record | None = read_aside(columns, self.streams.receiver_id(label), *bounds)
        if record is None and columns.lstrip().startswith(_ONE_WAY_DELAY):
            # 2.2.1 OWD (ms) Cnt=10 TX=0.023/0.019/0.038/0.006 RX=… Asymmetry=…: kept in its words
            record = Notice(text=text[:MAX_TEXT], kind="iperf", stream_id=label, source=source)
        if record is None:
            return [unknown_line(text, source)]
        return self.streams.aside(label, record)

    def _statement(
        self, label: str, said: str, text: str, now: Instant, source: Source
    ) -> list[Record]:
        """Read a line with an id but no interval."""
        if label in _HEADERS:
            return []
        connected = read_connected(said)
        if connected is not None:
            return self._connected(label, connected, now)
        if said == "Server Report:":
            if len(self._pending) < _MAX_PENDING:
                self._pending.add(label.removeprefix("*"))
            return self.streams.over(label)
        if said.startswith(_SENT):
            return self._sent(label, said, text, source)
        notice = read_notice(text, source, self._named_stream(label, said))
        return [] if notice is None else [notice]

    def _sent(self, label: str, said: str, text: str, source: Source) -> list[Record]:
        """Read ``[  3] Sent 3000 datagrams``; the final line came before it, if any comes."""
        count, _, unit = said.removeprefix(_SENT).partition(" ")
        if unit != "datagrams" or not count.isdecimal() or len(count) > _MAX_LABEL:
            return [unknown_line(text, source)]
        records = self.streams.over(label)
        records.append(Sent(stream_id=self.streams.sender_id(label), datagrams=int(count)))
        return records

    def _connected(self, label: str, fields: Mapping[str, Any], now: Instant) -> list[Record]:
        """Begin a stream."""
        if fields["local_port"] == 0:
            # 2.1.8 says "[  1] local 0.0.0.0 port 0 connected with …" of a refused connection
            return []
        default: Direction = "sent" if self._client else "received"
        told = direction_of_ports(
            fields["local_port"],
            fields["remote_port"],
            listening=self._listening,
            target=self._targets,
        )
        opened = told or default
        turned: Direction = "received" if opened == "sent" else "sent"
        reverse = "reverse" in fields["flags"] and not label.startswith("*")
        origin = Origin(
            opened=opened,
            direction=turned if reverse else opened,
            full_duplex="full-duplex" in fields["flags"],
        )
        self._pending.discard(label)
        stream_id, records = self.streams.connected(label, origin)
        records.append(Connected(stream_id=stream_id, arrived=now, **fields))
        return records

    def _named_stream(self, label: str, said: str) -> str | None:
        """Return the stream a remark is about; ``[  3] WARNING`` names a socket from 2.1 on."""
        own_ids = self._version is None or self._version >= _OWN_IDS
        return None if own_ids and said.startswith("WARN") else label

    def _banner(self, text: str, now: Instant, source: Source) -> list[Record]:
        """Read a line without an id."""
        if text.startswith(_NO_ID):
            connected = read_connected(text.removeprefix(_NO_ID))
            if connected is not None:
                return self._connected("null", connected, now)
        if text.startswith(_LISTENING):
            return self._server_listens(text, source)
        if text.startswith(_CONNECTING):
            port = _number_after(text, " port ")
            if port is not None and len(self._targets) < _MAX_PENDING:
                self._targets.add(port)
            return []
        notice = read_notice(text, source)
        return [] if notice is None else [notice]

    def _server_listens(self, text: str, source: Source) -> list[Record]:
        """Read ``Server listening on UDP (v6) port 22145 with pid 19532``.

        From 2.1 on the client of ``-d -L`` says ``on TCP ports 37387-40831``, its own port first.
        """
        port = _number_after(text, " port ") or _number_after(text, " ports ")
        protocol = text.removeprefix(_LISTENING)[:3].lower()
        if port is None or protocol not in {"tcp", "udp"}:
            return [unknown_line(text, source)]
        if len(self._listening) < _MAX_PENDING:
            self._listening.add(port)
        return [Listening(protocol="tcp" if protocol == "tcp" else "udp", port=port)]


def _canonical(label: str) -> str:
    """Return a label without the number of streams: ``SUM-3`` is ``SUM``."""
    if label.startswith("SUM-") and label not in _HEADERS:
        return SUM_ID
    return label


def _number_after(text: str, words: str) -> int | None:
    """Return the whole number that follows some words."""
    number = text.partition(words)[2].partition(" ")[0].partition("-")[0]
    return int(number) if number.isdecimal() and len(number) < _MAX_LABEL else None
