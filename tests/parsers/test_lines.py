"""Lines come out the same however the bytes were cut, in bounded memory."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2.core.lines import LineBuffer


def split(
    chunks: list[bytes], *, max_line: int = 16 * 1024
) -> tuple[list[bytes], bytes | None, int]:
    """Return the lines, the torn last line and the number of cut ones."""
    buffer = LineBuffer(max_line=max_line)
    lines = [line for chunk in chunks for line in buffer.feed(chunk)]
    return lines, buffer.flush(), buffer.truncated


def test_lines() -> None:
    """Newlines go, with their carriage returns; a torn line waits for the end."""
    assert ([b"a", b"", b"b", b"c"], b"d", 0) == split([b"a\n\nb\r", b"\nc\nd"])


def test_nothing_is_torn_after_a_newline() -> None:
    """A stream that ends with its newline leaves nothing."""
    assert ([b"a"], None, 0) == split([b"a\n"])


def test_a_long_line_comes_once_and_short() -> None:
    """The rest of it is dropped up to its newline; the next line is whole."""
    assert ([b"xxxx", b"yy"], None, 1) == split([b"xx", b"xxxxxxxx", b"xx\nyy\n"], max_line=4)


def test_endless_bytes_take_no_memory() -> None:
    """A build gone mad may print without newlines for ever."""
    buffer = LineBuffer()
    for _ in range(1000):
        buffer.feed(b"x" * 65536)
        assert len(buffer._partial) <= buffer.max_line + 1
    assert buffer.flush() is None


def test_max_line_has_to_be_positive() -> None:
    """0 would cut everything."""
    with pytest.raises(ValueError, match="at least 1"):
        LineBuffer(max_line=0)


@given(
    st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"a", b"bc", b"ddddd", b""])),
    st.lists(st.integers(0, 60)),
    st.integers(1, 7),
)
def test_any_chunking_gives_the_same_lines(
    pieces: list[bytes], cuts: list[int], max_line: int
) -> None:
    """Cut anywhere, the lines, the torn one and the count are the same."""
    data = b"".join(pieces)
    at = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in pairwise(at)]
    whole = split([data], max_line=max_line)
    assert whole == split(chunks, max_line=max_line)
    assert whole == split([bytes([byte]) for byte in data], max_line=max_line)
