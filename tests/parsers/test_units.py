"""Quantities: what iperf prints and what users write."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2.core.units import (
    Bandwidth,
    finite,
    parse_bandwidth,
    parse_length,
    parse_quantity,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.40 MBytes", 1.40 * 2**20),
        ("11.8 Mbits/sec", 11.8e6),
        ("63K", 63 * 1024.0),
        ("28", 28.0),
        ("2.39 MByte", 2.39 * 2**20),
        ("80.0 Bytes", 80.0),
        ("640 bits/sec", 640.0),
        ("15.1 PBytes", 15.1 * 2**50),
        ("69.5 Tbits/sec", 69.5e12),
        ("1437 KBytes/sec", 1437 * 1024 * 8.0),
        ("-16252934016.00 bits/sec", -16252934016.0),
        ("-nan bits/sec", None),
        ("inf Gbits/sec", None),
        ("1.4 Furlongs", None),
        ("-1K", None),
        ("NA", None),
        ("", None),
    ],
)
def test_figures_of_iperf(text: str, value: float | None) -> None:
    """2^10 for Bytes, 10^3 for bits; None for what is no finite figure."""
    assert pytest.approx(value) == parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "bandwidth"),
    [
        ("1000pps", Bandwidth(packets_per_second=1000)),
        ("2.5kpps", Bandwidth(packets_per_second=2500)),
        ("10M", Bandwidth(bits_per_second=10_000_000)),
        ("10m", Bandwidth(bits_per_second=10_000_000)),
        ("1G", Bandwidth(bits_per_second=1e9)),
        ("250k", Bandwidth(bits_per_second=250_000)),
        (" 64000 ", Bandwidth(bits_per_second=64_000)),
    ],
)
def test_bandwidth(text: str, bandwidth: Bandwidth) -> None:
    """Packets or bits per second."""
    assert bandwidth == parse_bandwidth(text)


def test_what_iperf2_makes_of_capitals() -> None:
    """2.1.8 -b 10M sends 10 485 760 bit/s (IPG target: 1121.52 us for 1470 bytes), 10m 10^7."""
    assert Bandwidth(bits_per_second=10 * 1024**2) == parse_bandwidth("10M", capital=1024)
    assert Bandwidth(bits_per_second=10_000_000) == parse_bandwidth("10m", capital=1024)


@pytest.mark.parametrize(
    "text", ["", "fast", "-1M", "0", "0pps", "1e6", "10MB", "10M pps", "9" * 400]
)
def test_no_bandwidth(text: str) -> None:
    """The refusal says what would work."""
    with pytest.raises(ValueError, match="is no bandwidth"):
        parse_bandwidth(text)


@pytest.mark.parametrize(("text", "length"), [("1470", 1470), ("64K", 65536), ("1k", 1000)])
def test_length(text: str, length: int) -> None:
    """As iperf reads -l: capitals in powers of 1024."""
    assert length == parse_length(text)


@pytest.mark.parametrize("text", ["", "long", "-1", "0", "1470B"])
def test_no_length(text: str) -> None:
    """The refusal says what would work."""
    with pytest.raises(ValueError, match="is no length"):
        parse_length(text)


@given(st.text())
def test_garbage_never_raises_anything_else(text: str) -> None:
    """Figures become None; options raise ValueError."""
    finite(text)
    parse_size(text)
    parse_quantity(text)
    for parse in (parse_bandwidth, parse_length):
        with suppress(ValueError):
            parse(text)
