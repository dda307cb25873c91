"""One impairment on one link: prepared beforehand, switched on and off at exact instants."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from pyperf2.core.arguments import seconds_of
from pyperf2.errors import PyPerf2Error, StateError
from pyperf2.lab.filters import Filter
from pyperf2.lab.hits import Count, Hit
from pyperf2.lab.impairments import Blackout, Delay, Duplicate, LinkDown, Loss, RateLimit
from pyperf2.lab.pulled import Pulled
from pyperf2.lab.shapers import Shaper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyperf2.lab.impairments import Impairment
    from pyperf2.lab.instants import Bracket
    from pyperf2.lab.links import Link


class Means(Protocol):
    """How an impairment is done.

    Directions: 0 leads to the first end of the link, 1 to the second.
    """

    def prepare(self) -> None:
        """Do all that can be done beforehand; raises, having undone it, what is not possible."""

    def on(self) -> Bracket:
        """Switch it on."""

    def off(self) -> Bracket:
        """Switch it off."""

    def counts(self) -> Mapping[int, Count]:
        """Return what it took since it was prepared, by direction."""

    def exact(self) -> bool:
        """Tell whether the counts since ``on`` are exact."""

    def remove(self) -> None:
        """Undo ``prepare``."""


_MEANS: Final[dict[type, Callable[..., Means]]] = {
    Blackout: Filter,
    Loss: Filter,
    Duplicate: Filter,
    RateLimit: Shaper,
    Delay: Shaper,
    LinkDown: Pulled,
}


class Fault:
    """An impairment on a link, ready to be switched; ``with`` switches it on and off.

    Attributes:
        impairment: what it is.
        link: where it is.
        hits: what it did, each time that it was on.
    """

    def __init__(self, link: Link, impairment: Impairment, directions: Sequence[int]) -> None:
        """Prepare it."""
        self.impairment = impairment
        self.link = link
        self.hits: list[Hit] = []
        self._base: Mapping[int, Count] = dict.fromkeys(directions, Count())
        self._on = False
        self._removed = False
        self._means = _MEANS[type(impairment)](link, impairment, directions)
        try:
            self._means.prepare()
        except BaseException:
            with suppress(PyPerf2Error):  # half of it may not be there; the first error tells why
                self._means.remove()
            raise

    def start(self) -> Hit:
        """Switch it on; the hit tells when, and counts.

        Raises:
            StateError: it is on, or removed.
            LabError: the kernel refused it; the link is gone, say.
        """
        if self._on or self._removed:
            raise StateError(f"{self} is {'on already' if self._on else 'removed'}")
        began = self._means.on()
        self._on = True
        hit = Hit(
            impairment=self.impairment, link=self.link.name, began=began, _live=self._since_start
        )
        self.hits.append(hit)
        return hit

    def stop(self) -> Hit:
        """Switch it off, and read the counters.

        Raises:
            StateError: it is off.
            LabError: the kernel refused it; the link is gone, say.
        """
        if not self._on:
            raise StateError(f"{self} is off")
        hit = self.hits[-1]
        ended = self._means.off()
        self._on = False
        totals = self._means.counts()
        hit.close(ended, self._since_start(totals), exact=self._means.exact())
        self._base = totals
        return hit

    def hold(self, seconds: float) -> Hit:
        """Switch it on for so long: an event for a convergence test.

        Args:
            seconds: more than 0; when this is interrupted, it is switched off at once.

        Raises:
            OptionError, StateError, LabError: no time; as `start`.
        """
        length_s = seconds_of("seconds", seconds, exclusive=True)
        with self as hit:
            time.sleep(length_s)
        return hit

    def remove(self) -> None:
        """Take it off the link, switched off before if need be; harmless a second time."""
        if self._removed:
            return
        try:
            if self._on:
                self.stop()
        finally:
            self._removed, self._on = True, False
            self._means.remove()

    def __enter__(self) -> Hit:
        """Switch it on."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Switch it off; it stays prepared."""
        self.stop()

    def __repr__(self) -> str:
        """Name it as an error message needs it."""
        return f"{self.impairment} on {self.link.name}"

    def _since_start(self, totals: Mapping[int, Count] | None = None) -> dict[str, Count]:
        return {
            self.link.ends[toward].node.name: count - self._base[toward]
            for toward, count in (totals or self._means.counts()).items()
        }


class Impaired:
    """An impairment for one ``with`` block: prepared, on, off, removed."""

    def __init__(self, prepare: Callable[[], Fault]) -> None:
        """Only keep what to do; the block does it."""
        self._prepare = prepare
        self._fault: Fault | None = None

    def __enter__(self) -> Hit:
        """Prepare it and switch it on."""
        self._fault = self._prepare()
        try:
            return self._fault.start()
        except BaseException:
            self._fault.remove()
            raise

    def __exit__(self, *_: object) -> None:
        """Switch it off and remove it."""
        if self._fault is not None:
            self._fault.remove()
