"""The report of a convergence test: what may be asked of its runs; nothing is worked out here."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyperf2.core import convergence_plain, convergence_tables
from pyperf2.core.convergence import ConvergenceRun, statistics_of
from pyperf2.core.criteria import judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyperf2.core.criteria import Verdict
    from pyperf2.core.figures import Statistics
    from pyperf2.report.sheet import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvergenceReport(ConvergenceRun):
    """What a convergence test found: its last run, and in ``runs`` all of them.

    Attributes:
        runs: every run, in order.
    """

    runs: tuple[ConvergenceRun, ...] = ()

    @classmethod
    def of(cls, runs: Iterable[ConvergenceRun]) -> ConvergenceReport:
        """Make the report of these runs."""
        listed = tuple(runs)
        last = listed[-1] if listed else ConvergenceRun()
        return cls(**{one.name: getattr(last, one.name) for one in fields(last)}, runs=listed)

    @property
    def statistics(self) -> dict[str, Statistics]:
        """What the figures of the runs come to, by their names.

        Runs that were broken off are left out, and those that have no such figure.
        """
        return statistics_of(self.runs)

    def check(self, *, flows: Sequence[str] | None = None, **limits: float) -> Verdict:
        """Compare every run with limits; ``bool(verdict)`` is True if all are kept for certain.

        A flow that never recovered violates any check. A limit inside the error bar of a figure
        is undecided, and so is an outage that only a stalled sender may have made, or a count that
        nobody made.

        Args:
            flows: names of those to look at; None for all.
            limits: ``max_outage_ms`` (each outage), ``max_loss_of_connectivity_ms`` (all outages
                of a flow together), ``max_convergence_ms`` (from the event), ``max_lost``,
                ``max_out_of_order``, ``max_duplicates`` (datagrams per flow), ``max_flows_hit``.

        Raises:
            OptionError: there is no such limit, or no such flow.
        """
        return judge(self.runs, limits, flows)

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, ready for JSON, Open Traffic Generator's metrics beside ours."""
        return convergence_plain.of_runs(self.runs)

    def to_json(self, *, indent: int | None = None) -> str:
        """Give the report as a JSON document; ``from_json`` reads it back."""
        return json.dumps(self.to_dict(), indent=indent)

    @classmethod
    def from_json(cls, text: str) -> ConvergenceReport:
        """Read what ``to_json`` gave.

        Raises:
            OptionError: it is no JSON, of another schema, or a part of it is missing or damaged.
        """
        return cls.of(convergence_plain.to_runs(text))

    def to_csv(self, *, outages: bool = False) -> str:
        """Give comma-separated values: a line per run and flow, or one per outage."""
        return convergence_tables.csv_of(self.runs, outages=outages)

    def to_junit(self, verdict: Verdict | None = None) -> str:
        """Give a JUnit XML document: a suite per run, a case per flow.

        A case fails where ``verdict`` finds a limit violated or undecided; without a verdict,
        where the flow never recovered.
        """
        return convergence_tables.junit_of(self.runs, verdict)

    def plot(
        self,
        path: str | Path | None = None,
        *,
        run: int | None = None,
        flows: Sequence[str] | None = None,
    ) -> Picture:
        """Draw what arrived when, flow by flow: outages with their error bars, event and marks.

        A few flows have a panel each; more than twelve are rows of a map, outages beside it.

        Args:
            path: where to save it, in the format its suffix names (``.png``, ``.svg``, ``.pdf``).
            run: number of the run; the last one by default.
            flows: names of those to draw; all by default.

        Returns:
            The figure; no display and no ``pyplot`` is involved.

        Raises:
            MissingExtra: there is no matplotlib: ``pip install pyperf2[plot]``.
            OptionError: there is no such run, or no such flow.
        """
        from pyperf2.report import picture_of

        picture = picture_of(self.runs, run=run, flows=flows)
        if path is not None:
            picture.savefig(path)
        return picture

    def to_html(self, path: str | Path | None = None, *, verdict: Verdict | None = None) -> str:
        """Give one HTML page with everything: verdict, figures, plot, tables, course, versions.

        The page needs no other file, no script and no network. Without matplotlib it has no plot
        and says so.

        Args:
            path: where to save it.
            verdict: what ``check()`` gave, to stand above.
        """
        from pyperf2.report import page_of

        page = page_of(self.runs, verdict)
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def text(self) -> str:
        """Give a table for a person."""
        return convergence_tables.text_of(self.runs)

    def __str__(self) -> str:
        """Give the table."""
        return self.text()
