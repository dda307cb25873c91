"""The line of a UDP receiver with ``-e`` that lost nothing: most of what a test prints.

Lines that differ in nothing but digits have one layout: it is looked at closely once, and what
stands where is known from then on. The long way (``text.py``) reads every line, this one too, and
to an equal record: that is tested. What looks a little different goes the long way.
"""

from __future__ import annotations

import re
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyperf2.core.parsers.iperf2.columns import mended
from pyperf2.core.records import Interval
from pyperf2.core.units import BITS_PER_SECOND_OF, BYTES_OF
from pyperf2.core.unread import Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyperf2.core.records import Instant
    from pyperf2.core.unread import Row

# 2.1.8 [  1] 1.0000-2.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.003 ms 0/1001 (0%)
#           0.002/0.001/0.040/0.002 ms 1004 pps 1001/0(0) pkts 599732
# 2.2.1 … 0.003 ms 0/1001 (0%) 0.002/0.001/0.040/0.002 ms 1000 pps 1001/0/0 599732
# 2.2.1 … ms 1000 pps 1001/0(0) pkts 1001/0/0 599732
_WHOLE: Final = re.compile(
    # Of a line all of whose digits are 0.
    rb"(?P<label>\[ *0+\]) +(?P<start>0+(?P<decimals>\.0+))-(?P<end>0+(?P=decimals)) sec"
    rb" +(?P<size>(?P<transfer>0+\.?0*) (?P<unit>[KMG]?Bytes))"
    rb" +(?P<rate>0+\.?0*) (?P<rate_unit>[KMG]?bits/sec)"
    rb" +(?P<jitter>0+\.0+) ms +(?P<lost>0)/(?P<total>0{1,9}) \([^ )\n]*\)"
    rb" +(?P<mean>0+\.0+)/(?P<least>0+\.0+)/(?P<most>0+\.0+)/(?P<spread>0+\.0+) ms"
    rb" +(?P<pps>0+) pps +(?P<received>0+)"
    rb"(?:/(?P<within>0+)\((?P<bracketed>0+)\) pkts"
    rb"(?: +(?P<reads>0+)/(?P<timeouts>0+)/(?P<truncated>0+))?"
    rb"|/(?P<lone_timeouts>0+)/(?P<lone_truncated>0+))"
    rb"(?: +(?P<netpower>0+\.?0*))? *\Z"
).match
MASK: Final = bytes.maketrans(b"123456789", b"0" * 9)
_LONGEST: Final = 200  # no figure of a line this short is absurd
_MOST: Final = 1000  # layouts or sizes; a test has some twenty
_COUNTED: Final = ("label", "start", "end", "size", "lost", "total", "received")
_READ: Final = (
    "start", "end", "transfer", "rate", "jitter", "mean", "least", "most", "spread", "pps",
)  # fmt: skip
_DETAILS: Final = {
    "in_progress_packets": ("within",),
    "in_progress_packets_bracketed": ("bracketed",),
    "reads": ("reads", "received"),
    "read_timeouts": ("timeouts", "lone_timeouts"),
    "reads_truncated": ("truncated", "lone_truncated"),
}


class WholeLine:
    """A layout: where the figures of such lines stand.

    Attributes:
        counted: gives what has to be counted, as printed: the label in its brackets, start, end,
            transfer, lost, total, received.
        unit: of the transfer.
        bandwidth_unit: of the bandwidth.
    """

    __slots__ = ("_details", "_netpower", "_rate_scale", "_read", "_scale", "_total",
                 "bandwidth_unit", "counted", "unit")  # fmt: skip

    def __init__(self, found: re.Match[bytes]) -> None:
        """Take a line of this layout, all of whose digits are 0."""
        self.counted = _cutter(found, _COUNTED)
        self._read = _cutter(found, _READ)
        self._total = slice(*found.span("total"))
        self._netpower = slice(*found.span("netpower")) if found["netpower"] else None
        self.unit = found["unit"].decode()
        self._scale = BYTES_OF[self.unit]
        self.bandwidth_unit = found["rate_unit"].decode()
        self._rate_scale = BITS_PER_SECOND_OF[self.bandwidth_unit]
        lone = found["lone_timeouts"] is not None
        self._details = [
            (name, slice(*found.span(groups[-1] if lone else groups[0])))
            for name, groups in _DETAILS.items()
            if found[groups[-1] if lone else groups[0]] is not None
        ]

    def figures(self, line: bytes) -> Figures:
        """Read all that a line holds."""
        start, end, transfer, rate, jitter, mean, least, most, spread, pps = map(
            float, self._read(line)
        )
        size = round(transfer * self._scale)
        power = self._netpower
        return Figures(
            start,
            end,
            transfer,
            rate,
            jitter,
            mean,
            least,
            most,
            spread,
            pps,
            int(line[self._total]),
            size,
            mended(rate * self._rate_scale, size, end - start),
            None if power is None else float(line[power]),
            {name: int(line[place]) for name, place in self._details},
        )

    def read(self, record: Any, row: Row, name: str) -> bool:
        """Set a figure of an interval, and others; False if it has none of that name."""
        line, _, source = row
        if name in _SOURCE:
            for put, told in zip(_SOURCE.values(), source, strict=True):
                put(record, told)
            return True
        if name not in _PUT:
            return False
        figures = self.figures(line)
        for put, value in zip(_PUT_FIGURES, figures, strict=True):
            put(record, value)
        for put, value in _PUT_SAME:
            put(record, value)
        _PUT["packets_received"](record, figures.packets)
        _PUT["transfer_unit"](record, self.unit)
        _PUT["bandwidth_unit"](record, self.bandwidth_unit)
        return True


