"""A convergence report as a picture and as a page; knows the runs, not how they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyperf2.errors import OptionError
from pyperf2.report.extra import require_matplotlib
from pyperf2.report.page import page_of
from pyperf2.report.timeline import run_of, timeline_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.core.convergence import ConvergenceRun
    from pyperf2.report.sheet import Picture

__all__ = ["page_of", "picture_of"]


def picture_of(
    runs: Sequence[ConvergenceRun],
    *,
    run: int | None = None,
    flows: Sequence[str] | None = None,
) -> Picture:
    """Draw one of these runs; see ``ConvergenceReport.plot``."""
    chosen = run_of(runs, run)
    timeline = timeline_of(chosen, flows)
    if not timeline.tracks:
        why = f"; it was broken off: {chosen.error}" if chosen.error else ""
        raise OptionError(f"nothing to plot: no flow of run {chosen.number}{why}")
    require_matplotlib()
    from pyperf2.report.picture import draw

    return draw(chosen, timeline)
