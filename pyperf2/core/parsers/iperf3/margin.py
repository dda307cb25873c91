"""What may stand before a line, a title or a time, and where the line itself begins."""

from __future__ import annotations

import re
from typing import Final

# `[  5]`, `[ 10]`, `[SUM]`, `[ ID]`, with --bidir `[  5][TX-C]`, `[SUM][RX-S]`, `[ ID][Role]`
LABEL: Final = re.compile(
    r"\[ {0,2}(?P<label>\d{1,9}|SUM|ID)\](?:\[(?P<role>TX-[CS]|RX-[CS]|Role)\])?(?= )", re.ASCII
)
# Where a line begins behind what --timestamps or -T put in front: "mytitle:  [  5] local …"
_BEGINNING: Final = re.compile(
    LABEL.pattern.replace("?P<label>", "").replace("?P<role>", "")
    + r"|iperf3: |Server listening on \d|Accepted connection from |Connecting to host "
    r"|Reverse mode, remote host |iperf Done\.|Server output:|- - - - -|-----"
    r"|(?<= )(?:iperf 3\.|Time: |Starting Test: |Test Complete\.|CPU Utilization: |Control conn"
    r"|(?:snd|rcv)_tcp_congestion | {6}(?:Cookie|TCP MSS|Target Bitrate): )",
    re.ASCII,
)
_DIGITS: Final = str.maketrans("123456789", "000000000")


class Margin:
    """Takes off what ``--timestamps`` and ``-T`` put before each line, also before empty ones."""

    def __init__(self) -> None:
        """Have seen nothing yet."""
        self._shape = ""

    def strip(self, text: str) -> str:
        """Return a line without its margin."""
        beginning = _BEGINNING.search(text)
        if beginning is None:
            return self._without(text)
        if beginning.start() == 0 or text.startswith(" "):
            return text
        self._shape = _shape(text[: beginning.start()].rstrip())
        return text[beginning.start() :].strip()

    def _without(self, text: str) -> str:
        """Return a line that does not show where it begins without the margin of those before."""
        # 3.12 -V -T writes the margin twice before the name of the system.
        while self._shape and f"{_shape(text)} ".startswith(f"{self._shape} "):
            text = text[len(self._shape) :].strip()
        return text


def _shape(text: str) -> str:
    """Return a margin so that two times of day look alike."""
    return text.translate(_DIGITS)
