"""The log of a stress test: a JSON line per stream begun and ended, to be read and replayed."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from pyperf2.core.endpoints import Endpoint
from pyperf2.errors import OptionError, RawLogError
from pyperf2.traffic.draws import Draw

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyperf2.traffic.ledger import Played

_FORMAT: Final = "pyperf2 stress 1"


class Journal:
    """A log that is written; what cannot be written stops it, never the test."""

    def __init__(self, path: str | Path, setup: Mapping[str, Any]) -> None:
        """Begin a new file, with what the test is made with in its first line.

        Raises:
            RawLogError: it cannot be written.
        """
        self.error = ""
        try:
            self._file: IO[str] = Path(path).open("w", encoding="utf-8")  # noqa: SIM115 - `close`
        except OSError as error:
            raise RawLogError(f"log={str(path)!r} cannot be written: {error.strerror}") from error
        self._write({"format": _FORMAT, "setup": dict(setup)})

    def begin(self, draw: Draw) -> None:
        """A stream is about to start."""
        self._write({"begin": asdict(draw)})

    def end(self, played: Played) -> None:
        """It is over."""
        told = {**asdict(played), "draw": [played.draw.slot, played.draw.number]}
        self._write({"end": told})

    def close(self) -> None:
        """Write no more."""
        try:
            self._file.close()
        except OSError as error:
            self.error = self.error or str(error)

    def _write(self, line: Mapping[str, Any]) -> None:
        if self.error:
            return
        try:
            self._file.write(json.dumps(line, default=str) + "\n")
            self._file.flush()  # a test that is killed leaves its log
        except OSError as error:
            self.error = str(error)


def read(path: str | Path) -> tuple[dict[str, Any], dict[int, list[Draw]]]:
    """Read a log: what the test was made with, and what each slot played, in order.

    A stream that was broken off is given as long as it ran, rounded up. A last line that is cut
    off is that of a test that was killed, and is left out.

    Raises:
        OptionError: it is no such log, or a line of it is damaged.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"log={str(path)!r} cannot be read: {error}") from error
    lines = text[: text.rfind("\n") + 1].splitlines()
    parsed = list(_parsed(path, lines))
    if not parsed or parsed[0].get("format") != _FORMAT:
        raise OptionError(f"{str(path)!r} is no log of a stress test ({_FORMAT!r})")
    played: dict[int, list[Draw]] = {}
    for number, line in enumerate(parsed[1:], 2):
        try:
            _take(line, played)
        except (TypeError, KeyError, ValueError, IndexError) as error:
            raise OptionError(f"{str(path)!r}, line {number}, is damaged: {error}") from error
    try:
        return _setup(**parsed[0]["setup"]), played
    except (TypeError, KeyError, ValueError) as error:
        raise OptionError(f"{str(path)!r}, line 1, is damaged: {error}") from error


def _setup(*, client: Any, server: Any, ports: Any, **rest: Any) -> dict[str, Any]:
    hosts = {"client": Endpoint(*client), "server": Endpoint(*server)}
    return {**rest, **hosts, "ports": None if ports is None else range(*ports)}


def _take(line: Mapping[str, Any], played: dict[int, list[Draw]]) -> None:
    if "begin" in line:
        draw = Draw(**line["begin"])
        played.setdefault(draw.slot, []).append(draw)
        return
    end = line["end"]
    slot, number = end["draw"]
    last = played[slot][-1]
    if last.number == number and end["outcome"] == "broken off":
        ran = max(1, math.ceil(end["seconds"]))
        played[slot][-1] = replace(last, seconds=min(ran, last.seconds))


def _parsed(path: str | Path, lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line)
        except ValueError as error:
            raise OptionError(f"{str(path)!r}, line {number}, is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise OptionError(f"{str(path)!r}, line {number}, is no JSON object")
        yield found
