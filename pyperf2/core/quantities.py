"""Limits as people write them, unit and all: ``900M``, ``1%``, ``5ms``; knows no result.

What could be read in two ways is refused: ``max_loss(1)`` may be one datagram or one per cent.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Final

from pyperf2.core.units import parse_bandwidth
from pyperf2.errors import OptionError

_NUMBER: Final = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*"
_PERCENT: Final = re.compile(_NUMBER + "%", re.ASCII)
_TIME: Final = re.compile(_NUMBER + "(us|ms|s)", re.ASCII)
_MS_OF: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def rate(given: object) -> float:
    """Read bits per second: ``"900M"``, ``"1.5g"``, ``2_000_000``; prefixes are powers of 1000."""
    text = str(given).strip()
    try:
        found = parse_bandwidth(f"{given:f}" if isinstance(given, float) else text)
    except ValueError as error:
        raise OptionError(str(error)) from error
    if found.bits_per_second is None:
        raise OptionError(f"{given!r} is a rate of datagrams; bits per second are wanted: '900M'")
    return found.bits_per_second


def percent(given: object) -> float:
    """Read a share: ``"1%"``, ``"0.05 %"``."""
    match = _PERCENT.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise OptionError(f"{given!r} is no share; per cent are wanted, with their sign: '0.5%'")
    return float(match[1])


def milliseconds(given: object) -> float:
    """Read a time: ``"50ms"``, ``"0.3 s"``, ``"200us"``."""
    match = _TIME.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise OptionError(f"{given!r} is no time; give its unit: '50ms', '0.3s', '200us'")
    return float(match[1]) * _MS_OF[match[2]]


def count(given: object) -> float:
    """Read how many: a whole number, 0 or more."""
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not isfinite(given):
        raise OptionError(f"{given!r} is no count; a whole number is wanted")
    if given < 0 or given != int(given):
        raise OptionError(f"{given!r} is no count; a whole number, 0 or more, is wanted")
    return float(given)


def told(value: float, unit: str) -> str:
    """Write a figure for people: ``8.7 Mbit/s``, ``0.05 %``, ``12``."""
    if unit == "bit/s":
        prefixes = [(1e9, "G"), (1e6, "M"), (1e3, "k")]
        scale, prefix = next(((s, p) for s, p in prefixes if value >= s), (1.0, ""))
        return f"{value / scale:.4g} {prefix}bit/s"
    figure = f"{value:.0f}" if value == int(value) else f"{value:.4g}"
    return f"{figure} {unit}".rstrip()
