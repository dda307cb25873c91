"""The recordings of real iperf2 runs, and a way to read one."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pyperf2.core.parsers import dialect_for
from pyperf2.core.records import Instant, Interval, Report, ServerReport, Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyperf2.core.records import Protocol, Record

FOLDER = Path(__file__).parent.parent / "recordings"
VERSIONS = ("2.0.13a", "2.0.14a", "2.1.8", "2.2.1")

Side = Literal["client", "server"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Output:
    """What one process printed: (seconds, "o" or "e", text) a line, and how it was started."""

    version: str
    scenario: str
    side: Side
    argv: tuple[str, ...]
    lines: tuple[tuple[float, str, str], ...]
    truth: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Version, scenario and side, for a test's id."""
        return f"{self.version}/{self.scenario}/{self.side}"

    @property
    def protocol(self) -> Protocol:
        """Protocol of the test."""
        return "udp" if {"-u", "-U"} & set(self.argv) else "tcp"

    @property
    def report_interval(self) -> float:
        """What ``-i`` said, 0 without it."""
        text = self.argv[self.argv.index("-i") + 1] if "-i" in self.argv else "0"
        return 0.0 if text == "abc" else float(text)

    @property
    def report_count(self) -> int:
        """How many report lines there are, told by a look at the text alone."""
        return sum(bool(REPORT.match(text) or CSV.match(text)) for _, _, text in self.lines)

    def bytes_of(self, index: int) -> bytes:
        """Return a line as it was printed."""
        return self.lines[index][2].encode("utf-8", "surrogateescape")


REPORT = re.compile(r"\[[^\]]+\] +[\d.]+- *[\d.]+ sec +[\d.]+ [KMGTP]?Bytes ")
CSV = re.compile(r"(\+\d{4}:)?20\d{12}[.\d]*(,[^,]*){8,}")


@cache
def recordings(version: str) -> tuple[Mapping[str, Any], ...]:
    """Return the recorded scenarios of a version."""
    with gzip.open(FOLDER / f"iperf-{version}.jsonl.gz", "rt", errors="surrogateescape") as file:
        return tuple(map(json.loads, file))


@cache
def outputs() -> tuple[Output, ...]:
    """Return every recorded output that has a line."""
    return tuple(
        Output(
            version=version,
            scenario=recording["scenario"],
            side=side,
            argv=tuple(recording[side]["argv"] or ()),
            lines=tuple(map(tuple, recording[side]["lines"])),
            truth=recording["ground_truth"] or {},
        )
        for version in VERSIONS
        for recording in recordings(version)
        for side in ("server", "client")
        if side in recording and recording[side]["lines"]
    )


@cache
def output(version: str, scenario: str, side: Side) -> Output:
    """Return one recorded output."""
    (found,) = (
        o for o in outputs() if (o.version, o.scenario, o.side) == (version, scenario, side)
    )
    return found


@cache
def loss_runs() -> tuple[Mapping[str, Any], ...]:
    """Return the recordings with exactly known loss."""
    with gzip.open(FOLDER / "iperf2-udp-loss.jsonl.gz", "rt", errors="surrogateescape") as file:
        return tuple(map(json.loads, file))


def release(version: str) -> tuple[int, ...]:
    """Return a version as numbers."""
    return tuple(map(int, re.findall(r"\d+", version)))


@cache
def read(
    source: Output, *, interval_known: bool = True, version_known: bool = True
) -> tuple[Record, ...]:
    """Return the records of an output; each one's arrival is the number of its line."""
    dialect = dialect_for(
        role=source.side,
        protocol=source.protocol,
        csv="-y" in source.argv,
        version=release(source.version) if version_known else None,
        report_interval=source.report_interval if interval_known else None,
    )
    records: list[Record] = []
    for index, (_, stream, _) in enumerate(source.lines):
        arrived = Instant(index, index)
        printed: Literal["stdout", "stderr"] = "stderr" if stream == "e" else "stdout"
        records += dialect.parse(source.bytes_of(index), arrived, printed)
    return (*records, *dialect.finish())


def read_text(text: str, **how: Any) -> list[Record]:
    """Return the records of lines written out in a test."""
    dialect = dialect_for(**{"role": "server", "protocol": "udp", "report_interval": 1.0, **how})
    records: list[Record] = []
    for index, line in enumerate(text.strip("\n").split("\n")):
        records += dialect.parse(line.strip().encode(), Instant(index, index))
    return [*records, *dialect.finish()]


def reports(records: Iterable[object]) -> list[Report]:
    """Return intervals, summaries and server reports."""
    return [r for r in records if isinstance(r, Report)]


def intervals(records: Iterable[object], stream_id: str | None = None) -> list[Interval]:
    """Return the intervals, of one stream if asked."""
    return [r for r in records if isinstance(r, Interval) and stream_id in {None, r.stream_id}]


def summaries(records: Iterable[object], stream_id: str | None = None) -> list[Summary]:
    """Return the final lines, of one stream if asked."""
    return [r for r in records if isinstance(r, Summary) and stream_id in {None, r.stream_id}]


def server_reports(records: Iterable[object]) -> list[ServerReport]:
    """Return the server's reports."""
    return [r for r in records if isinstance(r, ServerReport)]
