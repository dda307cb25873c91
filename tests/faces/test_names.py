"""What ``import pyperf2`` offers: every name, at the price of those that are used."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import pyperf2


def test_each_public_name_is_there_and_is_no_module() -> None:
    """``replay`` above all, whose module has the same name; ``dir`` tells all of them."""
    found = {name: getattr(pyperf2, name) for name in pyperf2.__all__}
    assert [] == [name for name, value in found.items() if inspect.ismodule(value)]
    assert set(pyperf2.__all__) <= set(dir(pyperf2))
    with pytest.raises(AttributeError, match="module 'pyperf2' has no attribute 'Sever'"):
        pyperf2.Sever  # type: ignore[attr-defined]  # noqa: B018


def test_what_is_not_used_is_not_imported() -> None:
    """Neither the options' table nor the records, until a name is asked for that needs them."""
    code = """
import sys, pyperf2
def heavy():
    return [one for one in ("pyroute2", "pyperf2.core", "pyperf2.face") if one in sys.modules]
assert [] == heavy(), heavy()
from pyperf2 import *
assert ["pyperf2.core", "pyperf2.face"] == heavy(), heavy()
import pyperf2.replay
assert callable(replay) and pyperf2.replay is replay
"""
    subprocess.run([sys.executable, "-c", code], check=True)
