"""The recordings as inputs of the targets: where a fuzzer begins."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal

from tests.fuzz.targets import HEAD, VERSIONS
from tests.parsers import corpus
from tests.parsers.iperf3 import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pyperf2.core.parsers import Tool

    _Output = corpus.Output | recorded.Output

_MOST_BYTES: Final = 6_000  # a fuzzer learns little from the thousandth interval
_SECOND: Final = 3 << 2  # intervals of a second, in the first byte of a head


def seeds(target: str) -> Iterator[bytes]:
    """Give the recorded outputs that a target may be fed, under circumstances like theirs."""
    tool: Tool = "iperf2" if "iperf2" in target else "iperf3"
    outputs: Sequence[_Output] = corpus.outputs() if tool == "iperf2" else recorded.outputs()
    for number, output in enumerate(outputs):
        if _form(output) not in _FORMS[target]:
            continue
        text = "\n".join(text for _, _, text in output.lines)
        printed = text.encode("utf-8", "surrogateescape")[:_MOST_BYTES]
        known = VERSIONS[tool]
        version = known.index(output.version) if output.version in known else 0
        tcp = 0 if "-u" in output.argv else 2
        cuts = bytes(number * n % 256 for n in range(HEAD - 3))
        yield bytes([(output.side == "client") | tcp | _SECOND, version, 0]) + cuts + printed


_Form = Literal["text", "csv", "json"]
_FORMS: Final[dict[str, tuple[_Form, ...]]] = {
    "iperf2-text": ("text",),
    "iperf2-csv": ("csv",),
    "iperf3-text": ("text",),
    "iperf3-json": ("json",),
    "session-iperf2": ("text",),
    "session-iperf3": ("text", "json"),
}


def _form(output: _Output) -> _Form:
    if "-y" in output.argv:
        return "csv"
    return "json" if isinstance(output, recorded.Output) and output.json else "text"


def write_seeds(target: str, folder: Path) -> int:
    """Write each seed into a file named by its content; return how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    named = {sha256(seed).hexdigest()[:16]: seed for seed in seeds(target)}
    for name, seed in named.items():
        (folder / name).write_bytes(seed)
    return len(named)
