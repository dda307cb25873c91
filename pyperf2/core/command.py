"""What both tools' command lines have in common: the command, its rules, its refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyperf2.core import kinds
from pyperf2.core.options import OPTIONS
from pyperf2.errors import OptionError, UnsupportedOption

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyperf2.core.binary import Build, Tool
    from pyperf2.core.optionset import OptionSet
    from pyperf2.core.spelling import Option, Role

DEFAULT_LOAD: Final = "1000pps"
IPV6_LENGTH: Final = 1450  # what iperf2 itself sends: 1500 less the IPv6 and UDP headers
_IPERF3_PORT: Final = 5201

# Options that exclude one another: each names a direction of the traffic, or an end of the run.
_ALTERNATIVES: Final = (
    ("reverse", "full_duplex", "dualtest", "tradeoff", "bidir"),
    ("num", "blockcount", "test_duration"),
)
# "where the build has it": not having it is no reason to refuse.
_WISHES: Final = frozenset({"realtime", "enhanced"})

# Arguments that would take the process or its output out of our hands, and why.
_COMMON: Final[Mapping[tuple[str, ...], str]] = {
    ("-D", "--daemon"): "a daemon can be neither read nor stopped",
    ("-s", "--server"): "the class decides: use Server",
    ("-c", "--client"): "the class decides: use Client",
    ("-u", "--udp"): "use the option protocol",
    ("-p", "--port"): "use the option port",
    ("-i", "--interval"): "use the option report_interval",
    ("-h", "--help"): "it prints the help and ends",
    ("-v", "--version"): "it prints the version and ends",
}
_OUR_COPY: Final = "its output must come to us; set_raw_log_path keeps a copy"
_OWN: Final[Mapping[Tool, Mapping[tuple[str, ...], str]]] = {
    "iperf2": {
        ("-o", "--output"): _OUR_COPY,
        ("-y", "--reportstyle"): "use the option reportstyle",
    },
    "iperf3": {
        ("--logfile",): _OUR_COPY,
        ("-I", "--pidfile"): "the instance knows its pid",
        ("-J", "--json"): "use the option json_stream",
        ("--json-stream", "--json-stream-full-output"): "use the option json_stream",
    },
}
_FORBIDDEN: Final[Mapping[Tool, Mapping[str, str]]] = {
    tool: {flag: why for told in (_COMMON, own) for flags, why in told.items() for flag in flags}
    for tool, own in _OWN.items()
}
# Single letters that take no value: the letters behind them are flags, too.
_SWITCHES: Final[Mapping[Tool, frozenset[str]]] = {
    "iperf2": frozenset("CDINRUVX1ehmrsuvz"),
    "iperf3": frozenset("146DJNRVZdhmsuv"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command line and what the run must know about it.

    ``stop_after_s``: the build has no sound ``-t`` for this role, so the run ends it.
    ``remarks``: what was asked for but means nothing here, in words. ``json``: what it prints is
    JSON, an object a line.
    """

    argv: tuple[str, ...]
    stop_after_s: float | None = None
    remarks: tuple[str, ...] = ()
    json: bool = False


def uses_ipv6(options: OptionSet, role: Role) -> bool:
    """Whether the run is over IPv6: asked for, or an address says so."""
    addresses = [options["bind_ip"], *([options["server_ip"]] if role == "client" else [])]
    return bool(options["ipv6"]) or any(kinds.is_ipv6(address) for address in addresses)


def datagram_length(options: OptionSet, role: Role) -> int:
    """Bytes of payload in each datagram of a UDP client, as it will be sent."""
    if not options.is_set("packet_len") and uses_ipv6(options, role):
        return IPV6_LENGTH
    return int(options["packet_len"])


def port_of(options: OptionSet, tool: Tool) -> int:
    """Give the port: as set, else the tool's own default."""
    if options.is_set("port") or tool == "iperf2":
        return int(options["port"])
    return _IPERF3_PORT


def refuse_misplaced(options: OptionSet, role: Role, build: Build) -> None:
    """Refuse what role, protocol or tool cannot take, and what excludes one another."""
    for name in options.set_names():
        if options[name] is not False and name not in _WISHES:
            _refuse_option(OPTIONS[name], options, role, build)
    for alternatives in _ALTERNATIVES:
        chosen = [name for name in alternatives if options[name]]
        if len(chosen) > 1:
            raise OptionError(f"{' and '.join(chosen)} exclude one another; choose one")
    target = options["server_ip"] if role == "client" else options["bind_ip"]
    if kinds.is_multicast(target) and build.tool == "iperf3":
        raise UnsupportedOption(f"{target} is a multicast group; iperf3 has none, use iperf2")
    if kinds.is_multicast(target) and options["protocol"] == "tcp":
        raise OptionError(f"{target} is a multicast group, and TCP has none; use protocol='udp'")


def _refuse_option(option: Option, options: OptionSet, role: Role, build: Build) -> None:
    name, protocol = option.name, options["protocol"]
    if role not in option.roles:
        other = "client" if role == "server" else "server"
        raise UnsupportedOption(f"{name} is a {other}'s option; this is a {role}")
    if option.protocol not in (None, protocol):
        raise UnsupportedOption(
            f"{name} is for {option.protocol} only; this {role} is set to protocol={protocol!r}"
        )
    asked = options[name] != option.default
    if asked and option.is_written and not option.spellings(build.tool):
        option.spelling_for(build)  # raises, and says which tool has it


def plain_names(options: OptionSet) -> list[str]:
    """Give the options that were set and are written as they are."""
    return [
        name
        for name in options.set_names()
        if OPTIONS[name].is_written and not OPTIONS[name].composed and name != "port"
    ]


def checked_arguments(arguments: Iterable[str], tool: Tool) -> list[str]:
    """Pass arguments on; refuse what would take the process out of our hands."""
    checked = list(arguments)
    forbidden = _FORBIDDEN[tool]
    for argument in checked:
        for flag in _flags_in(argument, _SWITCHES[tool]):
            if flag in forbidden:
                raise OptionError(f"extra_args: {argument!r} is not possible: {forbidden[flag]}")
    return checked


def _flags_in(argument: str, switches: frozenset[str]) -> list[str]:
    """Give the flags in one argument; ``-eD`` is ``-e`` and ``-D``, as getopt reads it."""
    if argument.startswith("--"):
        return [argument.partition("=")[0]]
    flags = []
    for letter in argument[1:] if argument.startswith("-") else "":
        flags.append(f"-{letter}")
        if letter not in switches:
            break
    return flags
