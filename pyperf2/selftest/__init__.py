"""The self-test: known outages, and whether this machine's iperf and pyperf2 tell them so."""

from pyperf2.selftest.plan import Plan
from pyperf2.selftest.report import Report
from pyperf2.selftest.trial import run

__all__ = ["Plan", "Report", "run"]
