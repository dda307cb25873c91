"""Nothing in the package hands a command line to a shell, or text to an interpreter."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pyperf2

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(pyperf2.__file__).parent
FORBIDDEN = {
    "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell", "eval", "exec", "pickle.load", "pickle.loads",
    "marshal.loads", "tempfile.mktemp",
}  # fmt: skip
FORBIDDEN_LAST = {name.rpartition(".")[2] for name in FORBIDDEN if "." in name} - {"load", "loads"}


def offences(tree: ast.AST) -> Iterator[str]:
    """Name each call, and each import, that must not be."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in FORBIDDEN or called in FORBIDDEN_LAST:
                yield called
            shell = [one.value for one in node.keywords if one.arg == "shell"]
            if shell and not (isinstance(shell[0], ast.Constant) and shell[0].value is False):
                yield f"{called}(shell=…)"
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {one.name for one in node.names}
            yield from names & (FORBIDDEN_LAST | {"pickle", "marshal", "pty"})


def test_no_shell_anywhere() -> None:
    """Each file of the package is read; programs are started by lists of words alone."""
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 100
    found = {
        f"{path.relative_to(PACKAGE)}: {offence}"
        for path in files
        for offence in offences(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert set() == found


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.run('x', shell=True)",
        "subprocess.Popen(x, shell=maybe)",
        "os.system(x)",
        "from os import system",
        "import pickle",
        "eval(x)",
        "asyncio.create_subprocess_shell(x)",
    ],
)
def test_the_search_finds(code: str) -> None:
    """What the test above looks for would be found."""
    assert list(offences(ast.parse(code)))
