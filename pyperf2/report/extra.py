"""Whether what draws is installed; imports nothing else."""

from __future__ import annotations

from pyperf2.errors import MissingExtra


def require_matplotlib() -> None:
    """Make sure that pictures can be drawn.

    Raises:
        MissingExtra: matplotlib cannot be imported.
    """
    try:
        import matplotlib.figure  # noqa: F401 - whether it can be is the question
    except ImportError as error:
        raise MissingExtra(
            f"a plot needs matplotlib ({error}); get it with: pip install pyperf2[plot]"
        ) from error
