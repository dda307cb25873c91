"""What became of the streams of a stress test: totals, failures, the worst; in bounded memory."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pyperf2.core import yardsticks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyperf2.traffic.draws import Draw, Kind
    from pyperf2.traffic.stream import StreamResults

Outcome: TypeAlias = Literal["completed", "broken off", "failed"]

_HISTORY: Final = 1_000
_FAILURES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A stream that is over.

    Attributes:
        draw: as it was drawn.
        outcome: ``completed``, ``broken off`` by a pause or a stop, or ``failed``.
        seconds: how long it ran; 0 if it never started.
        bytes: what arrived.
        packets_sent: datagrams; None with TCP, or where the server does not know.
        packets_lost: likewise.
        loss_percent: likewise.
        error: why it failed.
    """

    draw: Draw
    outcome: Outcome
    seconds: float
    bytes: int = 0
    packets_sent: int | None = None
    packets_lost: int | None = None
    loss_percent: float | None = None
    error: str = ""

    @classmethod
    def of(
        cls,
        draw: Draw,
        outcome: Outcome,
        seconds: float,
        results: StreamResults | None,
        error: str = "",
    ) -> Played:
        """Take from the results what is kept: the server's figures, it has received."""
        if results is None:
            return cls(draw=draw, outcome=outcome, seconds=seconds, error=error)
        server = results.server
        lost, share = yardsticks.lost(server).figure, yardsticks.loss_percent(server).figure
        moved = yardsticks.traffic(server).figure
        udp = draw.protocol == "udp" and share is not None and lost is not None
        sent = (one.packets_sent for one in server.streams.values() if one.packets_sent)
        return cls(
            draw=draw,
            outcome=outcome,
            seconds=seconds,
            bytes=round(moved.value) if moved is not None else 0,
            packets_sent=sum(sent) if udp else None,
            packets_lost=round(lost.value) if udp and lost is not None else None,
            loss_percent=share.value if udp and share is not None else None,
            error=error,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StressTotals:
    """What all streams of one kind come to."""

    completed: int = 0
    broken_off: int = 0
    failed: int = 0
    bytes: int = 0
    packets_sent: int = 0
    packets_lost: int = 0

    @property
    def streams(self) -> int:
        """How many are over."""
        return self.completed + self.broken_off + self.failed

    def plus(self, played: Played) -> StressTotals:
        """Add one."""
        return self + StressTotals(
            bytes=played.bytes,
            packets_sent=played.packets_sent or 0,
            packets_lost=played.packets_lost or 0,
            **{played.outcome.replace(" ", "_"): 1},
        )

    def __add__(self, other: StressTotals) -> StressTotals:
        """Add up."""
        names = [one.name for one in fields(self)]
        return StressTotals(**{one: getattr(self, one) + getattr(other, one) for one in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class StressReport:
    """What a stress test has left so far.

    ``failures`` are the latest hundred (``totals.failed`` counts all), ``history`` the latest
    thousand streams that are over, the oldest first.

    Attributes:
        seed: what it was drawn from; the same one gives the same sequence.
        live: how many streams run just now.
        most_live: the most there ever were at once.
        by_kind: totals of each tool, protocol and comm type.
        worst: the stream that lost the greatest share of its datagrams; None if none lost any.
        log_error: why the log is incomplete; empty if it is not.
    """

    seed: int | str
    live: int
    most_live: int
    by_kind: Mapping[Kind, StressTotals]
    failures: tuple[Played, ...] = ()
    worst: Played | None = None
    history: tuple[Played, ...] = ()
    log_error: str = ""

    @property
    def totals(self) -> StressTotals:
        """All kinds together."""
        return sum(self.by_kind.values(), StressTotals())

    def __str__(self) -> str:
        """Say it in a line per kind."""
        lines = [f"seed {self.seed}: {self.live} live, at most {self.most_live}"]
        rows = [*self.by_kind.items(), ("all", self.totals)]
        lines += [
            f"{kind!s:>22}: {one.completed} completed, {one.broken_off} broken off, "
            f"{one.failed} failed; {one.bytes / 1e6:.1f} MB, "
            f"{one.packets_lost} of {one.packets_sent} datagrams lost"
            for kind, one in rows
        ]
        if self.worst is not None:
            lines.append(f"worst: {self.worst.loss_percent:.3g} % lost ({self.worst.draw})")
        lines += [f"failed: {one.draw}: {one.error}" for one in self.failures]
        lines += [f"the log is incomplete: {self.log_error}"] if self.log_error else []
        return "\n".join(lines)


class Ledger:
    """Keeps the account; written on a loop, read from any thread."""

    def __init__(self, seed: int | str) -> None:
        """Begin with nothing."""
        self._seed = seed
        self._lock = threading.Lock()
        self._live = self._most_live = 0
        self._by_kind: dict[Kind, StressTotals] = {}
        self._history: deque[Played] = deque(maxlen=_HISTORY)
        self._failures: deque[Played] = deque(maxlen=_FAILURES)
        self._worst: Played | None = None

    @property
    def live(self) -> int:
        """How many streams run just now."""
        return self._live

    def up(self) -> None:
        """A stream runs."""
        with self._lock:
            self._live += 1
            self._most_live = max(self._most_live, self._live)

    def down(self) -> None:
        """It does no more."""
        with self._lock:
            self._live -= 1

    def enter(self, played: Played) -> None:
        """A stream is over."""
        kind = played.draw.kind
        with self._lock:
            self._by_kind[kind] = self._by_kind.get(kind, StressTotals()).plus(played)
            self._history.append(played)
            if played.outcome == "failed":
                self._failures.append(played)
            share, worst = played.loss_percent, self._worst
            if (share or 0.0) > ((worst.loss_percent or 0.0) if worst is not None else 0.0):
                self._worst = played

    def report(self, log_error: str) -> StressReport:
        """Give all of it, consistent."""
        with self._lock:
            return StressReport(
                seed=self._seed,
                live=self._live,
                most_live=self._most_live,
                by_kind=dict(sorted(self._by_kind.items())),
                failures=tuple(self._failures),
                worst=self._worst,
                history=tuple(self._history),
                log_error=log_error,
            )
