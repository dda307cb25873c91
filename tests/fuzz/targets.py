"""What is fuzzed: bytes in, an exception where an invariant does not hold; knows no fuzzer.

The first bytes of an input (``HEAD`` of them) choose the circumstances, the rest is what iperf
printed. `tests/fuzz/test_targets.py` runs the same functions on hypothesis' bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Final, Literal

from pyperf2.core.binary import Version
from pyperf2.core.failure import MAX_NOTICES
from pyperf2.core.lines import LineBuffer
from pyperf2.core.loss import LossEvent
from pyperf2.core.parsers import dialect_for, longest_line
from pyperf2.core.plan import Plan
from pyperf2.core.records import NO_INSTANT, Instant, Report
from pyperf2.core.session import Ended, Session
from tests.fuzz.invariants import check_records, check_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyperf2.core.parsers import Tool
    from pyperf2.core.records import Protocol, Record

HEAD: Final = 10

VERSIONS: Final[dict[Tool, tuple[str | None, ...]]] = {
    "iperf2": (None, "2.0.5", "2.0.13a", "2.0.14a", "2.1.8", "2.2.1"),
    "iperf3": (None, "3.9", "3.12", "3.18", "3.22"),
}
_INTERVALS: Final = (None, 0.0, 0.005, 1.0)
_HISTORIES: Final = (None, 0, 1, 100)
# How far each clock moves between two chunks; the wall clock may be set, in either direction.
_STEPS_NS: Final = (0, 1_000, 10**6, 10**8, 10**9, 10**12, 10**15, 7)
_WALL_STEPS_NS: Final = (*_STEPS_NS[:5], -(10**6), -(10**9), -(10**15))
_ONE_LINE: Final = 1  # as a size
_WALL_NS: Final = 1_700_000_000 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circumstances:
    """What the head of an input chooses."""

    role: Literal["client", "server"]
    protocol: Protocol
    version: str | None
    interval: float | None
    history: int | None
    returncode: int
    stopping: bool
    sizes: tuple[int, ...]
    steps: tuple[int, ...]

    @classmethod
    def of(cls, head: bytes, tool: Tool) -> _Circumstances:
        first, second, third, *rest = head.ljust(HEAD, b"\0")
        versions = VERSIONS[tool]
        return cls(
            role="client" if first & 1 else "server",
            protocol="tcp" if first & 2 else "udp",
            interval=_INTERVALS[first >> 2 & 3],
            history=_HISTORIES[first >> 4 & 3],
            version=versions[second % len(versions)],
            returncode=(0, 1, -9, 255)[third & 3],
            stopping=bool(third & 4),
            sizes=tuple(rest[:4]),
            steps=tuple(rest[4:]),
        )

    def chunks(self, printed: bytes) -> Iterator[tuple[bytes, Instant]]:
        """Cut the output, and move the clocks in between; a size of 0 takes all that is left."""
        at, now, wall = 0, 1, _WALL_NS
        for size, step in zip(cycle(self.sizes), cycle(self.steps), strict=False):
            if at >= len(printed):
                return
            until = at + 1 + size * size // 4 if size else len(printed)
            if size == _ONE_LINE:
                until = printed.find(b"\n", at) + 1 or len(printed)
            now += _STEPS_NS[step & 7]
            wall += _WALL_STEPS_NS[step >> 3 & 7]
            yield printed[at:until], Instant(now, wall)
            at = until


def fuzz_dialect(data: bytes, *, tool: Tool, csv: bool = False, json: bool = False) -> None:
    """A dialect reads anything, line by line, and says it in sound records."""
    around = _Circumstances.of(data[:HEAD], tool)
    version = Version.parse(around.version) if around.version else None
    dialect = dialect_for(
        tool=tool,
        csv=csv,
        json=json,
        role=around.role,
        protocol=around.protocol,
        version=version,
        report_interval=around.interval,
    )
    buffer = LineBuffer(max_line=longest_line(json=json))
    lines = buffer.feed(data[HEAD:])
    torn = buffer.flush()
    records: list[Record] = []
    for line in lines if torn is None else [*lines, torn]:
        records += dialect.parse(line, NO_INSTANT, "stderr" if around.stopping else "stdout")
    check_records([*records, *dialect.finish()], read=len(data))


def fuzz_session(data: bytes, *, tool: Tool, csv: bool = False, json: bool = False) -> None:
    """A session takes anything, however cut and whenever, and leaves a sound result."""
    around = _Circumstances.of(data[:HEAD], tool)
    plan = Plan(
        tool=tool,
        csv=csv,
        json=json,
        role=around.role,
        protocol=around.protocol,
        version=Version.parse(around.version) if around.version else None,
        report_interval=around.interval,
        history=around.history,
        argv=("iperf",),
    )
    session = Session(plan, started=Instant(1, _WALL_NS))
    last = Instant(1, _WALL_NS)
    for chunk, last in around.chunks(data[HEAD:]):
        interval = session.take(chunk, last)
        if interval is not None:
            check_records([interval], read=len(data))
        _tell(session, read=len(data))
    if around.stopping:
        session.stopping()
    session.end(around.returncode, last)
    assert _tell(session, read=len(data)), "the end was not told"
    result = session.result()
    check_result(result)
    assert len(result.notices) <= MAX_NOTICES
    for stream in result.streams.values():
        assert around.history is None or len(stream.intervals) <= around.history
    session.classic_results()


def _tell(session: Session, *, read: int) -> bool:
    """Take all events that are due; whether the end was among them."""
    records: list[Record] = []
    ended = False
    while (event := session.next_event()) is not None:
        assert not ended, "something was told after the end"
        if isinstance(event, Ended):
            ended = True
        elif isinstance(event, LossEvent):
            event.to_dict()
        else:
            records.append(event)
            if isinstance(event, Report):
                event.to_dict()
    check_records(records, read=read)
    return ended


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "iperf2-text": partial(fuzz_dialect, tool="iperf2"),
    "iperf2-csv": partial(fuzz_dialect, tool="iperf2", csv=True),
    "iperf3-text": partial(fuzz_dialect, tool="iperf3"),
    "iperf3-json": partial(fuzz_dialect, tool="iperf3", json=True),
    "session-iperf2": partial(fuzz_session, tool="iperf2"),
    "session-iperf3": partial(fuzz_session, tool="iperf3", json=True),
}
