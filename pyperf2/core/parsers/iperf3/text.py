"""iperf3's text: lines in, records out. Recognises lines; what they hold is read elsewhere.

A final line is tagged ``sender`` or ``receiver``, an interval is not: nothing has to be guessed.
Directions: the role in ``[  5][TX-C]`` and the columns are believed; else the heading above, what
the client said (``Reverse mode``), and the process's role.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

from pyperf2.core.parsers.iperf3.columns import RECEIVER, SENDER, read_figures
from pyperf2.core.parsers.iperf3.ledger import Ledger
from pyperf2.core.parsers.iperf3.margin import LABEL, Margin
from pyperf2.core.parsers.iperf3.notices import USAGE, read_notice, torn_line, unknown_line
from pyperf2.core.records import NO_INSTANT, SUM_ID, SUM_IDS, Listening, ServerOutput
from pyperf2.core.units import finite

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperf2.core.records import Direction, Instant, Protocol, Record

    Figures = dict[str, Any]
    Release = tuple[int | str, ...]
    Source = Literal["stdout", "stderr"]
    _Reader = Callable[[str, Instant, Source], list[Record]]

_CONNECTED: Final = re.compile(
    r"local (\S{1,64}) port (\d{1,5}) connected to (\S{1,64}) port (\d{1,5})\Z", re.ASCII
)
_PEER: Final = re.compile(
    r"(?:Accepted connection from|Connecting to host) (\S+), port (\d{1,5})\Z"
)
_LISTENING: Final = re.compile(r"Server listening on (\d{1,5})(?: \(test #\d+\))?\Z", re.ASCII)
_LATE: Final = re.compile(r" *(-?\d{1,20}) datagrams received out-of-order\Z", re.ASCII)
# CPU Utilization: local/sender 87.0% (0.9%u/86.1%s), remote/receiver 32.8% (1.6%u/31.3%s)
_CPU: Final = re.compile(r"(local|remote)/\w+ ([\d.]+)% \(([\d.]+)%u/([\d.]+)%s\)", re.ASCII)
_CONGESTION: Final = re.compile(r"(snd|rcv)_tcp_congestion (\S{1,32})\Z", re.ASCII)
_SIDES: Final = {"local": "host", "remote": "remote"}
_ENDS: Final = {"snd": "sender", "rcv": "receiver"}

_ROLES: Final[dict[str, Direction]] = {"TX": "sent", "RX": "received"}
_TAGGED: Final[dict[str | None, Direction]] = {SENDER: "sent", RECEIVER: "received"}
_HEADER: Final = "ID"
_DONE: Final = "iperf Done."
_MAX_SECONDS: Final = 1e12
_MAX_OUTPUT: Final = 4 * 1024 * 1024  # characters of the server's output that are kept
_TORN: Final = "a line without its end"


class Iperf3Text:
    """Read what iperf3 prints for people, whatever the build.

    Args:
        role: of the process whose output this is.
        protocol: of the test, until a heading tells it: a server serves both.
        version: of the binary; not needed, every line tells what it is.
        report_interval: ``-i``; not needed either.
        ledger: the tests and streams, where another dialect reads parts of the same output.
    """

    def __init__(
        self,
        *,
        role: Literal["client", "server"],
        protocol: Protocol,
        version: Release | None = None,
        report_interval: float | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        """Begin before the first line."""
        del version, report_interval
        self._client = role == "client"
        self._ledger = ledger or Ledger(client=self._client, protocol=protocol)
        self._now = NO_INSTANT
        self._margin = Margin()
        self._last_direction: Direction | None = None
        self._blank = False  # whether the present line ends with one
        self._blanks = False  # whether any report did
        self._usage: set[Source] = set()
        self._output: list[str] | None = None
        self._output_size = 0
        self._statements: tuple[tuple[str, _Reader], ...] = (
            ("Accepted connection from ", self._test_begins),
            ("Connecting to host ", self._test_begins),
            ("Server listening on ", self._listens),
            ("Reverse mode, remote host ", self._reversed),
            (_DONE, self._done),
            ("Server output:", self._output_begins),
            ("Server JSON output:", self._output_begins),
            ("CPU Utilization: ", self._statistics),
            ("snd_tcp_congestion ", self._statistics),
            ("rcv_tcp_congestion ", self._statistics),
        )

    def parse(self, line: bytes, now: Instant, source: Source = "stdout") -> list[Record]:
        """Return what a line says; never raises.

        Args:
            line: without its newline; may be anything.
            now: when it arrived.
            source: where it was printed.
        """
        self._now = now
        printed = line.decode("utf-8", "replace")
        text = self._margin.strip(printed.rstrip())
        if self._output is not None and source == "stdout" and text != _DONE:
            self._keep(text)
            return []
        label = LABEL.match(text)
        if label is None:
            return self._statement(text, now, source)
        rest = text[label.end() :]
        bounds, sec, columns = rest.partition(" sec ")
        if sec:
            self._blank = printed.endswith(" ")
            return self._report(label, bounds, columns, text, now, source)
        return self._about(label, rest.strip(), text, now, source)

    @property
    def collecting(self) -> bool:
        """Whether what comes is the server's output, up to ``iperf Done.``."""
        return self._output is not None

    def finish(self) -> list[Record]:
        """Return what the end of the output says."""
        return [*self._server_output(self._now), *self._ledger.end(self._now)]

    # --- lines with an id -------------------------------------------------------------------

    def _report(
        self,
        label: re.Match[str],
        bounds: str,
        columns: str,
        text: str,
        now: Instant,
        source: Source,
    ) -> list[Record]:
        """Read a line with an interval."""
        start_text, _, end_text = bounds.partition("-")
        start, end = finite(start_text), finite(end_text)
        if start is None or end is None or not (0 <= start < _MAX_SECONDS and end < _MAX_SECONDS):
            return [unknown_line(text, source)]
        late = _LATE.match(columns)
        if late:
            return self._ledger.late(start, end, int(late[1]))
        read = read_figures(columns, self._ledger.protocol)
        if read is None:
            return [unknown_line(text, source)]
        figures, tag, understood = read
        if tag is None and self._is_torn():
            return [torn_line(text, _TORN, source)]
        figures["start"], figures["end"] = start, end
        figures.setdefault("protocol", self._ledger.protocol)
        role = _ROLES.get((label["role"] or "")[:2])
        view = _TAGGED.get(tag)
        stream_id = SUM_IDS[role] if role and label["label"] == SUM_ID else label["label"]
        if view is None:
            figures["direction"] = self._direction(stream_id, role or figures.get("direction"))
            if self._ledger.covers(stream_id, figures):
                return [torn_line(text, _TORN, source)]
            records = self._ledger.interval(stream_id, figures, now)
        else:
            # A server prints its own figures only, and they may be all there is (-i 0).
            told = role or (None if self._client else view)
            figures["direction"] = view
            own = self._direction(stream_id, told)
            place = self._ledger.own if view == own else self._ledger.other
            records = place(stream_id, figures, now)
        if not understood:
            records.append(unknown_line(text, source))
        return records

    def _is_torn(self) -> bool:
        """Whether an untagged report lacks its end: iperf3 ends it with blanks.

        An editor may have taken them off all lines; hence only if others have them.
        """
        self._blanks = self._blanks or self._blank
        return self._blanks and not self._blank

    def _direction(self, stream_id: str, told: Direction | None) -> Direction:
        """Return a stream's direction; a sum has that of the lines above it."""
        if stream_id == SUM_ID and told is None and self._last_direction is not None:
            return self._last_direction
        self._last_direction = self._ledger.direction(stream_id, told)
        return self._last_direction

    def _about(
        self, label: re.Match[str], said: str, text: str, now: Instant, source: Source
    ) -> list[Record]:
        """Read a line with an id but no interval."""
        if label["label"] == _HEADER:
            self._heading(said)
            return []
        connected = _CONNECTED.match(said)
        if connected is None:
            notice = read_notice(said, source)
            return [] if notice is None else [unknown_line(text, source)]
        local, port, remote, remote_port = connected.groups()
        local_ip, zone, interface = local.partition("%")
        fields = {
            "local_ip": local_ip,
            "local_port": int(port),
            "remote_ip": remote.partition("%")[0],
            "remote_port": int(remote_port),
            "interface": interface if zone else None,
            "flags": ("reverse",) if self._client and self._ledger.reverse else (),
        }
        return self._ledger.connected(label["label"], fields, now)

    def _heading(self, said: str) -> None:
        """Learn from a heading which columns follow.

        Retr stands over what a TCP sender prints, Total Datagrams alone over a UDP sender's.
        """
        udp = "Datagrams" in said
        self._ledger.protocol = "udp" if udp else "tcp"
        sender = "Lost/Total" not in said if udp else "Retr" in said
        if not self._client and "Interval" in said and (sender or not udp):
            self._ledger.reverse = sender

    # --- lines without ----------------------------------------------------------------------

    def _statement(self, text: str, now: Instant, source: Source) -> list[Record]:
        """Read a line without an id."""
        for beginning, read in self._statements:
            if text.startswith(beginning):
                return read(text, now, source)
        return self._remark(text, source)

    def _test_begins(self, text: str, now: Instant, _source: Source) -> list[Record]:
        """Read ``Accepted connection from 10.77.0.2, port 51396``."""
        peer = _PEER.match(text)
        return self._ledger.begin(now, peer=(peer[1], int(peer[2])) if peer else None)

    def _listens(self, text: str, now: Instant, source: Source) -> list[Record]:
        """Read ``Server listening on 5201 (test #2)``: the test before is over."""
        listening = _LISTENING.match(text)
        if listening is None:
            return [unknown_line(text, source)]
        return [*self._ledger.end(now), Listening(protocol="tcp", port=int(listening[1]))]

    def _reversed(self, _text: str, _now: Instant, _source: Source) -> list[Record]:
        """Read ``Reverse mode, remote host 10.77.0.1 is sending``."""
        self._ledger.reverse = True
        return []

    def _done(self, _text: str, now: Instant, _source: Source) -> list[Record]:
        """Read ``iperf Done.``: all went well."""
        output = self._server_output(now)
        return [*self._ledger.well(), *output, *self._ledger.end(now)]

    def _output_begins(self, text: str, _now: Instant, source: Source) -> list[Record]:
        """Read ``Server output:``."""
        if source == "stdout":
            self._output = []
            return []
        return [unknown_line(text, source)]

    def _statistics(self, text: str, _now: Instant, source: Source) -> list[Record]:
        """Read what ``-V`` adds at the end."""
        congestion = _CONGESTION.match(text)
        details: dict[str, Any] = {}
        if congestion:
            details[f"{_ENDS[congestion[1]]}_tcp_congestion"] = congestion[2]
        for side, *percents in _CPU.findall(text):
            for name, percent in zip(("total", "user", "system"), percents, strict=True):
                details[f"cpu_{_SIDES[side]}_{name}_percent"] = finite(percent)
        self._ledger.note(details)
        return [] if details else [unknown_line(text, source)]

    def _remark(self, text: str, source: Source) -> list[Record]:
        """Read anything else; of the usage text only the first line is told."""
        if source in self._usage and "iperf3: " not in text:
            return []
        if text.startswith(USAGE):
            self._usage.add(source)
        notice = read_notice(text, source)
        return [] if notice is None else [notice]

    def _keep(self, text: str) -> None:
        """Keep a line of the server's output."""
        if self._output is not None and self._output_size < _MAX_OUTPUT:
            self._output_size += len(text) + 1
            self._output.append(text)

    def _server_output(self, now: Instant) -> list[Record]:
        """Return the server's output, if there was any."""
        if self._output is None:
            return []
        text = "\n".join(self._output).strip("\n")
        self._output, self._output_size = None, 0
        return [ServerOutput(text=text, arrived=now)]
