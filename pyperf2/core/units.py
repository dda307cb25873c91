"""Read quantities: iperf's figures and users' options; knows no line and no option table.

iperf prints bytes in powers of 2 (``KBytes`` = 1024) and bits in powers of 10 (``Kbits`` = 1000).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import Final

_PREFIXES: Final = ("", "K", "M", "G", "T", "P", "E")

# 2.1.8 "1.40 MBytes", "128 KByte", "945 KByte"; 2.0.14a "15.1 PBytes"
BYTES_OF: Final[dict[str, int]] = {
    f"{prefix}Byte{plural}": 1024**power
    for power, prefix in enumerate(_PREFIXES)
    for plural in ("", "s")
}

# 2.1.8 "11.8 Mbits/sec"; with -f M "1.40 MBytes/sec"
BITS_PER_SECOND_OF: Final[dict[str, int]] = {
    **{f"{prefix}bits/sec": 1000**power for power, prefix in enumerate(_PREFIXES)},
    **{f"{unit}/sec": 8 * scale for unit, scale in BYTES_OF.items()},
}

# "63K", "410K", "28": congestion windows, always binary
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)\Z")
_SIZE_SCALE: Final[dict[str, int]] = {
    prefix: 2 ** (10 * power) for power, prefix in enumerate(_PREFIXES[:5])
}

_RATE_OPTION: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([kmgtKMGT]?)(pps)?\Z", re.ASCII)
_LENGTH_OPTION: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([kmgKMG]?)\Z", re.ASCII)
_POWER: Final[dict[str, int]] = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """An offered load: datagrams per second or bits per second, never both."""

    packets_per_second: float | None = None
    bits_per_second: float | None = None


def finite(text: str) -> float | None:
    """Return the number, or None for ``nan``, ``inf`` and what is no number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def parse_size(text: str) -> int | None:
    """Return the bytes in ``63K`` or ``28`` (powers of 2), None for ``NA``, ``-1K``, ``-``."""
    match = _SIZE.match(text)
    if match is None:
        return None
    return round(float(match[1]) * _SIZE_SCALE[match[2]])


def parse_quantity(text: str) -> float | None:
    """Return iperf's figure in its base unit: bytes, or bits per second.

    >>> parse_quantity("1.40 MBytes")
    1468006.4
    >>> parse_quantity("11.8 Mbits/sec")
    11800000.0
    >>> parse_quantity("63K")
    64512.0
    >>> parse_quantity("-nan bits/sec") is None
    True

    A negative figure is returned as it stands; None means that the text is no finite quantity.
    """
    number, _, unit = text.strip().partition(" ")
    unit = unit.strip()
    if not unit:
        size = parse_size(number)
        return None if size is None else float(size)
    scale = BYTES_OF.get(unit) or BITS_PER_SECOND_OF.get(unit)
    value = finite(number)
    return None if scale is None or value is None else value * scale


def parse_bandwidth(text: str, *, capital: int = 1000) -> Bandwidth:
    """Read an offered load: ``1000pps``, ``10M`` (bits per second), ``250k``, ``1000000``.

    Args:
        text: a number, an optional prefix k, m, g or t in either case, an optional ``pps``.
        capital: what a capital K stands for. 1000 is what ``10M`` means to people and to iperf3;
            iperf2 (measured: 2.0.13 to 2.2.1) multiplies capitals by 1024: ``-b 10M`` sends
            10 485 760 bit/s there. Small letters are powers of 1000 everywhere.

    Raises:
        ValueError: the text is no such quantity, or it is zero.
    """
    match = _RATE_OPTION.match(text.strip())
    if match is None:
        raise ValueError(
            f"{text!r} is no bandwidth: give packets per second as '1000pps' "
            "or bits per second as '10M', '250k', '1000000'"
        )
    value = _scaled(match[1], match[2], capital)
    if not value > 0 or not isfinite(value):
        raise ValueError(f"{text!r} is no bandwidth: it has to be more than 0 and finite")
    return Bandwidth(packets_per_second=value) if match[3] else Bandwidth(bits_per_second=value)


def parse_length(text: str) -> int:
    """Read a length in bytes as iperf reads ``-l``: ``1470``, ``64K`` (65536), ``64k`` (64000).

    Raises:
        ValueError: the text is no such quantity, or it is less than one byte.
    """
    match = _LENGTH_OPTION.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no length: give bytes as '1470' or with a prefix as '64K'")
    value = _scaled(match[1], match[2], 1024)
    if not isfinite(value) or value < 1:
        raise ValueError(f"{text!r} is no length: it has to be at least one byte")
    return int(value)


def _scaled(number: str, prefix: str, capital: int) -> float:
    """Return the number times its prefix."""
    kilo = float(capital if prefix.isupper() else 1000)
    return float(number) * float(kilo ** _POWER[prefix.lower()])
