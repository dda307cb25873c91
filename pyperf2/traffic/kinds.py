"""What all traffic has in common: an instance is one, a stream is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pyperf2.core.validation import ValidationReport
    from pyperf2.errors import PyPerf2Error


@runtime_checkable
class Traffic(Protocol):
    """What can be started, run, stopped and validated: ``Server``, ``Client``, ``Stream``."""

    @property
    def started(self) -> bool:
        """Whether it was started."""

    @property
    def running(self) -> bool:
        """Whether it runs just now; False before the first start."""

    @property
    def status(self) -> str:
        """``configured``, ``running`` or ``stopped``."""

    @property
    def results(self) -> object:
        """What its latest run has left so far."""

    @property
    def error(self) -> PyPerf2Error | None:
        """What went wrong in the latest run; or None."""

    def start(self) -> object:
        """Start it; it runs until it is stopped, or ends by itself."""

    def stop(self) -> object:
        """Stop it; more than once is no harm."""

    def run(self, duration: float) -> object:
        """Run it for so many seconds; a server is started only."""

    def validate(self) -> ValidationReport:
        """Hold its results against criteria."""
