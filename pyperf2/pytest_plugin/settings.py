"""What holds for a whole session: each an option of the command line and an ini value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Setting(NamedTuple):
    help: str
    choices: tuple[str, ...] = ()  # the first is the default
    is_path: bool = False
    metavar: str | None = None


# By the name of the ini value; the option is the same with dashes.
_TABLE: Final[Mapping[str, _Setting]] = {
    "iperf_tool": _Setting("of servers and clients that name no tool", ("iperf2", "iperf3")),
    "iperf_binary": _Setting("the iperf2 to run", is_path=True, metavar="PATH"),
    "iperf3_binary": _Setting("the iperf3 to run", is_path=True, metavar="PATH"),
    "iperf_undecided": _Setting(
        "what becomes of a test whose convergence_limits cannot be decided", ("fail", "warn")
    ),
    "iperf_artifacts": _Setting(
        "keep raw logs, results and reports in a folder per test in DIR",
        is_path=True,
        metavar="DIR",
    ),
    "iperf_artifacts_when": _Setting("of which tests they are kept", ("always", "failed")),
}
_REQUIRE: Final = "iperf_require"
_REQUIRE_HELP: Final = "fail, not skip, where a binary or a privilege is missing (for CI)"


class Settings(NamedTuple):
    """What is set, defaults filled in."""

    tool: str
    binaries: Mapping[str, str | None]  # by tool; None: the one on PATH
    require: bool
    undecided: str
    artifacts: Path | None
    artifacts_when: str


SETTINGS: Final = pytest.StashKey[Settings]()


def add_options(parser: pytest.Parser) -> None:
    """Add all of them, as options and as ini values."""
    group = parser.getgroup("pyperf2", "iperf, by pyperf2")
    for name, setting in _TABLE.items():
        told = setting.help + (f" (default: {setting.choices[0]})" if setting.choices else "")
        group.addoption(
            _flag(name), choices=setting.choices or None, metavar=setting.metavar, help=told
        )
        parser.addini(name, f"{told}; as {_flag(name)}")
    group.addoption(_flag(_REQUIRE), action="store_true", default=None, help=_REQUIRE_HELP)
    parser.addini(_REQUIRE, f"{_REQUIRE_HELP}; as {_flag(_REQUIRE)}", type="bool", default=False)


def read(config: pytest.Config) -> Settings:
    """Read what is set; UsageError says what would work."""
    values = {name: _value(config, name, setting) for name, setting in _TABLE.items()}
    artifacts = values["iperf_artifacts"]
    if artifacts and Path(artifacts).exists() and not Path(artifacts).is_dir():
        raise pytest.UsageError(f"--iperf-artifacts={artifacts}: there is a file of that name")
    return Settings(
        tool=values["iperf_tool"],
        binaries={
            "iperf2": values["iperf_binary"] or None,
            "iperf3": values["iperf3_binary"] or None,
        },
        require=bool(config.getoption(_REQUIRE) or config.getini(_REQUIRE)),
        undecided=values["iperf_undecided"],
        artifacts=Path(artifacts) if artifacts else None,
        artifacts_when=values["iperf_artifacts_when"],
    )


def _value(config: pytest.Config, name: str, setting: _Setting) -> str:
    given, base = config.getoption(name), config.invocation_params.dir
    if given is None:
        given, base = config.getini(name), config.rootpath
    value = str(given or "").strip() or (setting.choices[0] if setting.choices else "")
    if setting.choices and value not in setting.choices:
        allowed = " or ".join(setting.choices)
        raise pytest.UsageError(f"ini value {name} = {value}: {allowed} is wanted")
    # A plain word is no path but the name of a binary on PATH; a folder is always a path.
    is_word = name.endswith("binary") and os.sep not in value
    return str(base / value) if setting.is_path and value and not is_word else value


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
