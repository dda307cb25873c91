"""JSON text to values, hostile or torn as it may be; knows no iperf3.

The standard library's ``json`` takes the last of two like keys, NaN for a number, and nesting
down to a RecursionError. Here each is refused or told.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

# A test of a day with -i 0.1 and one stream prints 300 MiB; nobody reads that as one document.
MAX_DOCUMENT: Final = 64 * 1024 * 1024
_MAX_COMPLAINTS: Final = 16
_MAX_DEPTH: Final = 64
_SHOWN: Final = 60

# A string, closed or torn, or a bracket. Each alternative is linear, whatever the text.
_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.?[^"\\]*)*(?:"|\Z)|[\[\]{}]', re.DOTALL)
_CLOSER: Final = {"{": "}", "[": "]"}
# 3.9 --bidir says these twice, once for each direction; from 3.12 on the second has this name.
_SECOND: Final = {name: f"{name}_bidir_reverse" for name in ("sum", "sum_sent", "sum_received")}


class Json(NamedTuple):
    """A value, and what was wrong with it in parts."""

    value: Any
    complaints: tuple[str, ...] = ()


def read_json(text: str) -> Json:
    """Read one JSON value.

    Raises:
        ValueError: it is none; the message says why.
    """
    complaints: list[str] = []

    def complain(what: str) -> None:
        if len(complaints) < _MAX_COMPLAINTS:
            complaints.append(what)

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in members:
            if key not in made:
                made[key] = value
            elif key in _SECOND and isinstance(value, dict) and _SECOND[key] not in made:
                made[_SECOND[key]] = value
            elif made[key] != value:  # 3.18 says "target_bitrate" twice, and the same
                complain(
                    f"{key[:_SHOWN]!r} is said twice, with different values; the first is kept"
                )
        return made

    def constant(name: str) -> None:
        complain(f"{name} is no number")

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return Json(value, tuple(complaints))


def mend(text: str) -> str | None:
    """Return a torn document up to its last complete part, closed; None if there is none."""
    open_brackets: list[str] = []
    end, closers = 0, ""
    for match in _TOKEN.finditer(text):
        bracket = match[0]
        if bracket in _CLOSER:
            open_brackets.append(_CLOSER[bracket])
            if len(open_brackets) > _MAX_DEPTH:
                break
        elif bracket in "]}":
            if not open_brackets or open_brackets.pop() != bracket:
                break
            end, closers = match.end(), "".join(reversed(open_brackets))
    return text[:end] + closers if end else None


class Documents:
    """Collects the lines of pretty-printed documents: from ``{`` to ``}``, each alone on a line."""

    def __init__(self) -> None:
        """Begin outside any document."""
        self._lines: list[str] | None = None
        self._size = 0
        self._refused = False

    @property
    def collecting(self) -> bool:
        """Whether a document has begun and not ended."""
        return self._lines is not None

    def begin(self, line: str) -> None:
        """Take the first line."""
        self._lines, self._size, self._refused = [line], len(line), False

    def add(self, line: str) -> bool:
        """Take a further line; False if that made it too long: it is forgotten from then on."""
        if self._lines is None or self._refused:
            return True
        self._size += len(line) + 1
        self._lines.append(line)
        if self._size <= MAX_DOCUMENT:
            return True
        self._lines.clear()
        self._refused = True
        return False

    def take(self) -> str | None:
        """Return the document and begin outside again; None if it was too long."""
        text = "\n".join(self._lines or ())
        refused, self._lines, self._refused = self._refused, None, False
        return None if refused else text
