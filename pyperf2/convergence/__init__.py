"""Convergence tests: how long flows were down after an event, with bounds and a verdict."""

from pyperf2.convergence.flows import Flow
from pyperf2.convergence.harness import ConvergenceTest
from pyperf2.convergence.report import ConvergenceReport
from pyperf2.core.convergence import ConvergenceRun, Joint
from pyperf2.core.criteria import Check, Verdict
from pyperf2.core.figures import Figure, Statistics
from pyperf2.core.outcome import FlowOutcome, Sample
from pyperf2.core.stamp import Stamp

__all__ = [
    "Check",
    "ConvergenceReport",
    "ConvergenceRun",
    "ConvergenceTest",
    "Figure",
    "Flow",
    "FlowOutcome",
    "Joint",
    "Sample",
    "Stamp",
    "Statistics",
    "Verdict",
]
