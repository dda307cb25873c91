"""Records that were recognised at a glance: most of their figures are read when one is asked for.

A test prints thousands of lines whose latency or jitter nobody looks at. Such a record keeps its
line, and the ``Form`` that reads it; it is equal to one that was read at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyperf2.core import records  # which needs this module for its first class


class Form(Protocol):
    """A shape of lines.

    Attributes:
        later: the figures that are read when one of them is asked for.
        put: what sets each of them.
    """

    later: tuple[str, ...]
    put: tuple[Callable[[Any, Any], None], ...]

    def interval(self, line: bytes, stream_id: str, arrived: records.Instant) -> records.Interval:
        """Give the interval of a line of this shape, again."""

    def read(self, interval: Any, line: bytes) -> Iterable[Any]:
        """Read the figures of ``later``, in that order."""


class Unread:
    """What a record has beside its figures while some are unread."""

    __slots__ = ("form", "line")

    form: Form
    line: bytes

    if not TYPE_CHECKING:  # a type checker knows the names that there are

        def __getattr__(self, name: str) -> Any:
            """Read the rest of the line if this is one of its figures."""
            form = None if name in Unread.__slots__ else form_of(self)
            if form is None or name not in form.later:
                message = f"{type(self).__name__!r} object has no attribute {name!r}"
                raise AttributeError(message, name=name, obj=self)
            for put, figure in zip(form.put, form.read(self, self.line), strict=True):
                put(self, figure)
            return getattr(self, name)


def form_of(record: Unread) -> Form | None:
    """Give the form of a record that was recognised at a glance; None if it was read at once."""
    return getattr(record, "form", None)


def setters(record: type[Any], names: Iterable[str]) -> tuple[Callable[[Any, Any], None], ...]:
    """Give what sets each of these slots, of a frozen record too."""
    return tuple(_member(record, name).__set__ for name in names)


def _member(record: type[Any], name: str) -> Any:
    return next(vars(one)[name] for one in record.__mro__ if name in vars(one))
