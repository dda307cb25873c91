"""iperf3's JSON: event lines (``--json-stream``) and documents (``--json``) in, records out.

A server prints a document for each test. 3.22 may print both forms of one test
(``--json-stream-full-output``): what was told in events is not told again. Whatever is no JSON
(usage, errors on stderr) is read as text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from pyperf2.core.parsers.iperf3.documents import MAX_DOCUMENT, Documents, mend, read_json
from pyperf2.core.parsers.iperf3.figures import Complaints, Fields, read_report
from pyperf2.core.parsers.iperf3.finals import Ending
from pyperf2.core.parsers.iperf3.ledger import Ledger
from pyperf2.core.parsers.iperf3.notices import read_error, torn_line, unknown_line
from pyperf2.core.parsers.iperf3.text import Iperf3Text
from pyperf2.core.records import NO_INSTANT, SUM_ID, SUM_IDS, Notice, ServerOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyperf2.core.records import Direction, Instant, Protocol, Record

    Release = tuple[int | str, ...]
    Source = Literal["stdout", "stderr"]

_EVENT: Final = "event"
_EVENT_BEGINS: Final = '{"event"'
_SHOWN: Final = 120
_OUTPUTS: Final = ("server_output_text", "server_output_json")
_NAMED: Final = ("title", "extra_data")
_SUMS: Final = ("sum", "sum_bidir_reverse")
_TRANSPORTS: Final[dict[str, Protocol]] = {"tcp": "tcp", "udp": "udp"}


class Iperf3Json:
    """Read what iperf3 prints with ``--json-stream`` or ``--json``, whatever the build.

    Args:
        role: of the process whose output this is.
        protocol: of the test, where the output does not tell it.
        version: of the binary; not needed, every line tells what it is.
        report_interval: ``-i``; not needed either.
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
        self._ledger = Ledger(client=self._client, protocol=protocol)
        self._text = Iperf3Text(
            role=role,
            protocol=protocol,
            version=version,
            report_interval=report_interval,
            ledger=self._ledger,
        )
        self._documents = Documents()
        self._now = NO_INSTANT
        self._cookie: str | None = None
        self._failed = False
        self._complaints = Complaints()
        self._events: dict[str, Callable[[Any, Instant], list[Record]]] = {
            "start": self._start,
            "interval": self._interval,
            "end": self._end,
            "error": self._error,
            **dict.fromkeys(_OUTPUTS, self._server_output),
        }

    def parse(self, line: bytes, now: Instant, source: Source = "stdout") -> list[Record]:
        """Return what a line says; never raises.

        Args:
            line: without its newline; may be anything.
            now: when it arrived.
            source: where it was printed.
        """
        self._now = now
        if source == "stderr" or self._text.collecting:
            return self._text.parse(line, now, source)
        if self._documents.collecting:
            return self._within(line.decode("utf-8", "replace").rstrip(), now)
        if line.startswith(b"{"):
            return self._begins(line.decode("utf-8", "replace").rstrip(), now)
        return self._text.parse(line, now, source)

    def finish(self) -> list[Record]:
        """Return what the end of the output says; a torn document up to its last whole part."""
        records: list[Record] = []
        if self._documents.collecting:
            records += self._document(self._now, torn=True)
        return [*records, *self._ledger.end(self._now), *self._text.finish()]

    # --- lines ------------------------------------------------------------------------------

    def _begins(self, text: str, now: Instant) -> list[Record]:
        """Read a line that begins with a brace: an event, a document on one line, or its start."""
        if text.endswith("}") or text.startswith(_EVENT_BEGINS):
            try:
                read = read_json(text)
            except ValueError as error:
                return [torn_line(text[:_SHOWN], f"a line that is no JSON ({error})", "stdout")]
            self._complain(read.complaints)
            fields = Fields(read.value, "the line", self._complaints)
            records = (
                self._event(fields, read.value, now)
                if _EVENT in fields
                else self._test(fields, read.value, now)
            )
            return self._told(records)
        self._documents.begin(text)
        return []

    def _within(self, text: str, now: Instant) -> list[Record]:
        """Read a line of a document."""
        if text.startswith("{"):  # another one begins, or an event: the first was never closed
            return [*self._document(now, torn=True), *self._begins(text, now)]
        if not self._documents.add(text):
            why = f"a document of more than {MAX_DOCUMENT >> 20} MiB"
            return [torn_line("it is not read", why, "stdout")]
        return self._document(now) if text == "}" else []

    def _document(self, now: Instant, *, torn: bool = False) -> list[Record]:
        """Read a document that is complete, or will be no more complete."""
        text = self._documents.take()
        if text is None:
            return []
        records: list[Record] = []
        try:
            read = read_json(text)
        except ValueError as error:
            torn = True
            reason = str(error)
            mended = mend(text)
            try:
                read = read_json(mended or "{}")
            except ValueError:
                read = read_json("{}")
        else:
            reason = "it does not end"
        if torn:
            records.append(torn_line(text[-_SHOWN:], f"a torn document ({reason})", "stdout"))
        self._complain(read.complaints)
        fields = Fields(read.value, "the document", self._complaints)
        return self._told([*self._test(fields, read.value, now), *records])

    def _complain(self, complaints: Iterable[str]) -> None:
        """Keep what was wrong."""
        for complaint in complaints:
            self._complaints.add(complaint)

    def _told(self, records: list[Record]) -> list[Record]:
        """Return the records, and what was wrong with what they were read from."""
        said = self._complaints.take()
        return [*records, *(Notice(text=complaint, level="error") for complaint in said)]

    # --- what they hold ---------------------------------------------------------------------

    def _event(self, fields: Fields, value: dict[str, Any], now: Instant) -> list[Record]:
        """Read ``{"event": …, "data": …}``."""
        name = fields.text(_EVENT)
        read = self._events.get(name or "")
        if read is None:
            return [unknown_line(f"event {name!r}", "stdout")]
        return read(value.get("data", {}), now)

    def _test(self, fields: Fields, value: Any, now: Instant) -> list[Record]:
        """Read the document of one test."""
        if not fields:
            return []
        start = fields.member("start")
        cookie = start.text("cookie")
        if cookie is not None and cookie == self._cookie:
            return []
        records: list[Record] = []
        if any(key in start for key in ("connecting_to", "accepted_connection", "cookie")):
            records += self._start(value["start"], now)
        intervals = value.get("intervals", [])
        if isinstance(intervals, list):
            for interval in intervals:
                records += self._interval(interval, now)
        else:
            self._complaints.add("intervals is no list")
        for key in _OUTPUTS:
            if key in fields:
                records += self._server_output(value[key], now)
        named = {key: fields.text(key) for key in _NAMED if key in fields}
        self._ledger.note(named)
        if "error" in fields:
            records += self._error(value["error"], now)
        return [*records, *self._end(value.get("end", {}), now)]

    def _start(self, data: Any, now: Instant) -> list[Record]:
        """Read the beginning of a test."""
        start = Fields(data, "start", self._complaints)
        self._cookie = start.text("cookie")
        self._failed = False
        other = start.member("connecting_to" if self._client else "accepted_connection")
        host, port = other.text("host"), other.whole("port")
        test = start.member("test_start")
        records = self._ledger.begin(
            now,
            peer=None if host is None or port is None else (host, port),
            details={**start.scalars(), **test.scalars()},
        )
        told = (test.text("protocol") or "").lower()
        self._ledger.protocol = _TRANSPORTS.get(told, self._ledger.protocol)
        self._ledger.reverse = bool(test.flag("reverse"))
        for connected in start.members("connected"):
            records += self._connected(connected, now)
        return records

    def _connected(self, fields: Fields, now: Instant) -> list[Record]:
        """Read one of ``connected``."""
        socket = fields.whole("socket")
        local, remote = fields.text("local_host"), fields.text("remote_host")
        ports = fields.whole("local_port"), fields.whole("remote_port")
        if socket is None or local is None or remote is None or None in ports:
            self._complaints.add("a member of connected is incomplete")
            return []
        local_ip, zone, interface = local.partition("%")
        figures: dict[str, Any] = {
            "local_ip": local_ip,
            "local_port": ports[0],
            "remote_ip": remote.partition("%")[0],
            "remote_port": ports[1],
            "interface": interface if zone else None,
            "flags": ("reverse",) if self._client and self._ledger.reverse else (),
        }
        return self._ledger.connected(str(socket), figures, now)

    def _interval(self, data: Any, now: Instant) -> list[Record]:
        """Read the reports of one interval: of each stream, and of several their sum."""
        fields = Fields(data, "interval", self._complaints)
        records: list[Record] = []
        counts: dict[Direction, int] = {"sent": 0, "received": 0}
        for stream in fields.members("streams"):
            socket = stream.whole("socket")
            direction = self._direction(str(socket), stream)
            figures = read_report(stream, self._protocol_of(stream), direction)
            if socket is None or figures is None:
                self._complaints.add("a stream's interval has no socket, start or end")
                continue
            counts[direction] += 1
            records += self._ledger.interval(str(socket), figures, now)
        for name in _SUMS:
            if name not in fields:
                continue
            total = fields.member(name)
            direction = self._direction(SUM_ID, total)
            figures = read_report(total, self._protocol_of(total), direction)
            if counts[direction] > 1 and figures is not None:
                label = SUM_IDS[direction] if all(counts.values()) else SUM_ID
                records += self._ledger.interval(label, figures, now)
        return records

    def _end(self, data: Any, now: Instant) -> list[Record]:
        """Read the end of a test; it is empty where the test was broken off."""
        if not self._ledger.running:
            return []
        fields = Fields(data, "end", self._complaints)
        ending = Ending(fields, client=self._client, default=self._ledger.direction("", None))
        records: list[Record] = []
        for line in ending.lines():
            place = self._ledger.own if line.own else self._ledger.other
            records += place(line.label, line.figures, now)
        if self._client and not self._failed:
            records += self._ledger.well()
        return [*records, *self._ledger.end(now, ending.details())]

    def _error(self, data: Any, now: Instant) -> list[Record]:
        """Read iperf3's own words of what went wrong."""
        del now
        self._failed = True
        if isinstance(data, str):
            return [read_error(data, "stdout")]
        self._complaints.add("error is no text")
        return []

    def _server_output(self, data: Any, now: Instant) -> list[Record]:
        """Read what ``--get-server-output`` brought."""
        text = data if isinstance(data, str) else json.dumps(data)
        return [ServerOutput(text=text, arrived=now)]

    def _direction(self, label: str, fields: Fields) -> Direction:
        """Return whether this side sent or received."""
        sender = fields.flag("sender")
        told: Direction | None = None if sender is None else "sent" if sender else "received"
        return self._ledger.direction(label, told)

    def _protocol_of(self, fields: Fields) -> Protocol:
        """Return the protocol of a report: as its own figures tell it, else that of the test."""
        if "jitter_ms" in fields or "packets" in fields:
            return "udp"
        return "tcp" if "retransmits" in fields else self._ledger.protocol
