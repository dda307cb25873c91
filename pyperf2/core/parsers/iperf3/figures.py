"""The objects of iperf3's JSON as named figures; knows no stream and no test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.parsers.iperf3.ledger import datagrams_sent

if TYPE_CHECKING:
    from pyperf2.core.records import Direction, Protocol

    Figures = dict[str, Any]

_LARGEST: Final = 2**64
_MAX_SECONDS: Final = 1e12
_MAX_TEXT: Final = 256
_KBYTE: Final = 1024
_SHOWN: Final = 60
_MAX_COMPLAINTS: Final = 16

# Only TCP senders have these, and not every system prints all of them.
_TCP_WHOLE: Final = {
    "retransmits": "retransmits",
    "snd_cwnd": "snd_cwnd_bytes",
    "rtt": "rtt_us",
    "rttvar": "rttvar_us",
    "pmtu": "pmtu",
}
_TCP_DETAILS: Final = (
    "snd_wnd",
    "reorder",
    "max_snd_cwnd",
    "max_snd_wnd",
    "max_rtt",
    "min_rtt",
    "mean_rtt",
)


class Complaints:
    """What was wrong with a line or a document; the first few of it."""

    def __init__(self) -> None:
        """Begin with nothing wrong."""
        self._said: list[str] = []

    def add(self, text: str) -> None:
        """Take a complaint."""
        if len(self._said) < _MAX_COMPLAINTS:
            self._said.append(text)

    def take(self) -> list[str]:
        """Give them and begin anew."""
        said, self._said = self._said, []
        return said


class Fields:
    """The members of one object, read with care: what has a wrong type is told and left out."""

    def __init__(self, value: object, name: str, complaints: Complaints) -> None:
        """Look at a value that should be an object."""
        self._name = name
        self._complaints = complaints
        self._members: dict[str, Any] = value if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            complaints.add(f"{name} is no object but {_shown(value)}")

    def __contains__(self, key: str) -> bool:
        """Whether there is such a member, whatever it is."""
        return key in self._members

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self._members)

    def member(self, key: str) -> Fields:
        """Return a member that is an object; an empty one if there is none."""
        return Fields(self._members.get(key, {}), key, self._complaints)

    def members(self, key: str) -> list[Fields]:
        """Return a member that is a list of objects."""
        value = self._members.get(key, [])
        if not isinstance(value, list):
            self._complain(key, value, "a list")
            return []
        return [Fields(item, f"a member of {key}", self._complaints) for item in value]

    def number(self, key: str) -> float | None:
        """Return a finite number, None if there is none."""
        value = self._members.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self._complain(key, value, "a number")
            return None
        if not -_LARGEST < value < _LARGEST:
            self._complain(key, value, "a number of sane size")
            return None
        return value

    def whole(self, key: str) -> int | None:
        """Return a whole number; cJSON writes a large one as ``1.5e+15``."""
        value = self.number(key)
        if value is None or value == int(value):
            return None if value is None else int(value)
        self._complain(key, value, "a whole number")
        return None

    def text(self, key: str) -> str | None:
        """Return a text, None if there is none."""
        value = self._members.get(key)
        if value is None or isinstance(value, str):
            return value
        self._complain(key, value, "a text")
        return None

    def flag(self, key: str) -> bool | None:
        """Return true or false (older builds: 1 or 0)."""
        value = self._members.get(key)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) and value in (0, 1):
            return bool(value)
        self._complain(key, value, "true or false")
        return None

    def scalars(self) -> dict[str, Any]:
        """Return the members that are plain numbers or short texts."""
        return {
            key: value
            for key, value in self._members.items()
            if (isinstance(value, str) and len(value) <= _MAX_TEXT)
            or (isinstance(value, (int, float)) and -_LARGEST < value < _LARGEST)
        }

    def _complain(self, key: str, value: object, wanted: str) -> None:
        """Tell of a member that is not what it should be."""
        self._complaints.add(f"{self._name}: {key} is {_shown(value)}, not {wanted}")


def read_bounds(fields: Fields) -> Figures | None:
    """Return start and end of a report, None if it has none."""
    start, end = fields.number("start"), fields.number("end")
    if start is None or end is None or not (0 <= start < _MAX_SECONDS and 0 <= end < _MAX_SECONDS):
        return None
    return {"start": float(start), "end": float(end)}


def read_transfer(fields: Fields) -> Figures:
    """Return the bytes and their rate, also in the units as printed."""
    size, rate = fields.whole("bytes"), fields.number("bits_per_second")
    return {
        "bytes": size,
        "bits_per_second": rate,
        "transfer": size,
        "transfer_unit": None if size is None else "Bytes",
        "bandwidth": rate,
        "bandwidth_unit": None if rate is None else "bits/sec",
    }


def read_report(fields: Fields, protocol: Protocol, direction: Direction) -> Figures | None:
    """Return the figures of a stream or a sum, None if it has no interval."""
    figures = read_bounds(fields)
    if figures is None:
        return None
    figures.update(read_transfer(fields))
    figures["protocol"] = protocol
    figures["direction"] = direction
    if fields.flag("omitted"):
        figures["omitted"] = True
    if protocol == "tcp":
        if direction == "sent":
            figures.update(_read_tcp(fields))
    elif direction == "sent":
        figures.update(read_sent(fields))
    else:
        figures.update(read_loss(fields))
        figures["packets"] = fields.whole("packets")
    return figures


def read_sent(fields: Fields) -> Figures:
    """Return what a UDP sender counted."""
    count = fields.whole("packets")
    return {} if count is None else datagrams_sent(count)


def read_loss(fields: Fields) -> Figures:
    """Return what a UDP receiver counted, but for the total."""
    return {
        "jitter_ms": fields.number("jitter_ms"),
        "lost_packets": fields.whole("lost_packets"),
    }


def _read_tcp(fields: Fields) -> Figures:
    """Return what a TCP sender knows of its connection."""
    figures: Figures = {}
    for key, name in _TCP_WHOLE.items():
        figures[name] = fields.whole(key)
    if figures["snd_cwnd_bytes"] is not None:
        figures["cwnd"] = round(figures["snd_cwnd_bytes"] / _KBYTE)
    details = {key: fields.whole(key) for key in _TCP_DETAILS if key in fields}
    if details:
        figures["details"] = details
    return figures


def _shown(value: object) -> str:
    """Return a value as it may stand in a message."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and not -_LARGEST < value < _LARGEST:
        return "a huge number"
    return repr(value)[:_SHOWN]
