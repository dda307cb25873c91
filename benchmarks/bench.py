"""What the library costs: beside the old package, and beside a loop that only reads and splits.

``make bench`` runs this and writes the tables of the docs. Each comparison runs its sides in turn,
round by round; a ratio is that of one round, the figure told is the median of the rounds.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks import costs, load

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLE: Final = load.ROOT / "docs" / "benchmarks-table.rst"
SIDES: Final = ("ours", "old", "floor")
US: Final = 1e6

# What is compared: words, what subject.py is told, rounds.
Settings = dict[str, Any]
COMPARED: Final[tuple[tuple[str, str, Settings, int], ...]] = (
    ("100 000 lines at once, a callback that counts", "burst", {"lines": 100_000}, 3),
    ("… that reads four figures", "burst", {"lines": 100_000, "look": 1}, 3),
    ("100 instances, 10 lines a second each", "steady", {"instances": 100, "rate": 10}, 5),
    ("1000 instances, 10 lines a second each", "steady", {"instances": 1000, "rate": 10}, 1),
)


def compared(what: str, settings: Settings, rounds: int) -> list[dict[str, costs.Cost]]:
    """Run all sides so often; give what a line took, by side."""
    told: list[dict[str, costs.Cost]] = []
    for number in range(rounds):
        turn = SIDES[number % len(SIDES) :] + SIDES[: number % len(SIDES)]
        told.append({side: costs.per_line(side, what, settings) for side in turn})
        say(f"  round {number + 1}: {told[-1]}")
    return told


def cell(taken: Sequence[costs.Cost]) -> str:
    """Tell the microseconds a line took, and if that side did not keep up."""
    read = min(one.read for one in taken)
    behind = "" if read >= costs.ENOUGH else f"; fell behind, read {read:.0%} of the lines in time"
    return spread([one.cpu_s * US for one in taken]) + behind


def spread(values: Sequence[float], form: str = ".1f") -> str:
    """Tell the median, and the least and the greatest."""
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def comparison_rows() -> list[tuple[str, ...]]:
    """Measure all that is compared."""
    rows = []
    for words, what, settings, rounds in COMPARED:
        say(words)
        told = compared(what, settings, rounds)
        rows.append(
            (
                words,
                *(cell([one[side] for one in told]) for side in SIDES),
                spread([one["ours"].cpu_s / one["old"].cpu_s for one in told], ".2f"),
            )
        )
    return rows


def single_rows() -> list[tuple[str, str]]:
    """Measure what has nothing to be compared with."""
    rows: list[tuple[str, str]] = []
    for words, measure in costs.SINGLE.items():
        say(words)
        rows.append((words, measure()))
        say(f"  {rows[-1][1]}")
    return rows


def table(widths: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Make a table for Sphinx."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in (head, *rows):
        lines += [f"   {'*' if not n else ' '} - {cell}" for n, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def say(words: str) -> None:
    """Tell how far it is."""
    print(words, file=sys.stderr, flush=True)


def main() -> None:
    """Measure and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--output", type=Path, default=TABLE)
    given = options.parse_args()
    head = ("µs of CPU a line", "pyperf2", "0.5", "floor", "pyperf2 / 0.5")
    machine = (
        f"Measured on {os.cpu_count()} processors, {platform.machine()}, Linux "
        f"{platform.release()}, Python {platform.python_version()}; load before: "
        f"{os.getloadavg()[0]:.1f}."
    )
    tables = (
        table("34 18 18 16 14", head, comparison_rows()),
        table("50 50", ("What", "Measured"), single_rows()),
    )
    written = "\n".join((".. Written by make bench.\n", f"{machine}\n", *tables))
    given.output.write_text(written, "utf-8")
    print(written)


if __name__ == "__main__":
    main()
