"""The dicts of earlier versions: a stream's results, and its lossy periods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyperf2.core.messages import message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyperf2.core.loss import LossEvent
    from pyperf2.core.records import Connected, Instant, Interval, Summary


def classic_of(
    stream_id: str,
    opened: Instant,
    info: Connected | None,
    intervals: Iterable[Interval],
    summary: Summary | None,
    events: Iterable[LossEvent],
    *,
    stream_name: str | None,
) -> dict[str, Any]:
    """Give the dict that ``get_results()`` holds for a stream."""
    return {
        "info": {
            "stream_id": stream_id,
            "local_ip": info.local_ip if info else None,
            "local_port": info.local_port if info else None,
            "remote_ip": info.remote_ip if info else None,
            "remote_port": info.remote_port if info else None,
        },
        "detail": [message(one, stream_name=stream_name) for one in intervals],
        "summary": message(summary, stream_name=stream_name) if summary else {},
        "events": [event.to_dict(stream_name=stream_name) for event in events],
        "timestamp": opened.at().isoformat(),
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
