"""No test of this folder leaves anything behind."""

from __future__ import annotations

from tests.live.support import nothing_leaks

__all__ = ["nothing_leaks"]
