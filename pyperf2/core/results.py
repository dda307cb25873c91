"""What a run leaves: typed, bounded, exact in its totals; and the classic dict view of it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.loss import LossEvent, counted_loss
from pyperf2.core.messages import message, received
from pyperf2.core.records import (
    Connected,
    Histogram,
    Instant,
    Interval,
    Notice,
    Report,
    ServerReport,
    Summary,
)
from pyperf2.errors import IPerfError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.core.binary import Tool
    from pyperf2.core.options import Role
    from pyperf2.core.records import (
        OutOfOrder,
        Sent,
    )
    from pyperf2.errors import PyPerf2Error

SCHEMA: Final = 1
_MAX_EVENTS: Final = 10_000  # kept per stream; their count and losses go on being exact
_MAX_HISTOGRAMS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamResult:
    """One stream of a run.

    ``intervals`` are those kept (``history``); the totals run over all there ever were. None
    where iperf cannot know: a receiver does not know what was sent, a sender not what arrived.
    """

    stream_id: str
    info: Connected | None = None
    intervals: Sequence[Interval] = ()
    interval_count: int = 0
    summary: Summary | None = None
    server_report: ServerReport | None = None
    loss_events: tuple[LossEvent, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    datagrams_sent: int | None = None  # "Sent N datagrams", as printed
    packets_received: int | None = None
    packets_lost: int | None = None
    packets_out_of_order: int | None = None
    bytes: int | None = None
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An immutable snapshot of one run."""

    tool: Tool
    version: str | None
    role: Role
    protocol: str
    name: str | None = None
    argv: tuple[str, ...] = ()
    returncode: int | None = None
    error: PyPerf2Error | None = None
    notices: tuple[Notice, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    streams: Mapping[str, StreamResult] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, ready for JSON; ``from_dict`` reads it back."""
        plain = {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.name not in {"error", "notices", "streams", "started_at", "ended_at", "argv"}
        }
        return {
            "schema": SCHEMA,
            **plain,
            "argv": list(self.argv),
            "started_at": _iso(self.started_at),
            "ended_at": _iso(self.ended_at),
            "error": _error_to_dict(self.error),
            "notices": [asdict(notice) for notice in self.notices],
            "streams": {key: _stream_to_dict(stream) for key, stream in self.streams.items()},
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """Give the result as a JSON document."""
        return json.dumps(self.to_dict(), indent=indent)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Result:
        """Read what ``to_dict`` gave; ValueError for another schema."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"schema {data.get('schema')!r} is not known; this reads {SCHEMA}")
        plain = {key: value for key, value in data.items() if key != "schema"}
        plain.update(
            argv=tuple(data["argv"]),
            started_at=_datetime(data["started_at"]),
            ended_at=_datetime(data["ended_at"]),
            error=_error_from_dict(data["error"]),
            notices=tuple(Notice(**notice) for notice in data["notices"]),
            streams={key: _stream_from_dict(one) for key, one in data["streams"].items()},
        )
        return cls(**plain)


class StreamBook:
    """Keeps one stream while it runs: bounded history, exact totals."""

    def __init__(self, stream_id: str, *, history: int | None, opened: Instant) -> None:
        """Open the book of a stream, first heard of at ``opened``."""
        self.stream_id = stream_id
        self.opened = opened
        self.info: Connected | None = None
        self.intervals: deque[Interval] = deque(maxlen=history)
        self.summary: Summary | None = None
        self.server_report: ServerReport | None = None
        self._events: deque[LossEvent] = deque(maxlen=_MAX_EVENTS)
        self._histograms: deque[Histogram] = deque(maxlen=_MAX_HISTOGRAMS)
        self._sent: int | None = None
        self._count = 0
        self._bytes = 0
        self._received: int | None = None
        self._lost: int | None = None
        self._late: int | None = None
        self._end = 0.0

    def add_interval(self, interval: Interval) -> None:
        """Enter an interval into history and totals."""
        self.intervals.append(interval)
        self._count += 1
        if not interval.omitted:
            self._bytes += interval.bytes or 0
            self._end = max(self._end, interval.end)
            if interval.direction == "received" and interval.packets is not None:
                self._received = (self._received or 0) + (received(interval) or 0)
                self._lost = (self._lost or 0) + counted_loss(interval)

    def add_out_of_order(self, late: OutOfOrder) -> None:
        """Enter a late count where it belongs: the report line of the same bounds."""
        same = (late.start, late.end)
        summarised = self.summary is not None and same == (self.summary.start, self.summary.end)
        last = self.intervals[-1] if self.intervals else None
        if last is not None and same == (last.start, last.end) and not summarised:
            self._late = (self._late or 0) + late.count
            self.intervals[-1] = replace(last, out_of_order=late.count)
        elif self.server_report and same == (self.server_report.start, self.server_report.end):
            self.server_report = replace(self.server_report, out_of_order=late.count)
        elif self.summary and same == (self.summary.start, self.summary.end):
            self.summary = replace(self.summary, out_of_order=late.count)

    def add_event(self, event: LossEvent) -> None:
        """Enter a state of a loss event: a new event, or the latest state of the last one."""
        if self._events and self._events[-1].event_number == event.event_number:
            self._events[-1] = event
        else:
            self._events.append(event)

    def add_histogram(self, histogram: Histogram) -> None:
        """Keep a histogram."""
        self._histograms.append(histogram)

    def add_sent(self, sent: Sent) -> None:
        """Keep the sender's own count."""
        self._sent = sent.datagrams

    @property
    def end(self) -> float:
        """Where the last interval ended, in seconds of the stream."""
        return self._end

    def snapshot(self) -> StreamResult:
        """Give what is known now, as a value."""
        summary = self.summary
        return StreamResult(
            stream_id=self.stream_id,
            info=self.info,
            intervals=tuple(self.intervals),
            interval_count=self._count,
            summary=summary,
            server_report=self.server_report,
            loss_events=tuple(self._events),
            histograms=tuple(self._histograms),
            datagrams_sent=self._sent,
            packets_received=self._received,
            packets_lost=self._lost,
            packets_out_of_order=self._late,
            bytes=summary.bytes if summary and summary.bytes is not None else self._bytes,
            duration_s=summary.end if summary else self._end,
        )

    def to_classic(self, stream_name: str | None) -> dict[str, Any]:
        """Give the dict that ``get_results()`` holds for this stream."""
        info = self.info
        return {
            "info": {
                "stream_id": self.stream_id,
                "local_ip": info.local_ip if info else None,
                "local_port": info.local_port if info else None,
                "remote_ip": info.remote_ip if info else None,
                "remote_port": info.remote_port if info else None,
            },
            "detail": [message(one, stream_name=stream_name) for one in self.intervals],
            "summary": message(self.summary, stream_name=stream_name) if self.summary else {},
            "events": [event.to_dict(stream_name=stream_name) for event in self._events],
            "timestamp": self.opened.at().isoformat(),
        }


def lossy_periods(classic: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Group neighbouring lossy messages of the classic view, stream by stream.

    Returns one dict per group: ``detail`` (its messages) and ``summary`` (total_loss, begin,
    end, duration in seconds, packet_rate as text).
    """
    periods: list[dict[str, Any]] = []
    for stream in classic.values():
        group: list[dict[str, Any]] = []
        for one in [*stream["detail"], None]:
            lossy = one is not None and (one.get("packets_lost") or 0) > 0
            joins = lossy and (not group or group[-1]["interval_end"] == one["interval_begin"])
            if group and not joins:
                periods.append(_period(group))
                group = []
            if lossy:
                group.append(one)
    return periods


def _period(group: list[dict[str, Any]]) -> dict[str, Any]:
    first, last = group[0], group[-1]
    return {
        "detail": group,
        "summary": {
            "total_loss": sum(int(one["packets_lost"]) for one in group),
            "begin": first["interval_begin"],
            "end": last["interval_end"],
            "duration": round(last["interval_end"] - first["interval_begin"], 6),
            "packet_rate": f"{last['packet_rate']} {last['packet_rate_unit']}",
        },
    }


def frozen_streams(books: Mapping[str, StreamBook]) -> Mapping[str, StreamResult]:
    """Give the snapshots of all streams, read-only."""
    return MappingProxyType({key: book.snapshot() for key, book in books.items()})


# --- plain data and back -------------------------------------------------------------------


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _datetime(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _record_to_dict(record: Any) -> dict[str, Any]:
    plain = {}
    for one in fields(record):
        value = getattr(record, one.name)
        if isinstance(value, Instant):
            value = list(value)
        elif isinstance(value, Mapping):
            value = dict(value)
        if value is not None and value != one.default:
            plain[one.name] = value
    return plain


def _record_from_dict(cls: type[Any], data: Mapping[str, Any] | None) -> Any:
    if data is None:
        return None
    plain = dict(data)
    for name in ("arrived", "started", "current", "ended"):
        if plain.get(name) is not None:
            plain[name] = Instant(*plain[name])
    for name in ("flags", "bins"):
        if name in plain:
            plain[name] = tuple(
                tuple(item) if isinstance(item, list) else item for item in plain[name]
            )
    return cls(**plain)


_STREAM_RECORDS: Final[Mapping[str, type[Any]]] = {
    "info": Connected,
    "summary": Summary,
    "server_report": ServerReport,
}
_STREAM_LISTS: Final[Mapping[str, type[Any]]] = {
    "intervals": Interval,
    "loss_events": LossEvent,
    "histograms": Histogram,
}


def _stream_to_dict(stream: StreamResult) -> dict[str, Any]:
    plain = {one.name: getattr(stream, one.name) for one in fields(stream)}
    for name in _STREAM_RECORDS:
        plain[name] = _record_to_dict(plain[name]) if plain[name] is not None else None
    for name in _STREAM_LISTS:
        plain[name] = [_record_to_dict(record) for record in plain[name]]
    return plain


def _stream_from_dict(data: Mapping[str, Any]) -> StreamResult:
    plain = dict(data)
    for name, cls in _STREAM_RECORDS.items():
        plain[name] = _record_from_dict(cls, plain[name])
    for name, cls in _STREAM_LISTS.items():
        plain[name] = tuple(_record_from_dict(cls, record) for record in plain[name])
    return StreamResult(**plain)


def _error_to_dict(error: PyPerf2Error | None) -> dict[str, Any] | None:
    if error is None:
        return None
    evidence = error if isinstance(error, IPerfError) else None
    return {
        "type": type(error).__name__,
        "message": evidence.message if evidence else str(error),
        "argv": list(evidence.argv) if evidence else [],
        "returncode": evidence.returncode if evidence else None,
        "output": list(evidence.output) if evidence else [],
    }


def _error_from_dict(data: Mapping[str, Any] | None) -> PyPerf2Error | None:
    if data is None:
        return None
    from pyperf2 import errors

    cls = getattr(errors, data["type"], IPerfError)
    if issubclass(cls, IPerfError):
        return cls(
            data["message"],
            argv=data["argv"],
            returncode=data["returncode"],
            output=data["output"],
        )
    made: PyPerf2Error = cls(data["message"])
    return made


__all__ = ["Report", "Result", "StreamBook", "StreamResult", "frozen_streams", "lossy_periods"]
