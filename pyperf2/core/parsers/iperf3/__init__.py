"""iperf3's two dialects: its text, and its JSON (event lines, or a document for each test)."""

from pyperf2.core.parsers.iperf3.events import Iperf3Json
from pyperf2.core.parsers.iperf3.text import Iperf3Text

__all__ = ["Iperf3Json", "Iperf3Text"]
