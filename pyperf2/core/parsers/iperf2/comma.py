"""iperf2's CSV (``-y C``): rows in, records out.

9 fields (TCP, UDP sender of old builds) or 14 (UDP), no heading; from 2.2 on, with ``-e``, a
heading names the columns. There is no ``connected`` line: a new address pair under an id begins a
stream. 2.0.14a mixes lines of text into its CSV; they are read as text.

UDP clients of 2.0.14a and later print 14 fields for what they *send*: jitter 0, lost 0, and the
datagrams written as total (-1 in the final row). A client's row is taken for a receiver's (``-R``)
from the first one on that has jitter, loss or reordering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from pyperf2.core.parsers.iperf2.streams import Origin
from pyperf2.core.parsers.iperf2.text import Iperf2Text
from pyperf2.core.records import SUM_ID, Connected, ServerReport
from pyperf2.core.units import finite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyperf2.core.records import Direction, Instant, Protocol, Record

    Release = tuple[int | str, ...]
    Source = Literal["stdout", "stderr"]
    Row = Mapping[str, str]
    Ends = tuple[str, int, str, int]

# 2.0.13a 20261120083933,10.77.0.1,22183,10.77.0.2,33884,3,0.0-1.0,1311240,10489920,0.001,110,1002,…
_SHORT: Final = (
    "time",
    "srcaddress",
    "srcport",
    "dstaddr",
    "dstport",
    "transferid",
    "interval",
    "bytes",
    "speed",
)
_LONG: Final = (*_SHORT, "jitter", "errors", "datagrams", "errpercent", "outoforder")
_LAYOUTS: Final[dict[int, tuple[str, ...]]] = {len(layout): layout for layout in (_SHORT, _LONG)}
_SUM: Final = "-1"
_CLIENT_FIRST: Final = (2, 0, 14)
_MAX_NAMES: Final = 64
_MAX_IDS: Final = 2048
_MAX_SECONDS: Final = 1e12

# The heading of 2.2.1 -e goes on "…,readcnt,readtimeo,readerrlen,pps" or "…,writecnt,writeerr,…".
_COUNTS: Final = {"writecnt": "writes", "writeerr": "write_errors", "tcpretry": "retransmits"}
_DETAILS: Final = {
    "readcnt": "reads",
    "readtimeo": "read_timeouts",
    "readerrlen": "reads_truncated",
    "writetimeo": "write_timeouts",
}
_KNOWN: Final = frozenset((*_LONG, *_COUNTS, *_DETAILS, "istart", "iend", "pps"))


class Iperf2Csv:
    """Read iperf2's ``-y C``. The arguments are those of ``Iperf2Text``."""

    def __init__(
        self,
        *,
        role: Literal["client", "server"],
        protocol: Protocol,
        version: Release | None = None,
        report_interval: float | None = None,
    ) -> None:
        """Begin before the first row."""
        self._client = role == "client"
        self._protocol: Protocol = protocol
        self._version = version
        self._text = Iperf2Text(
            role=role, protocol=protocol, version=version, report_interval=report_interval
        )
        self._heading: tuple[str, ...] = ()
        self._ends: dict[str, Ends] = {}
        self._receives: set[str] = set()

    def parse(self, line: bytes, now: Instant, source: Source = "stdout") -> list[Record]:
        """Return what a row, or a line of text among them, says; never raises."""
        fields = line.decode("utf-8", "replace").strip().split(",")
        if fields[0] == "time" and len(fields) <= _MAX_NAMES:
            self._heading = tuple(fields)
            return []
        layout: tuple[str, ...] = _LAYOUTS.get(len(fields), ())
        if len(fields) == len(self._heading):
            layout = self._heading
        if layout:
            try:
                return self._row(dict(zip(layout, fields, strict=True)), now)
            except (KeyError, ValueError):
                return self._text.parse(line, now, source)  # no row after all
        return self._text.parse(line, now, source)

    def finish(self) -> list[Record]:
        """Return the final lines that iperf left out; the output is over."""
        self._ends.clear()
        self._receives.clear()
        return self._text.finish()

    def _row(self, row: Row, now: Instant) -> list[Record]:
        """Read one row; raises ValueError or KeyError before anything is remembered of it."""
        label = SUM_ID if row["transferid"] == _SUM else str(int(row["transferid"]))
        ends = row["srcaddress"], int(row["srcport"]), row["dstaddr"], int(row["dstport"])
        start_text, end_text = _bounds(row)
        figures = self._figures(label, row)
        figures["start"], figures["end"] = float(start_text), float(end_text)
        if not all(0.0 <= figures[bound] < _MAX_SECONDS for bound in ("start", "end")):
            raise ValueError(row)
        figures["arrived"] = now
        known = self._ends.get(label)
        if self._client and known == (*ends[2:], *ends[:2]) and "jitter" in row:
            # ≤2.0.13a: the client prints the server's report as a row with the ends swapped
            figures["direction"] = "received"
            _received(figures, row)
            figures["stream_id"] = self._text.streams.sender_id(label)
            return [*self._text.streams.over(label), ServerReport(**figures)]
        records: list[Record] = []
        if label != SUM_ID and known != ends:
            records += self._connected(label, ends, figures["direction"], now)
        decimals = len(end_text.partition(".")[2])
        return records + self._text.streams.add(label, figures, decimals=decimals)

    def _figures(self, label: str, row: Row) -> dict[str, Any]:
        """Return the figures of a row."""
        size = int(row["bytes"])
        rate = finite(row["speed"])
        figures: dict[str, Any] = {
            "protocol": self._protocol,
            "bytes": size,
            "bits_per_second": rate,
            "transfer": float(size),
            "transfer_unit": "Bytes",
            "bandwidth": rate,
            "bandwidth_unit": "bits/sec",
            "direction": self._direction(label, row),
        }
        if "jitter" in row:
            figures["protocol"] = "udp"
            if figures["direction"] == "received":
                _received(figures, row)
            elif int(row["datagrams"]) >= 0:
                figures["writes"] = int(row["datagrams"])
        _enhance(figures, row)
        return figures

    def _direction(self, label: str, row: Row) -> Direction:
        """Tell who sent what a row counts."""
        if "jitter" not in row:
            # A UDP receiver prints 14 fields; 2.0.5's sum of receivers prints 9.
            sends = self._client or (self._protocol == "udp" and label != SUM_ID)
            return "sent" if sends else "received"
        old = self._version is not None and self._version < _CLIENT_FIRST
        if old or not self._client:
            return "received"
        if any((finite(row[name]) or 0) > 0 for name in ("jitter", "errors", "outoforder")):
            if len(self._receives) < _MAX_IDS:
                self._receives.add(label)
            return "received"
        return "received" if label in self._receives else "sent"

    def _connected(
        self, label: str, ends: Ends, direction: Direction, now: Instant
    ) -> list[Record]:
        """Begin a stream at the first row of an address pair."""
        self._ends[label] = ends
        if len(self._ends) > _MAX_IDS:
            del self._ends[next(iter(self._ends))]
        opened: Direction = "sent" if self._client else "received"
        stream_id, records = self._text.streams.connected(
            label, Origin(opened=opened, direction=direction)
        )
        local, remote = ends[:2], ends[2:]
        if not self._local_first(ends):
            local, remote = remote, local
        local_ip, _, interface = local[0].partition("%")
        connected = Connected(
            stream_id=stream_id,
            local_ip=local_ip,
            local_port=local[1],
            remote_ip=remote[0].partition("%")[0],
            remote_port=remote[1],
            interface=interface or None,
            arrived=now,
        )
        return [*records, connected]

    def _local_first(self, ends: Ends) -> bool:
        """Tell whether the row begins with this end: from 2.0.14a on the client comes first."""
        if self._client:
            return True
        if self._version is not None:
            return self._version < _CLIENT_FIRST
        return ends[1] < ends[3]  # a server's port is, as a rule, below the ephemeral ones


