"""What a self-test found, as frozen values: every outage, every miss, and what they come to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pyperf2.core.binary import Tool
from pyperf2.core.reading import Reader, of_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCHEMA: Final = "pyperf2.selftest/1"

Verdict = Literal["met", "not met", "interrupted"]


class Spread(NamedTuple):
    """Sizes of errors, in seconds."""

    median_s: float
    largest_s: float

    @classmethod
    def of(cls, errors: Iterable[float | None]) -> Spread | None:
        """Summarise errors, leaving out what there is none of; None where there are none."""
        sizes = [abs(error) for error in errors if error is not None]
        return cls(median(sizes), max(sizes)) if sizes else None

    def __str__(self) -> str:
        """Give both in milliseconds."""
        return f"{self.median_s * 1000:.2f} / {self.largest_s * 1000:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """One outage as one flow told it, beside the truth; errors in seconds.

    Attributes:
        dropped: datagrams of this flow that it took.
        lost: datagrams that were told as lost in it.
        method: how it is known; None if it was not told at all.
        inside: begin and end are within their error bars.
        begin_error_s: off the instants between which the lab began it; None unless located.
        end_error_s: likewise.
        length_error_s: of its duration, off the time between those instants.
        suspect: why the times say little: the sender itself was off its pace. None if it was not.
    """

    run: int
    flow: str
    scenario: str
    dropped: int
    lost: int
    method: str | None
    inside: bool = False
    begin_error_s: float | None = None
    end_error_s: float | None = None
    length_error_s: float | None = None
    suspect: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One flow of one run: what it sent, what was dropped of it, what it told as lost."""

    run: int
    flow: str
    scenario: str
    sent: int
    dropped: int
    lost: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """What all flows of a run together told of one outage: within its bars or not."""

    run: int
    scenario: str
    flows: int
    inside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """Something that is not as exact as documented: where, and by how much."""

    run: int
    flow: str | None
    scenario: str
    text: str

    def __str__(self) -> str:
        """Say it in a line."""
        flow = f", {self.flow}" if self.flow else ""
        return f"run {self.run}{flow}, {self.scenario}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one scenario comes to; errors without those of suspect outages."""

    scenario: str
    dropped: int
    lost: int
    outages: int
    inside: int
    begin: Spread | None
    end: Spread | None
    length: Spread | None
    joint: int
    joint_inside: int
    suspect: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a self-test found.

    Attributes:
        pyperf2: its version.
        iperf: the version of the iperf that was tested, and ``path`` where it is.
        runs: how many were planned; ``done`` so many were carried through, the last of them
            perhaps not to its end.
        scenarios: their names, in order.
        notes: runs that were repeated, because this machine itself lost datagrams.
    """

    pyperf2: str
    tool: Tool
    iperf: str
    path: str
    kernel: str
    cores: int
    seed: int
    flows: int
    runs: int
    done: int
    interrupted: bool = False
    scenarios: tuple[str, ...] = ()
    spells: tuple[Spell, ...] = ()
    totals: tuple[Total, ...] = ()
    joints: tuple[Joint, ...] = ()
    misses: tuple[Miss, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Whether all is as exact as documented; a miss counts in a broken-off test too."""
        if self.misses:
            return "not met"
        return "interrupted" if self.interrupted else "met"

    @property
    def suspects(self) -> tuple[Spell, ...]:
        """The outages in which a sender was off its pace."""
        return tuple(one for one in self.spells if one.suspect)

    @property
    def rows(self) -> tuple[Row, ...]:
        """A row for each scenario of which anything was measured."""
        rows = (self._row(scenario) for scenario in self.scenarios)
        return tuple(row for row in rows if row is not None)

    def _row(self, scenario: str) -> Row | None:
        spells = [one for one in self.spells if one.scenario == scenario]
        totals = [one for one in self.totals if one.scenario == scenario]
        joints = [one for one in self.joints if one.scenario == scenario]
        if not spells and not totals:
            return None
        sure = [one for one in spells if not one.suspect]
        return Row(
            scenario=scenario,
            dropped=sum(one.dropped for one in totals or spells),
            lost=sum(one.lost or 0 for one in totals or spells),
            outages=len(spells),
            inside=sum(one.inside for one in spells),
            begin=Spread.of(one.begin_error_s for one in sure),
            end=Spread.of(one.end_error_s for one in sure),
            length=Spread.of(one.length_error_s for one in sure),
            joint=len(joints),
            joint_inside=sum(one.inside for one in joints),
            suspect=len(spells) - len(sure),
        )

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, ready for JSON; ``from_dict`` reads it back."""
        rows = [{**asdict(row), **_spreads(row)} for row in self.rows]
        return {"schema": SCHEMA, "verdict": self.verdict, "rows": rows, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """Read what ``to_dict`` gave.

        Raises:
            OptionError: it is of another schema, or a part of it is missing or damaged.
        """
        return Reader(Tool=Tool).read(cls, of_schema(data, SCHEMA), "report")


def _spreads(row: Row) -> dict[str, Any]:
    named = {"begin": row.begin, "end": row.end, "length": row.length}
    return {name: one._asdict() if one else None for name, one in named.items()}
