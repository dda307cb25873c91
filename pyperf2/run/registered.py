"""The callbacks that a user has registered: who is called, and what becomes of one that raises."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class Callbacks:
    """What the user registered, and how often it failed."""

    __slots__ = ("errors", "on_data", "on_loss")

    def __init__(self) -> None:
        """Start with none."""
        self.on_data: list[tuple[Callable[..., Any], dict[str, Any]]] = []
        self.on_loss: list[tuple[Callable[..., Any], dict[str, Any]]] = []
        self.errors = 0

    def __bool__(self) -> bool:
        """Whether there is anyone to call."""
        return bool(self.on_data or self.on_loss)

    def call(
        self, registered: list[tuple[Callable[..., Any], dict[str, Any]]], told: dict[str, Any]
    ) -> None:
        """Call each in the order of registration; one that raises is logged and counted."""
        for callback, keywords in tuple(registered):
            try:
                callback(told, **keywords)
            except KeyboardInterrupt:  # Ctrl-C, on a loop of the user's own
                raise
            except BaseException:  # noqa: BLE001 - user code may raise anything, and exit nothing
                self.errors += 1
                _log.exception("the callback %r raised; the run goes on", callback)