def _bounds(row: Row) -> tuple[str, str]:
    """Return start and end: ``0.0-1.0``, from 2.2 on with ``-e`` a column each."""
    if "istart" in row:
        return row["istart"], row["iend"]
    start, _, end = row["interval"].partition("-")
    return start, end


def _received(figures: dict[str, Any], row: Row) -> None:
    """Fill in what only a receiver knows; 2.2.1 has ``-nan`` for jitter in sums."""
    jitter = finite(row["jitter"])
    figures["jitter_ms"] = jitter if jitter is not None and jitter >= 0 else None
    figures["lost_packets"] = int(row["errors"])
    figures["packets"] = int(row["datagrams"])
    figures["out_of_order"] = int(row["outoforder"])


def _enhance(figures: dict[str, Any], row: Row) -> None:
    """Fill in the columns that only a heading names (2.2 with ``-e``)."""
    for name, field in _COUNTS.items():
        if name in row:
            figures[field] = int(row[name])
    if "pps" in row:
        figures["packets_per_second"] = finite(row["pps"])
    if "readcnt" in row and figures["protocol"] == "udp":
        figures["packets_received"] = int(row["readcnt"])
    details: dict[str, Any] = {}
    for name, value in row.items():
        if name in _DETAILS:
            details[_DETAILS[name]] = int(value)
        elif name not in _KNOWN:
            details[name] = finite(value)
    if details:
        figures["details"] = details
