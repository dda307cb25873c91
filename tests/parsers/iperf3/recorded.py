"""The recordings of real iperf3 runs, and ways to read one."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pyperf2.core.parsers import dialect_for
from pyperf2.core.records import Instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyperf2.core.records import Protocol, Record

    Kind = TypeVar("Kind")

FOLDER = Path(__file__).parent.parent.parent / "recordings"
VERSIONS = ("3.9", "3.12", "3.18", "3.22", "udp-loss")

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
    def json(self) -> bool:
        """Whether it was told to print JSON."""
        return any(word.startswith(("-J", "--json")) for word in self.argv)

    @property
    def udp(self) -> bool:
        """Whether the test was one of UDP, as far as the command line tells."""
        return "-u" in self.argv


@cache
def outputs() -> tuple[Output, ...]:
    """Return every recorded output that has a line."""
    found = []
    for version in VERSIONS:
        path = FOLDER / f"iperf3-{version}.jsonl.gz"
        with gzip.open(path, "rt", errors="surrogateescape") as file:
            for recording in map(json.loads, file):
                found += [
                    Output(
                        version=recording["version"],
                        scenario=recording["scenario"],
                        side=side,
                        argv=tuple(recording[side]["argv"] or ()),
                        lines=tuple(map(tuple, recording[side]["lines"])),
                        truth=recording["ground_truth"],
                    )
                    for side in ("server", "client")
                    if side in recording and recording[side]["lines"]
                ]
    return tuple(found)


@cache
def output(name: str) -> Output:
    """Return one recorded output, by its name."""
    (found,) = (one for one in outputs() if one.name == name)
    return found


@cache
def read(name: str) -> tuple[Record, ...]:
    """Return the records of a recorded output; each one's arrival is the number of its line."""
    source = output(name)
    dialect = dialect_for(tool="iperf3", role=source.side, protocol="tcp", json=source.json)
    records: list[Record] = []
    for index, (_, stream, text) in enumerate(source.lines):
        printed: Literal["stdout", "stderr"] = "stderr" if stream == "e" else "stdout"
        line = text.encode("utf-8", "surrogateescape")
        records += dialect.parse(line, Instant(index, index), printed)
    return (*records, *dialect.finish())


def read_text(
    text: str, *, role: Side = "server", protocol: Protocol = "tcp", json: bool = False
) -> list[Record]:
    """Return the records of lines written out in a test."""
    dialect = dialect_for(tool="iperf3", role=role, protocol=protocol, json=json)
    records: list[Record] = []
    for index, line in enumerate(text.strip("\n").split("\n")):
        records += dialect.parse(line.encode(), Instant(index, index))
    return [*records, *dialect.finish()]


def of(kind: type[Kind], records: Iterable[object], stream_id: str | None = None) -> list[Kind]:
    """Return the records of a kind, of one stream if asked."""
    return [
        record
        for record in records
        if isinstance(record, kind) and stream_id in {None, getattr(record, "stream_id", None)}
    ]
