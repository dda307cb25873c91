"""The command line: subcommands, what they print, exit statuses; what they do stands elsewhere."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

from pyperf2 import __version__
from pyperf2.core.binary import V3_17
from pyperf2.errors import PyPerf2Error
from pyperf2.run.probe import find, probe
from pyperf2.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyperf2.core.binary import Build, Tool
    from pyperf2.selftest.report import Report

NOT_MET: Final = 1
NOT_RUN: Final = 2  # argparse's own status for a command line that it does not understand
INTERRUPTED: Final = 130  # as a shell tells it of a process that SIGINT has ended,
UNREAD: Final = 141  # and of one that SIGPIPE has

_OUTAGES: Final = 8  # of each length: 40 s
_QUICK_OUTAGES: Final = 2
_PAUSE_S: Final = 0.45
_QUICK_PAUSE_S: Final = 0.3
_STANDARD_OUTPUT: Final = "-"
_TOOLS: Final[tuple[Tool, ...]] = ("iperf2", "iperf3")
_ABILITIES: Final[Mapping[str, Callable[[Build], bool]]] = {
    "rates in packets per second": lambda build: build.has_pps,
    "multicast": lambda build: build.tool == "iperf2",
    "live JSON": lambda build: build.tool == "iperf3" and build.version >= V3_17,
}


class _Command(NamedTuple):
    """A subcommand: a line of help, its options, what it does."""

    help: str
    describe: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; give the exit status.

    0: done. 1: done, and something is not as it should be. 2: it could not be done, and standard
    error says why. 130: Ctrl-C. 141: nobody reads on, as behind ``| head``.
    """
    parser = argparse.ArgumentParser(prog="pyperf2", description=_DESCRIPTION)
    parser.add_argument(
        "--version", action="store_true", help="the versions of pyperf2 and of each iperf here"
    )
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for name, command in _COMMANDS.items():
        command.describe(commands.add_parser(name, help=command.help, description=command.help))
    options = parser.parse_args(argv)
    try:
        if options.version:
            return _show_versions()
        if options.command is None:
            parser.error(f"a command is wanted: {', '.join(_COMMANDS)}")
        return _COMMANDS[options.command].run(options)
    except PyPerf2Error as error:
        _say(f"pyperf2: {error}", sys.stderr)
        return NOT_RUN
    except KeyboardInterrupt:
        _say("pyperf2: interrupted", sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # What is still to be written when Python ends would fail once more, with a complaint.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return UNREAD


def _say(text: str, stream: TextIO, end: str = "\n") -> None:
    """Print, with nothing in it that a terminal would obey."""
    print(printable(text), file=stream, end=end, flush=True)


def _show_versions() -> int:
    """Print the versions of what is here; 2 if there is no iperf at all."""
    _say(f"pyperf2 {__version__}, Python {platform.python_version()}", sys.stdout)
    found = 0
    for tool in _TOOLS:
        try:
            path = find(None, tool)
            build = probe(path)
        except PyPerf2Error as error:
            _say(f"{tool}: {error}", sys.stdout)
            continue
        found += 1
        able = [name for name, has in _ABILITIES.items() if has(build)]
        told = ", ".join([f"intervals from {build.smallest_interval_s:g} s", *able])
        _say(f"{build} ({path}): {told}", sys.stdout)
    return 0 if found else NOT_RUN


# --- selftest -----------------------------------------------------------------------------------


def _describe_selftest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="some ten seconds, fewer outages")
    parser.add_argument("--iperf", metavar="PATH", help="the binary to test; else that on PATH")
    parser.add_argument("--tool", choices=_TOOLS, default="iperf2", help="which iperf")
    parser.add_argument("--flows", type=int, metavar="N", default=4, help="that see each outage: 4")
    parser.add_argument("--outages", type=int, metavar="N", help="of each length: 8, 2 if quick")
    parser.add_argument("--seed", type=int, metavar="N", default=1, help="of their order: 1")
    parser.add_argument("--json", metavar="FILE", help="write all figures; -: instead of the table")
    parser.epilog = (
        "Exit status: 0 all is as exact as documented; 1 it is not; 2 it could not be run; "
        "130 interrupted, with the figures so far."
    )


def _selftest(options: argparse.Namespace) -> int:
    from pyperf2 import selftest

    usual = _QUICK_OUTAGES if options.quick else _OUTAGES
    plan = selftest.Plan(
        tool=options.tool,
        iperf=options.iperf,
        flows=options.flows,
        outages=usual if options.outages is None else options.outages,
        pause_s=_QUICK_PAUSE_S if options.quick else _PAUSE_S,
        seed=options.seed,
    )
    if (refusal := _not_writable(options.json)) is not None:
        _say(f"pyperf2: {refusal}", sys.stderr)
        return NOT_RUN
    progress = _Progress(sys.stderr)
    try:
        report = selftest.run(plan, progress)
    finally:
        progress.clear()
    _hand_out(report, options.json)
    if report.interrupted:
        return INTERRUPTED
    return NOT_MET if report.misses else 0


def _not_writable(path: str | None) -> str | None:
    """Say before a minute's work why its figures could not be written; None if they can."""
    if path is None or path == _STANDARD_OUTPUT:
        return None
    file = Path(path)
    if file.is_dir():
        return f"--json {path}: this is a folder; name a file"
    place = file if file.exists() else file.absolute().parent
    if not os.access(place, os.W_OK):
        return f"--json {path}: {place} is not there, or may not be written"
    return None


def _hand_out(report: Report, path: str | None) -> None:
    from pyperf2.selftest.table import text_of

    if path is not None:
        text = json.dumps(report.to_dict(), indent=2) + "\n"
        if path == _STANDARD_OUTPUT:
            _say(text, sys.stdout, end="")
            return
        Path(path).write_text(text, encoding="utf-8")
    _say(text_of(report), sys.stdout)


class _Progress:
    """One line of a terminal that tells what is being done; silent where there is none."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._width = 0

    def __call__(self, text: str) -> None:
        """Show a text instead of the last one."""
        if self._stream.isatty():
            shown = printable(text)
            self._stream.write(f"\r{shown:<{self._width}}")
            self._stream.flush()
            self._width = len(shown)

    def clear(self) -> None:
        """Leave the line empty."""
        if self._width:
            self("")
            self._stream.write("\r")
            self._stream.flush()


_DESCRIPTION: Final = "iperf2 and iperf3 from Python; this command shows how exact they are here."
_COMMANDS: Final[Mapping[str, _Command]] = {
    "selftest": _Command(
        "make known outages in a network of its own, and compare what is told of them",
        _describe_selftest,
        _selftest,
    ),
}
