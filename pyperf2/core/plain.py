"""Results as plain data for JSON, and back; knows the records' shapes, not their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pyperf2 import errors
from pyperf2.core.gaps import Outage, Stall
from pyperf2.core.loss import LossEvent
from pyperf2.core.records import (
    Connected,
    Histogram,
    Instant,
    Interval,
    Notice,
    ServerReport,
    Summary,
)

if TYPE_CHECKING:
    from pyperf2.core.results import Result, StreamResult

SCHEMA: Final = 1

_ONE: Final[Mapping[str, type[Any]]] = {
    "info": Connected,
    "summary": Summary,
    "server_report": ServerReport,
}
_MANY: Final[Mapping[str, type[Any]]] = {
    "intervals": Interval,
    "loss_events": LossEvent,
    "outages": Outage,
    "stalls": Stall,
    "histograms": Histogram,
}
_INSTANTS: Final = ("arrived", "started", "current", "ended")
_MOMENTS: Final = ("begin_at", "end_at")
_TUPLES: Final = ("flags", "bins")


def of_result(result: Result) -> dict[str, Any]:
    """Make plain data of a result."""
    made = {one.name: getattr(result, one.name) for one in fields(result)}
    made.update(
        argv=list(result.argv),
        started_at=_iso(result.started_at),
        ended_at=_iso(result.ended_at),
        error=_of_error(result.error),
        notices=[asdict(notice) for notice in result.notices],
        streams={key: _of_stream(stream) for key, stream in result.streams.items()},
    )
    return {"schema": SCHEMA, **made}


def to_result(data: Mapping[str, Any]) -> Result:
    """Make a result of plain data; ValueError for another schema."""
    from pyperf2.core.results import Result

    if data.get("schema") != SCHEMA:
        raise ValueError(f"schema {data.get('schema')!r} is not known; this reads {SCHEMA}")
    made = {key: value for key, value in data.items() if key != "schema"}
    made.update(
        argv=tuple(data["argv"]),
        started_at=_moment(data["started_at"]),
        ended_at=_moment(data["ended_at"]),
        error=_to_error(data["error"]),
        notices=tuple(Notice(**notice) for notice in data["notices"]),
        streams={key: _to_stream(one) for key, one in data["streams"].items()},
    )
    return Result(**made)


def _of_stream(stream: StreamResult) -> dict[str, Any]:
    made = {one.name: getattr(stream, one.name) for one in fields(stream)}
    for name in _ONE:
        made[name] = None if made[name] is None else _of_record(made[name])
    for name in _MANY:
        made[name] = [_of_record(record) for record in made[name]]
    return made


def _to_stream(data: Mapping[str, Any]) -> StreamResult:
    from pyperf2.core.results import StreamResult

    made = dict(data)
    for name, cls in _ONE.items():
        made[name] = None if made[name] is None else _to_record(cls, made[name])
    for name, cls in _MANY.items():
        made[name] = tuple(_to_record(cls, record) for record in made[name])
    return StreamResult(**made)


def _of_record(record: Any) -> dict[str, Any]:
    """Make plain data of a record; what stands at its default is left out."""
    made = {}
    for one in fields(record):
        value = getattr(record, one.name)
        default = one.default if one.default_factory is MISSING else one.default_factory()
        if value == default:
            continue
        if isinstance(value, Instant):
            value = list(value)
        elif isinstance(value, Mapping):
            value = dict(value)
        elif isinstance(value, datetime):
            value = value.isoformat()
        made[one.name] = value
    return made


def _to_record(cls: type[Any], data: Mapping[str, Any]) -> Any:
    made = dict(data)
    for name in _INSTANTS:
        if made.get(name) is not None:
            made[name] = Instant(*made[name])
    for name in _MOMENTS:
        if name in made:
            made[name] = _moment(made[name])
    for name in _TUPLES:
        if name in made:
            made[name] = tuple(
                tuple(item) if isinstance(item, list) else item for item in made[name]
            )
    return cls(**made)


def _of_error(error: errors.PyPerf2Error | None) -> dict[str, Any] | None:
    if error is None:
        return None
    if not isinstance(error, errors.IPerfError):
        return {"type": type(error).__name__, "message": str(error)}
    return {
        "type": type(error).__name__,
        "message": error.message,
        "argv": list(error.argv),
        "returncode": error.returncode,
        "output": list(error.output),
    }


def _to_error(data: Mapping[str, Any] | None) -> errors.PyPerf2Error | None:
    if data is None:
        return None
    cls = getattr(errors, data["type"], errors.PyPerf2Error)
    evidence = {key: data[key] for key in ("argv", "returncode", "output") if key in data}
    made: errors.PyPerf2Error = cls(data["message"], **evidence)
    return made


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
