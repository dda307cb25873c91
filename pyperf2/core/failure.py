"""What iperf said → what went wrong: success is judged by words, not by the exit status."""

from __future__ import annotations

from collections import deque
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
_FATAL_KINDS: Final = frozenset({"bad-option", "bad-value", "bind-failed", "runaway"})

MAX_NOTICES: Final = 200
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


class Verdict:
    """What was said in a run, and what went wrong by that.

    Attributes:
        notices: the last of them.
        returncode: the exit status, once it is known.
        ended: whether nothing more will be said.
        stopping: whether the run is being ended on purpose.
        fatal: whether something was said after which the run must not go on.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        """Begin with nothing said by ``argv``."""
        self._argv = argv
        self.notices: deque[Notice] = deque(maxlen=MAX_NOTICES)
        self.returncode: int | None = None
        self.ended = False
        self.stopping = False
        self.fatal = False
        self._error: IPerfError | None = None
        self._first: Notice | None = None

    def note(self, notice: Notice) -> None:
        """Learn what was said."""
        self.notices.append(notice)
        # What iperf complains of while it is being ended is no failure of the run.
        if notice.level != "error" or self.stopping:
            return
        # The first error is the cause, but what ends a run is what explains its end.
        fatal = notice.kind in _FATAL_KINDS
        if self._first is None or (fatal and not self.fatal):
            self._first = notice
        self.fatal = self.fatal or fatal

    def fail(self, text: str, last_lines: Sequence[str]) -> None:
        """Learn of a failure that iperf itself did not tell."""
        self._error = IPerfError(
            text, argv=self._argv, returncode=self.returncode, output=last_lines
        )

    def judge_exit(self, last_lines: Sequence[str]) -> None:
        """Judge by the exit status, if nothing else was wrong."""
        code = self.returncode
        if not code or self.stopping or self.error is not None:
            return
        how = f"was killed by signal {-code}" if code < 0 else "failed"
        self.fail(f"iperf {how}", last_lines)

    def begin_again(self) -> None:
        """Put behind us what was said so far."""
        self.notices.clear()
        self._first = self._error = None

    @property
    def error(self) -> IPerfError | None:
        """What went wrong, judged by what iperf said; None while nothing has."""
        if self._error is None and self._first is not None:
            said = [notice.text for notice in self.notices if notice.level != "info"]
            error = _failure(self._first, self._argv, self.returncode, said)
            if not self.ended:
                return error  # the exit status is still to come
            self._error = error
        return self._error


def _failure(
    notice: Notice, argv: Sequence[str], returncode: int | None, said: Sequence[str]
) -> IPerfError:
    """Make the error that a notice of level "error" stands for."""
    cls = _ERROR_OF.get(notice.kind, IPerfError)
    # The same complaint a hundred times is one; and the cause itself is never left out.
    output = list(dict.fromkeys(said))[-_MAX_SAID:]
    if notice.text not in output:
        output = [notice.text, *output[1 - _MAX_SAID :]]
    return cls(notice.text, argv=argv, returncode=returncode, output=output)


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
