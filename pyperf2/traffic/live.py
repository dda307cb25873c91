"""Callbacks for all streams of a manager, and the conditions that end them early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pyperf2.core import quantities

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyperf2.face import Face
    from pyperf2.traffic.stream import StreamFace

_List = Literal["on_data", "on_loss"]


class Hooks:
    """What is called for every instance of every stream of a manager."""

    def __init__(self, abort: Callable[[str], None]) -> None:
        """Begin with none; ``abort`` ends everything."""
        self._abort = abort
        self._wanted: list[tuple[_List, Callable[..., Any], Mapping[str, Any]]] = []
        self._streams: list[StreamFace] = []

    def add(self, which: _List, callback: Callable[..., Any], keywords: Mapping[str, Any]) -> None:
        """Register a callback with all streams, those to come among them."""
        hook = (which, callback, dict(keywords))
        self._wanted.append(hook)
        for stream in self._streams:
            for one in stream.instances:
                _registered(one, which).append(_entry(hook, stream, one))

    def watch(self, condition: Callable[[dict[str, Any]], object]) -> None:
        """Abort everything when the condition is true of an interval."""
        self.add("on_data", self._check, {"condition": condition})

    def attach(self, stream: StreamFace) -> None:
        """Register everything with a stream."""
        self._streams.append(stream)
        for hook in self._wanted:
            for one in stream.instances:
                _registered(one, hook[0]).append(_entry(hook, stream, one))

    def detach(self, stream: StreamFace) -> None:
        """Take everything back."""
        self._streams.remove(stream)
        for hook in self._wanted:
            for one in stream.instances:
                _registered(one, hook[0]).remove(_entry(hook, stream, one))

    def _check(
        self,
        message: dict[str, Any],
        *,
        condition: Callable[[dict[str, Any]], object],
        stream: str,
        role: str,
    ) -> None:
        verdict = condition(message)
        if verdict:
            name = getattr(condition, "__name__", type(condition).__name__)
            told = verdict if isinstance(verdict, str) else f"{name} is true"
            when = f"{message['interval_begin']:g} to {message['interval_end']:g} s"
            self._abort(f"stream {stream!r}, {role}, {when}: {told}")


@dataclass(frozen=True, slots=True)
class loss_above:  # noqa: N801 - it is called like the criteria
    """True of an interval that lost more than ``"1%"`` of its datagrams; a receiver knows."""

    share: str

    def __post_init__(self) -> None:
        """Refuse what is no share, now and not while it runs."""
        quantities.percent(self.share)

    def __call__(self, message: Mapping[str, Any]) -> str:
        """Give the reason; empty where there is none."""
        lost, sent = message.get("lost_packets"), message.get("packets")
        if not lost or not sent or 100 * lost / sent <= quantities.percent(self.share):
            return ""
        return f"lost {100 * lost / sent:.3g} %, more than {self.share}"


@dataclass(frozen=True, slots=True)
class bitrate_below:  # noqa: N801 - it is called like the criteria
    """True of an interval with fewer bits per second than ``"5M"``."""

    rate: str | float

    def __post_init__(self) -> None:
        """Refuse what is no rate, now and not while it runs."""
        quantities.rate(self.rate)

    def __call__(self, message: Mapping[str, Any]) -> str:
        """Give the reason; empty where there is none."""
        moved = message.get("bits_per_second")
        if moved is None or moved >= quantities.rate(self.rate):
            return ""
        return f"only {quantities.told(moved, 'bit/s')}, less than {self.rate}"


def _registered(one: Face, which: _List) -> list[tuple[Callable[..., Any], dict[str, Any]]]:
    callbacks = one._callbacks  # noqa: SLF001 - our own
    return callbacks.on_data if which == "on_data" else callbacks.on_loss


def _entry(
    hook: tuple[_List, Callable[..., Any], Mapping[str, Any]], stream: StreamFace, one: Face
) -> tuple[Callable[..., Any], dict[str, Any]]:
    _, callback, keywords = hook
    return callback, {**keywords, "stream": stream.name, "role": one.type}
