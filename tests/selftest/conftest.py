"""No test of this folder leaves anything behind."""

from tests.live.support import nothing_leaks

__all__ = ["nothing_leaks"]
