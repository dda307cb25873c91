"""The dialects of iperf's output, and the table that picks one.

A new dialect is a module (or package) here and a line in ``_DIALECTS``; the dialects do not know
one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

from pyperf2.core.lines import MAX_LINE
from pyperf2.core.parsers.iperf2 import Iperf2Csv, Iperf2Text
from pyperf2.core.parsers.iperf3 import Iperf3Json, Iperf3Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.core.records import Instant, Record
    from pyperf2.core.records import Protocol as Transport

    Release = tuple[int | str, ...]

Tool = Literal["iperf2", "iperf3"]
Form = Literal["text", "csv", "json"]

# One event line of iperf3 holds all streams (128, both ways: 200 KB), or the server's whole output.
_MAX_JSON_LINE: Final = 16 * 1024 * 1024


class Dialect(Protocol):
    """Reads one process's output, line by line; never raises, whatever the bytes."""

    def parse(
        self, line: bytes, now: Instant, source: Literal["stdout", "stderr"] = "stdout"
    ) -> Sequence[Record]:
        """Return what a line (without its newline) says."""

    def finish(self) -> Sequence[Record]:
        """Return what the end of the output says."""


class _Factory(Protocol):
    """Makes a dialect for one run."""

    def __call__(
        self,
        *,
        role: Literal["client", "server"],
        protocol: Transport,
        version: Release | None = None,
        report_interval: float | None = None,
    ) -> Dialect:
        """Begin before the first line."""


_DIALECTS: Final[dict[tuple[Tool, Form], _Factory]] = {
    ("iperf2", "text"): Iperf2Text,
    ("iperf2", "csv"): Iperf2Csv,
    ("iperf3", "text"): Iperf3Text,
    ("iperf3", "json"): Iperf3Json,
}


def dialect_for(
    *,
    role: Literal["client", "server"],
    protocol: Transport,
    tool: Tool = "iperf2",
    csv: bool = False,
    json: bool = False,
    version: Release | None = None,
    report_interval: float | None = None,
) -> Dialect:
    """Return a fresh reader for the output of one process.

    Args:
        role: of the process.
        protocol: of the test.
        tool: which program it is.
        csv: whether iperf2 was started with ``-y C``.
        json: whether iperf3 was started with ``--json-stream`` or ``--json``; its text is read
            with this, too.
        version: of the binary, if known.
        report_interval: ``-i`` in seconds, 0 where it runs without, None where that is unknown.

    Raises:
        LookupError: nobody has written that dialect.
    """
    form: Form = "csv" if csv else "json" if json else "text"
    try:
        factory = _DIALECTS[tool, form]
    except KeyError:
        known = ", ".join(f"{tool} {form}" for tool, form in _DIALECTS)
        raise LookupError(f"{tool} {form} cannot be read; there are: {known}") from None
    return factory(role=role, protocol=protocol, version=version, report_interval=report_interval)


def longest_line(*, json: bool = False) -> int:
    """Return how long a sane line of output may be, in bytes: what to cut it at."""
    return _MAX_JSON_LINE if json else MAX_LINE


__all__ = [
    "Dialect",
    "Form",
    "Iperf2Csv",
    "Iperf2Text",
    "Iperf3Json",
    "Iperf3Text",
    "Tool",
    "dialect_for",
    "longest_line",
]
