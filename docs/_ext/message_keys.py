"""``.. message-keys::`` and ``.. event-keys::`` list what is in the dicts that callbacks get.

The keys are read off messages that the library makes; the words beside them stand here. A key
without words, or words without a key, end the build.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from docutils.parsers.rst import Directive
from meanings import EVENT_KEYS, MESSAGE_KEYS
from rst_table import literal, table

from pyperf2.core.loss import LossEvent
from pyperf2.core.messages import message
from pyperf2.core.records import NO_INSTANT, Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from docutils import nodes
    from sphinx.application import Sphinx

    from pyperf2.core.records import Direction, Protocol

SIDES: Final[tuple[tuple[Protocol, Direction], ...]] = (
    ("tcp", "sent"),
    ("tcp", "received"),
    ("udp", "sent"),
    ("udp", "received"),
)
HEAD: Final = ("Key", "TCP sent", "TCP received", "UDP sent", "UDP received", "Meaning")
PRINTED: Final = "if printed"


def message_rows() -> list[tuple[str, ...]]:
    """Give a row for each key: on which side it always stands, and what it means."""
    always = [set(message(_interval(*side))) for side in SIDES]
    keys = _union(message(_interval(*side, full=True)) for side in SIDES)
    _check(keys, MESSAGE_KEYS)
    return [
        (
            literal(key),
            *(
                PRINTED if not any(key in each for each in always) else "yes" * (key in side)
                for side in always
            ),
            MESSAGE_KEYS[key],
        )
        for key in keys
    ]


def event_rows() -> list[tuple[str, str]]:
    """Give a row for each key of a loss event."""
    event = LossEvent(
        event_number=0,
        stream_id="1",
        status="stable",
        packets_lost=0,
        packets_received=0,
        packets_lost_confirmed=0,
        packets_lost_estimated=0,
        begin=0.0,
        started=NO_INSTANT,
        current=NO_INSTANT,
    )
    keys = list(event.to_dict())
    _check(keys, EVENT_KEYS)
    return [(literal(key), EVENT_KEYS[key]) for key in keys]


def _interval(protocol: Protocol, direction: Direction, *, full: bool = False) -> Interval:
    """Make an interval without figures, or with all of them."""
    bare = Interval(stream_id="1", start=0.0, end=1.0, protocol=protocol, direction=direction)
    if not full:
        return bare
    figures: dict[str, Any] = {
        one.name: 1 for one in fields(bare) if getattr(bare, one.name) is None
    }
    return replace(bare, **figures)


def _union(messages: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give all keys once: those that only some sides have behind their neighbours."""
    keys: list[str] = []
    for one in messages:
        place = 0
        for key in one:
            if key in keys:
                place = keys.index(key) + 1
            else:
                keys.insert(place, key)
                place += 1
    return keys


def _check(keys: Iterable[str], words: Mapping[str, str]) -> None:
    odd = sorted(set(keys) ^ set(words))
    if odd:
        raise ValueError(f"docs/_ext/meanings.py and the messages differ in {', '.join(odd)}")


class MessageKeys(Directive):
    """One row per key of a data callback's message."""

    def run(self) -> list[nodes.Node]:
        """Draw the table."""
        return [table(self, HEAD, message_rows(), (22, 9, 9, 9, 9, 42))]


class EventKeys(Directive):
    """One row per key of a packet-loss callback's message."""

    def run(self) -> list[nodes.Node]:
        """Draw the table."""
        return [table(self, ("Key", "Meaning"), event_rows(), (35, 65))]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("message-keys", MessageKeys)
    app.add_directive("event-keys", EventKeys)
    return {"parallel_read_safe": True}