def _cutter(found: re.Match[bytes], groups: Sequence[str]) -> Callable[[bytes], Any]:
    """Give what cuts the text of these groups out of a line, in one go."""
    form, at = "", 0
    for group in groups:
        start, end = found.span(group)
        form += f"{start - at}x{end - start}s"
        at = end
    return Struct(f"{form}{found.end() - at}x").unpack


def _putter(name: str) -> Callable[[Any, Any], None]:
    """Give what sets a slot of an interval, though it is frozen."""
    member: Any = next(vars(one)[name] for one in Interval.__mro__ if name in vars(one))
    put: Callable[[Any, Any], None] = member.__set__
    return put


_SOURCE: Final = {name: _putter(name) for name in ("stream_id", "arrived")}
_SAME: Final[dict[str, Any]] = {
    "protocol": "udp", "direction": "received", "omitted": False, "lost_packets": 0,
    "run_number": 1,
    # what is printed elsewhere only
    "out_of_order": None, "writes": None, "write_errors": None, "retransmits": None, "cwnd": None,
    "snd_cwnd_bytes": None, "rtt_us": None, "rttvar_us": None, "pmtu": None,
}  # fmt: skip
_OWN: Final = ("packets_received", "transfer_unit", "bandwidth_unit")
_PUT: Final = {name: _putter(name) for name in (*Figures._fields, *_SAME, *_OWN)}
_PUT_FIGURES: Final = tuple(_PUT[name] for name in Figures._fields)
_PUT_SAME: Final = tuple((_PUT[name], value) for name, value in _SAME.items())

known_layouts: dict[bytes, WholeLine] = {}
_sizes: dict[bytes, int] = {}  # at a steady rate the same few come again and again


def learnt(line: bytes) -> WholeLine | None:
    """Look closely at a line of a layout that is not known; None if it is of another kind."""
    masked = line.translate(MASK)
    found = _WHOLE(masked) if len(line) <= _LONGEST else None
    if found is None:
        return None
    if len(known_layouts) >= _MOST:
        known_layouts.clear()
    layout = known_layouts[masked] = WholeLine(found)
    return layout


def layout_of(line: bytes) -> WholeLine | None:
    """Give the layout of such a line; None if it is of another kind."""
    return known_layouts.get(line.translate(MASK)) or learnt(line)


def size_of(printed: bytes) -> int:
    """Give the bytes in ``1.40 MBytes``."""
    return _sizes.get(printed) or _size_of(printed)


def _size_of(printed: bytes) -> int:
    transfer, unit = printed.decode().split(" ")
    if len(_sizes) >= _MOST:
        _sizes.clear()
    size = _sizes[printed] = round(float(transfer) * BYTES_OF[unit])
    return size


class Glance(NamedTuple):
    """Intervals of one stream, each where the one before ends; nothing is lost or late in any.

    Attributes:
        label: the id in its brackets, as printed.
        start: of the first, as printed.
        end: of the last, as printed.
        lines: as printed.
        ends: of each, in seconds.
        packets: that each spans, and that arrived.
        sizes: in bytes.
        layouts: of the lines.
    """

    label: bytes
    start: bytes
    end: bytes
    lines: Sequence[bytes]
    ends: list[float]
    packets: list[int]
    sizes: list[int]
    layouts: list[WholeLine]

    def first(self, count: int) -> Glance | None:
        """Give the first few; None if they are none."""
        if count == len(self.lines):
            return self
        if not count:
            return None
        end = self.layouts[count - 1].counted(self.lines[count - 1])[2]
        return Glance(
            self.label,
            self.start,
            end,
            self.lines[:count],
            self.ends[:count],
            self.packets[:count],
            self.sizes[:count],
            self.layouts[:count],
        )


def glance(lines: Sequence[bytes]) -> Glance | None:
    """Give what has to be counted of the first lines that are such ones; None if not even one is.

    It is this that runs for every line: one loop, and nothing but local variables.
    """
    label = first = printed = b""
    start = 0.0
    ends: list[float] = []
    packets: list[int] = []
    sizes: list[int] = []
    layouts: list[WholeLine] = []
    for line in lines:
        layout = known_layouts.get(line.translate(MASK)) or learnt(line)
        if layout is None:
            break
        stream, begin, until, transfer, lost, total, received = layout.counted(line)
        if begin != printed or stream != label:
            if ends:
                break
            label, first, start = stream, begin, float(begin)
        end, span = float(until), int(total)
        if lost != b"0" or total != received or not span or end <= start:
            break
        printed, start = until, end
        layouts.append(layout)
        ends.append(end)
        packets.append(span)
        sizes.append(_sizes.get(transfer) or _size_of(transfer))
    if not ends:
        return None
    whole = lines if len(ends) == len(lines) else lines[: len(ends)]
    return Glance(label, first, printed, whole, ends, packets, sizes, layouts)


def interval_of(line: bytes, stream_id: str, arrived: Instant) -> Interval:
    """Give the interval of a line that was recognised before, again."""
    layout = layout_of(line)
    if layout is None:
        raise ValueError(f"no line of an interval in which nothing was lost: {line!r}")
    return recognised((line, layout, (stream_id, arrived)))


def put_bounds(interval: Interval, start: float, end: float) -> None:
    """Set the bounds of an interval that is still unread."""
    _PUT["start"](interval, start)
    _PUT["end"](interval, end)


_new: Final = object.__new__
_put_row: Final = _putter("row")


def recognised(row: Row) -> Interval:
    """Give the interval of a line that was recognised; its figures are read when asked for."""
    made = _new(Interval)
    _put_row(made, row)
    return made
