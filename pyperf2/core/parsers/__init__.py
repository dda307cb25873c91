"""The dialects of iperf's output, and the table that picks one.

A new dialect is a module (or package) here and a line in ``_DIALECTS``; the dialects do not know
one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

from pyperf2.core.parsers.iperf2 import Iperf2Csv, Iperf2Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.core.records import Instant, Record
    from pyperf2.core.records import Protocol as Transport

    Release = tuple[int | str, ...]

Tool = Literal["iperf2", "iperf3"]
Form = Literal["text", "csv"]


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
}


def dialect_for(
    *,
    role: Literal["client", "server"],
    protocol: Transport,
    tool: Tool = "iperf2",
    csv: bool = False,
    version: Release | None = None,
    report_interval: float | None = None,
) -> Dialect:
    """Return a fresh reader for the output of one process.

    Args:
        role: of the process.
        protocol: of the test.
        tool: which program it is.
        csv: whether iperf2 was started with ``-y C``.
        version: of the binary, if known.
        report_interval: ``-i`` in seconds, 0 where it runs without, None where that is unknown.

    Raises:
        LookupError: nobody has written that dialect.
    """
    form: Form = "csv" if csv else "text"
    try:
        factory = _DIALECTS[tool, form]
    except KeyError:
        known = ", ".join(f"{tool} {form}" for tool, form in _DIALECTS)
        raise LookupError(f"{tool} {form} cannot be read; there are: {known}") from None
    return factory(role=role, protocol=protocol, version=version, report_interval=report_interval)


__all__ = ["Dialect", "Form", "Iperf2Csv", "Iperf2Text", "Tool", "dialect_for"]
