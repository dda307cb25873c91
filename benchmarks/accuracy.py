"""Measure how far loss and outages are off, per version of iperf; write the table of the docs.

Recordings with known truth are replayed; then every build found is run live on a path that breaks
(``tests/accuracy``). ``make accuracy`` runs this; it needs root, and two minutes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import shutil
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyperf2 import replay
from pyperf2.core.binary import Version
from pyperf2.run.probe import probe
from pyperf2.selftest.judge import judge
from pyperf2.selftest.report import Spread
from tests.accuracy import scripts
from tests.accuracy.flows import OverloadedError, play
from tests.accuracy.path import Path as Network
from tests.accuracy.truth import of_recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyperf2 import StreamResult
    from pyperf2.selftest.judge import Error, Verdict
    from tests.accuracy.flows import Flow, Played

ROOT: Final = Path(__file__).parents[1]
RECORDINGS: Final = ROOT / "tests" / "recordings"
TABLE: Final = ROOT / "docs" / "accuracy-table.rst"
HEAD: Final = (
    "Version", "Source", "Totals", "Outages", "In their bars", "Begin", "End", "Length",
)  # fmt: skip
ATTEMPTS: Final = 3

Rows = dict[tuple[str, str], "Row"]


@dataclass(slots=True)
class Row:
    """What one source says of one version."""

    streams: int = 0
    right: int = 0
    errors: list[Error] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def total(self, name: str, stream: StreamResult, lost: int) -> None:
        """Enter a stream's total: right if it is as exact as it says."""
        self.streams += 1
        told, error = stream.packets_lost, stream.packets_lost_error
        if told is not None and error is not None and abs(told - lost) <= error:
            self.right += 1
        else:
            self.faults.append(f"{name}: {lost} lost, {told} ±{error} told")

    def judged(self, name: str, verdict: Verdict) -> None:
        """Enter its outages."""
        self.errors += verdict.errors
        self.faults += [f"{name}: {fault}" for fault in (*verdict.miscounted, *verdict.mistimed)]

    def cells(self) -> tuple[str, ...]:
        """Give what stands in the table."""
        located = [one for one in self.errors if one.outage.method == "located"]
        alone = [one for one in self.errors if one.alone and one.outage.method != "degraded"]
        sure = [one for one in alone if one.outage.method == "located"]
        inside = sum(one.inside for one in self.errors)
        return (
            f"{self.right} of {self.streams}",
            f"{len(self.errors)}, {len(located)} located" if self.errors else "",
            f"{inside} of {len(self.errors)}" if self.errors else "",
            _spread([one.begin_s for one in sure]),
            _spread([one.end_s for one in sure]),
            _spread([one.length_s for one in alone]),
        )


def _spread(errors: Sequence[float]) -> str:
    return str(Spread.of(errors) or "")


def recorded(name: str) -> Iterator[dict[str, Any]]:
    """Read a file of recordings: one JSON object a line."""
    with gzip.open(RECORDINGS / name, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def of_captures(rows: Rows) -> None:
    """Replay the runs whose every datagram was captured."""
    for run in recorded("convergence.jsonl.gz"):
        for flow in run["flows"]:
            sides = (flow["server_lines"], flow["client_lines"])
            server, client = ([(ns / 1e9, line) for ns, line in side] for side in sides)
            result = replay(
                server,
                peer=client,
                tool=flow["tool"],
                version=flow["version"],
                bandwidth=f"{flow['pps']}pps",
                report_interval=flow["interval"],
                packet_len=flow["packet_length"],
            )
            packet_s = 1 / flow["pps"]
            truth = of_recording(run["ground_truth"]["per_flow"][str(flow["port"])], packet_s)
            row = rows[flow["version"], "captures"]
            for stream in result.streams.values():
                row.total(run["name"], stream, truth.lost)
                row.judged(run["name"], judge(stream, truth, packet_s))


def of_counters(rows: Rows) -> None:
    """Replay what receivers alone have told of losses that a counter has counted."""
    for run in recorded("iperf2-udp-loss.jsonl.gz"):
        if run["scenario"] == "outend":
            continue  # the sender alone knows what was lost behind the last datagram
        result = replay(
            run["text"].encode(),
            version=run["version"],
            bandwidth=f"{run['offered_pps']}pps",
            report_interval=run["report_interval"],
        )
        for stream in result.streams.values():
            rows[run["version"], "counters"].total(run["name"], stream, run["dropped"])


def of_live(rows: Rows, iperf: Path) -> None:
    """Play the scripts with one build."""
    version = str(probe(str(iperf)).version)
    with Network() as network, tempfile.TemporaryDirectory() as logs:
        for batch in (scripts.LOSSES, scripts.OUTAGES):
            for one in _played(network, iperf, Path(logs), batch):
                name = f"{version}, {one.flow.name}"
                for heard in one.heard:
                    rows[version, "live"].total(name, heard.stream, one.dropped)
                    rows[version, "live"].judged(
                        name,
                        judge(
                            heard.stream,
                            heard.truth,
                            heard.packet_s,
                            random=bool(one.flow.percent),
                        ),
                    )


def _played(network: Network, iperf: Path, logs: Path, batch: Sequence[Flow]) -> list[Played]:
    for _ in range(ATTEMPTS - 1):
        try:
            return play(network, iperf, logs, batch)
        except OverloadedError as error:
            print(error, flush=True)
    return play(network, iperf, logs, batch)


def builds() -> list[Path]:
    """Find the builds: the installed one, and those that .ci/fetch-iperf has fetched."""
    found = [Path(shutil.which("iperf") or sys.exit("there is no iperf"))]
    found += sorted(ROOT.glob(".cache/iperf/*/iperf"))
    versions: dict[Version, Path] = {}
    for one in found:
        versions.setdefault(probe(str(one)).version, one)
    return list(versions.values())


def written(rows: Rows) -> str:
    """Give the table as reStructuredText."""
    kernel = platform.release().partition("-")[0]
    lines = [
        ".. Generated by `make accuracy`; what is changed by hand is overwritten.",
        "",
        f".. list-table:: Linux {kernel}, {os.cpu_count()} cores; errors in ms, median / largest",
        "   :header-rows: 1",
        "",
    ]
    keys = sorted(rows, key=lambda key: (Version.parse(key[0]), key[1]))
    for cells in (HEAD, *((*key, *rows[key].cells()) for key in keys)):
        marks = ("   * -", *["     -"] * (len(cells) - 1))
        lines += [f"{mark} {cell}".rstrip() for mark, cell in zip(marks, cells, strict=True)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure and write; 1 if a total is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-live", action="store_true", help="replay the recordings only")
    parser.add_argument("--output", type=Path, default=TABLE)
    options = parser.parse_args()
    rows: Rows = defaultdict(Row)
    of_captures(rows)
    of_counters(rows)
    for iperf in [] if options.no_live else builds():
        print(f"live: {iperf}", flush=True)
        of_live(rows, iperf)
    for row in rows.values():
        print(*row.faults, sep="\n", end="\n" if row.faults else "")
    options.output.write_text(written(rows), encoding="utf-8")
    print(f"written to {options.output}")
    return 0 if all(row.right == row.streams for row in rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
