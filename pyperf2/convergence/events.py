"""What is called as the event of a test, and when that was; ``calls.py`` calls it."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from pyperf2.core.records import Instant
from pyperf2.core.stamp import Stamp
from pyperf2.errors import OptionError

Event: TypeAlias = Callable[[], Any]


def now() -> Instant:
    """Read both clocks."""
    return Instant(time.monotonic_ns(), time.time_ns())


def name_of(event: Event) -> str | None:
    """Give the name of an event's function; None where it has none."""
    name = getattr(getattr(event, "func", event), "__name__", None)  # func: of a partial
    return None if name is None or name == "<lambda>" else str(name)


def events_of(given: Event | Sequence[Event]) -> tuple[Event, ...]:
    """Read what a test is to call.

    Raises:
        OptionError: there is none, it cannot be called, or not without arguments.
    """
    several: object = (given,) if callable(given) else given
    events = tuple(several) if isinstance(several, Sequence) else ()
    if not events or not all(callable(one) for one in events):
        raise OptionError(
            f"event={given!r}: something to call without arguments is wanted, or a list of such"
        )
    for event in events:
        _refuse_arguments(event)
    return events


def _refuse_arguments(event: Event) -> None:
    try:
        signature = inspect.signature(event)
    except (TypeError, ValueError):  # written in C, say: its call will tell
        return
    try:
        signature.bind()
    except TypeError as error:
        name = name_of(event) or repr(event)
        raise OptionError(f"event {name} is called without arguments: {error}") from None


def stamped(name: str, before: Instant, after: Instant, returned: Any) -> Stamp:
    """Narrow down when it was, if the event says so itself by the same clock.

    A change of a lab is a bracket of readings; a hit has two, and which of them this call made
    shows in its time.
    """
    for one in (returned, *(getattr(returned, part, None) for part in ("began", "ended"))):
        first, last = (getattr(one, key, None) for key in ("before_ns", "after_ns"))
        if not isinstance(first, int) or not isinstance(last, int):
            continue
        if before.wall_ns <= first <= last <= after.wall_ns:
            return Stamp(
                name=name,
                before=Instant(before.monotonic_ns + first - before.wall_ns, first),
                after=Instant(before.monotonic_ns + last - before.wall_ns, last),
            )
    return Stamp(name=name, before=before, after=after)
