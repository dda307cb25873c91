"""The kinds of option values: text or number in, canonical value out, or a clear refusal."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyperf2.core import units

if TYPE_CHECKING:
    from collections.abc import Callable

# RFC 2474, 2597, 3246, 5865, 8622 and the NQB draft (45); "ac_*": iperf's names for the
# access categories of 802.11.
DSCP_NAMES: Final[dict[str, int]] = {
    "af11": 10, "af12": 12, "af13": 14, "af21": 18, "af22": 20, "af23": 22,
    "af31": 26, "af32": 28, "af33": 30, "af41": 34, "af42": 36, "af43": 38,
    **{f"cs{n}": n * 8 for n in range(8)},
    "ef": 46, "va": 44, "voice-admit": 44, "le": 1, "nqb": 45, "be": 0, "df": 0, "default": 0,
    "ac_be": 0, "ac_bk": 8, "ac_vi": 32, "ac_vo": 48,
    "reliability": 1, "throughput": 2, "lowdelay": 4,
}  # fmt: skip

MAX_PORT: Final = 65535
_MAX_DSCP: Final = 63  # six bits (RFC 2474)
_MAX_TOS: Final = 255
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udc7f\udd00-\udfff]")
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})
_HOST: Final = re.compile(r"^[A-Za-z0-9._:%\[\]-]+$")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: how it is named in the docs and how it is read."""

    name: str
    parse: Callable[[Any], Any]


def _fit(value: Any) -> str:
    text = str(value)
    if _UNFIT.search(text):  # lone surrogates besides: no program can be given those
        raise ValueError("control characters (NUL, newline, …) are not allowed")
    return text


def _text(value: Any) -> str:
    text = _fit(value)
    if text.startswith("-"):
        raise ValueError("a value that begins with '-' would be taken for an option")
    return text


def _number_of(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("a number is wanted, not a bool")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError("a number is wanted") from None
    if not math.isfinite(number):
        raise ValueError("a finite number is wanted")
    return number


def integer(least: int, most: int | None = None) -> Kind:
    """Whole numbers from ``least`` to ``most``, given as int or text."""
    told = f"a whole number of at least {least}"
    if most is not None:
        told = f"a whole number from {least} to {most}"

    def parse(value: Any) -> int:
        number = _number_of(value)
        if number != int(number) or number < least or (most is not None and number > most):
            raise ValueError(f"{told} is wanted")
        return int(number)

    return Kind(told, parse)


def number(least: float, *, exclusive: bool = False) -> Kind:
    """Finite numbers from ``least`` on; whole ones come out as int."""
    told = f"a number {'above' if exclusive else 'of at least'} {least:g}"

    def parse(value: Any) -> float:
        figure = _number_of(value)
        if figure < least or (exclusive and figure == least):
            raise ValueError(f"{told} is wanted")
        return int(figure) if figure == int(figure) else figure

    return Kind(told, parse)


def choice(*names: str) -> Kind:
    """One of ``names``; the case matters only where two names differ in nothing else."""
    told = "one of " + ", ".join(names)
    known = {name.lower(): name for name in names} | {name: name for name in names}

    def parse(value: Any) -> str:
        text = str(value).strip()
        name = known.get(text) or known.get(text.lower())
        if name is None:
            raise ValueError(f"{told} is wanted")
        return name

    return Kind(told, parse)


def pattern(name: str, regex: str, example: str) -> Kind:
    """Text of a fixed form."""
    compiled = re.compile(regex)

    def parse(value: Any) -> str:
        text = _text(value)
        if not compiled.fullmatch(text):
            raise ValueError(f"{name} is wanted, as in {example!r}")
        return text

    return Kind(name, parse)


def _flag(value: Any) -> bool:
    if isinstance(value, (bool, int)) and value in (0, 1):
        return bool(value)
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("True or False is wanted")


def _host(value: Any) -> str:
    text = _fit(value).strip()
    _text(text.strip("[]"))  # the brackets of an IPv6 address do not reach the command line
    if not _HOST.fullmatch(text):
        raise ValueError("a host name or an IP address is wanted")
    return text


def _dscp(value: Any) -> int | str:
    text = str(value).strip().lower()
    if text in DSCP_NAMES:
        return text
    try:
        point = int(text, 0)
    except ValueError:
        raise ValueError(
            f"a DSCP name ({', '.join(sorted(DSCP_NAMES))}) or a code point 0-63 is wanted"
        ) from None
    if not 0 <= point <= _MAX_DSCP:
        hint = (
            f"; the TOS byte {point} is DSCP {point >> 2}" if _MAX_DSCP < point <= _MAX_TOS else ""
        )
        raise ValueError(f"a code point is 0-63{hint}")
    return point


def _bandwidth(value: Any) -> str:
    text = str(value).strip()
    if not text:
        return ""
    units.parse_bandwidth(text)
    return _text(text)


def _length(value: Any) -> int:
    return units.parse_length(str(value).strip())


def _size(value: Any) -> str | int:
    text = _text(value).strip()
    units.parse_length(text)
    return int(text) if text.isdigit() else text


def _arguments(value: Any) -> tuple[str, ...]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise TypeError("a list of arguments is wanted, as in ['--ipg', '5']")
    return tuple(map(_fit, value))


def _namespace(value: Any) -> str:
    text = _text(value)
    if "/" in text or text in {".", ".."}:
        raise ValueError("the name of a network namespace holds no path")
    return text


FLAG: Final = Kind("True or False", _flag)
HOST: Final = Kind("a host name or an IP address", _host)
TEXT: Final = Kind("text", _text)
NAME: Final = Kind("text", _fit)
NAMESPACE: Final = Kind("the name of a network namespace", _namespace)
PORT: Final = integer(1, MAX_PORT)
DSCP: Final = Kind("a DSCP name or code point 0-63", _dscp)
BANDWIDTH: Final = Kind("a rate: '1000pps', '10M', '1g'", _bandwidth)
LENGTH: Final = Kind("bytes: 1470, '64K'", _length)
SIZE: Final = Kind("bytes: 65536, '256K', '1M'", _size)
ARGUMENTS: Final = Kind("a list of arguments", _arguments)


def dscp_to_tos(value: int | str) -> int:
    """Give the TOS byte (RFC 2474: the code point stands in its upper six bits)."""
    point = DSCP_NAMES[value] if isinstance(value, str) else value
    return point << 2


def is_ipv6(address: str | None) -> bool:
    """Whether the text is an IPv6 address literal (``%dev`` and brackets allowed)."""
    return _literal(address, 6)


def is_multicast(address: str | None) -> bool:
    """Whether the text is a multicast group's address (``%dev`` allowed)."""
    found = _address(address)
    return found is not None and found.is_multicast


def _literal(address: str | None, version: int) -> bool:
    found = _address(address)
    return found is not None and found.version == version


def _address(address: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if not address:
        return None
    try:
        return ipaddress.ip_address(address.strip("[]").split("%")[0].strip("[]"))
    except ValueError:
        return None
