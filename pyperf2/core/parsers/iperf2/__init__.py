"""iperf2's two dialects: its text and its CSV (``-y C``)."""

from pyperf2.core.parsers.iperf2.comma import Iperf2Csv
from pyperf2.core.parsers.iperf2.text import Iperf2Text

__all__ = ["Iperf2Csv", "Iperf2Text"]
