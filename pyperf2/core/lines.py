"""Bytes cut anywhere become lines; knows nothing of what a line says.

Memory is bounded by ``max_line``, work is linear in the bytes fed, however they are cut.
"""

from __future__ import annotations

from typing import Final

# The longest sane line is a histogram; 2.2.1 gone mad (``-C``) prints raw payload without end.
MAX_LINE: Final = 16 * 1024


class LineBuffer:
    r"""Collect bytes and hand out complete lines, without their ``\n`` or ``\r\n``.

    A line longer than ``max_line`` comes out once, cut to ``max_line`` bytes; the rest of it is
    dropped up to its newline.

    Attributes:
        truncated: how many lines were cut so far.
    """

    def __init__(self, *, max_line: int = MAX_LINE) -> None:
        """Start empty."""
        if max_line < 1:
            raise ValueError(f"max_line is {max_line}, it has to be at least 1")
        self.max_line = max_line
        self.truncated = 0
        self._partial = bytearray()
        self._dropping = False

    @property
    def empty(self) -> bool:
        """Whether nothing of a line was fed that is not ended."""
        return not (self._partial or self._dropping)

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes and return the lines they complete."""
        if self.empty and len(data) <= self.max_line and data.endswith(b"\n") and b"\r" not in data:
            return data[:-1].split(b"\n")  # as most do: whole lines
        pieces = data.split(b"\n")
        rest = pieces.pop()
        lines: list[bytes] = []
        if pieces and (self._partial or self._dropping):
            self._complete(pieces.pop(0), lines)
        if pieces and max(map(len, pieces)) > self.max_line:
            for piece in pieces:
                self._complete(piece, lines)
        elif b"\r" in data:
            lines += [piece.removesuffix(b"\r") for piece in pieces]
        else:
            lines += pieces
        self._extend(rest, lines)
        return lines

    def flush(self) -> bytes | None:
        """Return the torn last line at the end of the stream, None if there is none."""
        torn = bytes(self._partial)
        self._partial.clear()
        self._dropping = False
        return torn or None

    def _complete(self, piece: bytes, lines: list[bytes]) -> None:
        """Add what stood before a newline, and hand the line out."""
        self._extend(piece, lines)
        if not self._dropping:
            lines.append(bytes(self._partial).removesuffix(b"\r"))
        self._partial.clear()
        self._dropping = False

    def _extend(self, piece: bytes, lines: list[bytes]) -> None:
        """Add to the line that is being collected; emit it once if it grows too long."""
        if self._dropping or not piece:
            return
        room = self.max_line - len(self._partial)
        # One byte more is allowed for the \r of \r\n, which is not part of the line.
        if len(piece) <= room or (len(piece) == room + 1 and piece.endswith(b"\r")):
            self._partial += piece
            return
        self._partial += piece[: max(room, 0)]
        lines.append(bytes(self._partial[: self.max_line]))
        self._partial.clear()
        self._dropping = True
        self.truncated += 1
