"""Lines with an interval but no transfer: out-of-order counts and histograms; knows no stream."""

from __future__ import annotations

import re
from typing import Final

from pyperf2.core.records import Histogram, OutOfOrder

# 2.0.5  [  5]  0.0- 3.0 sec  1 datagrams received out-of-order
# 2.2.x  [SUM] 0.0000-3.0034 sec  2 datagrams  received out-of-order
# 2.2.5  [  1] 0.00-3.00 sec  2 datagrams received on wrong quintuple
_OUT_OF_ORDER: Final = re.compile(
    r"(-?\d{1,20}) datagrams +received (out-of-order|on wrong quintuple)", re.ASCII
)
# 2.1.8  T8-PDF: bin(w=100us):cnt(1001)=1:1001 (5.00/95.00/99.7%=1/1/1,Outliers=0,obl/obu=0/0)
# 2.0.14a T8(f)-PDF: bin(w=1ms):cnt(3003)=1:3003 (…)
# 2.1.8  W8-PDF: bin(w=100us):cnt(0) (5.00/95.00/99.7%=0/10000/10000,…): an empty one
_HISTOGRAM: Final = re.compile(
    r"([A-Z][A-Za-z0-9-]{0,15})(\(f\))?-PDF: ?bin\(w=(\d{1,9})(us|ms)\):cnt\(\d+\)"
    r"(?:=([\d:,]*)|(?= \())( \()?",
    re.ASCII,
)
_BIN: Final = re.compile(r"(\d{1,18}):(\d{1,18})", re.ASCII)
_MICROSECONDS: Final = {"us": 1.0, "ms": 1000.0}


def read_aside(
    columns: str, stream_id: str, start: float, end: float
) -> OutOfOrder | Histogram | None:
    """Return what stands after ``sec`` if it is such a line, else None."""
    columns = columns.lstrip()
    out_of_order = _OUT_OF_ORDER.match(columns)
    if out_of_order:
        return OutOfOrder(
            stream_id=stream_id,
            start=start,
            end=end,
            count=int(out_of_order[1]),
            wrong_quintuple=out_of_order[2].startswith("on"),
        )
    histogram = _HISTOGRAM.match(columns)
    if histogram is None:
        return None
    # A line that was cut may end in the middle of its last bin.
    counts = histogram[5] or ""
    if not histogram[6]:
        counts = counts.rpartition(",")[0]
    bins = [(int(number), int(count)) for number, count in _BIN.findall(counts)]
    return Histogram(
        stream_id=stream_id,
        start=start,
        end=end,
        name=f"{histogram[1]}-PDF",
        bin_width_us=float(histogram[3]) * _MICROSECONDS[histogram[4]],
        bins=tuple(bins),
        final=histogram[2] is not None,
    )
