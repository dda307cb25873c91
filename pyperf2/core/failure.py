"""What iperf said → what went wrong: success is judged by words, not by the exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyperf2.core.records import Notice, Report
from pyperf2.errors import BadHost, BindFailed, ConnectionFailed, IPerfError, RunawayOutput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyperf2.core.records import Instant, Record

_ERROR_OF: Final[Mapping[str, type[IPerfError]]] = {
    "refused": ConnectionFailed,
    "unreachable": ConnectionFailed,
    "reset": ConnectionFailed,
    "busy": ConnectionFailed,
    "bad-host": BadHost,
    "bind-failed": BindFailed,
    "runaway": RunawayOutput,
}
# After these iperf may go on, but not with what it was asked to do.
FATAL_KINDS: Final = frozenset({"bad-option", "bad-value", "bind-failed", "runaway"})

_MAX_SAID: Final = 12

# A build gone mad (2.2.1 misreading a ``-C`` client) prints 750 000 lines a second about empty
# intervals; one that merely catches up prints intervals with something in them.
_FLOOD_BURST: Final = 50_000
_FLOOD_LINES_PER_S: Final = 20_000

FLOOD_NOTICE: Final = Notice(
    text=f"more than {_FLOOD_LINES_PER_S} empty lines a second: this build has gone mad",
    kind="runaway",
    level="error",
    source="pyperf2",
)


def failure(
    notice: Notice, argv: Sequence[str], returncode: int | None, said: Sequence[str]
) -> IPerfError:
    """Make the error that a notice of level "error" stands for."""
    cls = _ERROR_OF.get(notice.kind, IPerfError)
    # The same complaint a hundred times is one; and the cause itself is never left out.
    output = list(dict.fromkeys(said))[-_MAX_SAID:]
    if notice.text not in output:
        output = [notice.text, *output[1 - _MAX_SAID :]]
    return cls(notice.text, argv=argv, returncode=returncode, output=output)


def exit_failure(returncode: int, argv: Sequence[str], last_lines: Sequence[str]) -> IPerfError:
    """Make the error of an exit that nobody asked for."""
    how = f"was killed by signal {-returncode}" if returncode < 0 else "failed"
    return IPerfError(f"iperf {how}", argv=argv, returncode=returncode, output=last_lines)


def doubtful_figures(interval: Report) -> Notice:
    """Make the notice of figures that cannot be."""
    return Notice(
        text=(
            f"stream {interval.stream_id}, {interval.start:g}-{interval.end:g} s: these figures, "
            "or their place behind the line before, cannot be; the losses are not exact"
        ),
        kind="doubtful",
        level="warning",
        stream_id=interval.stream_id,
        source="pyperf2",
    )


class FloodGuard:
    """Tells a build gone mad by its empty lines per second: a bucket of tokens, one a line."""

    __slots__ = ("_at", "_tokens")

    def __init__(self, started: Instant) -> None:
        """Begin with a full bucket."""
        self._at = started
        self._tokens = float(_FLOOD_BURST)

    def exceeds(self, records: Iterable[Record], now: Instant) -> bool:
        """Learn what a line that arrived at ``now`` says; True when too many said too little.

        A report of bytes that were transferred is no flood, however many there are.
        """
        if any(isinstance(record, Report) and record.bytes for record in records):
            return False
        elapsed_s = (now.monotonic_ns - self._at.monotonic_ns) / 1e9
        self._at = now
        self._tokens = min(_FLOOD_BURST, self._tokens + elapsed_s * _FLOOD_LINES_PER_S) - 1
        return self._tokens < 0
