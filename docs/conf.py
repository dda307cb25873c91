"""Sphinx, warnings as errors: a broken reference or example does not get past `make test`."""

from __future__ import annotations

import builtins
import collections.abc
import importlib
import re
import sys
import typing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("_ext")))

# With the imports that serve annotations only, autodoc leads each type to its page.
typing.TYPE_CHECKING = True
import pyperf2

typing.TYPE_CHECKING = False
_before = set(sys.modules)
import pyperf2.convergence
import pyperf2.lab
import pyperf2.traffic

# Its modules name one another in their annotations: the second time, each finds all others there.
typing.TYPE_CHECKING = True
for _name in [name for name in sys.modules if name.startswith("pyperf2.") and name not in _before]:
    importlib.reload(sys.modules[_name])
typing.TYPE_CHECKING = False

project = "pyperf2"
author = "the pyperf2 authors"
project_copyright = author
release = pyperf2.__version__
version = ".".join(release.split(".")[:2])

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "message_keys",
    "option_table",
    "state_diagram",
]
exclude_patterns = ["_build", "_ext", "accuracy-table.rst"]
html_theme = "furo"
html_title = f"pyperf2 {release}"

add_module_names = False  # everything is imported from pyperf2 itself

# -- how the API reads -----------------------------------------------------------------------

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# -- references ------------------------------------------------------------------------------

# Every reference must lead somewhere. Only the standard library is out of reach: its inventory
# would have to be fetched, and the docs are built without a network.
_MODULES = "|".join(sorted(map(re.escape, sys.stdlib_module_names)))
_BARE = sorted(
    {*dir(builtins), *collections.abc.__all__, *typing.__all__, "Path", "datetime", "timedelta"}
)
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", rf"(?:{_MODULES})\..+"),
    ("py:.*", "|".join(map(re.escape, _BARE))),
    ("py:class", r"pyperf2\..+\._[A-Z]"),  # type variables
    ("py:.*", r"matplotlib\..+"),  # optional, and its inventory is out of reach as well
]
