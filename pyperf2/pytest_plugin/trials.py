"""Runs the convergence tests of one test and keeps their reports, until somebody judges them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyperf2.convergence import ConvergenceTest
from pyperf2.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyperf2.convergence import ConvergenceReport, Flow, Verdict
    from pyperf2.core.stamp import Stamp


class Trials:
    """The convergence tests of one test.

    Attributes:
        reports: one for each, in order; those broken off as well.
        verdicts: what the limits of the test say of each report; empty while nobody has asked.
    """

    def __init__(self, adopt: Callable[..., None]) -> None:
        """Begin with none; ``adopt`` is told of the instances of their flows."""
        self.reports: list[ConvergenceReport] = []
        self.verdicts: list[Verdict] = []
        self._adopt = adopt
        self._latest: ConvergenceTest | None = None

    def __call__(
        self,
        flows: Iterable[Flow],
        event: Callable[[], Any] | Sequence[Callable[[], Any]],
        *,
        repeat: int = 1,
        **times: float,
    ) -> ConvergenceReport:
        """Make a ``ConvergenceTest`` and run it."""
        test = self._latest = ConvergenceTest(flows, event, **times)
        for flow in test.flows:
            self._adopt(*flow.instances)
        try:
            return test.run(repeat)
        finally:
            if test.report is not None:  # what was measured until it was broken off, too
                self.reports.append(test.report)

    def mark(self, name: str, *, event: bool = False) -> Stamp:
        """Stamp an instant of the convergence test that runs."""
        if self._latest is None:
            raise StateError("mark() stamps an instant of a convergence test; none runs")
        return self._latest.mark(name, event=event)
