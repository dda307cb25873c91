"""Options and a build → the command line, or a refusal that names what would work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyperf2.core import kinds, units
from pyperf2.core.binary import V2_0_13
from pyperf2.core.options import OPTIONS
from pyperf2.errors import OptionError, UnsupportedOption

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyperf2.core.binary import Build
    from pyperf2.core.options import OptionSet, Role

DEFAULT_LOAD: Final = "1000pps"
IPV6_LENGTH: Final = 1450  # what iperf2 itself sends: 1500 less the IPv6 and UDP headers
_EVER_S: Final = 10_000_000  # 115 days: below 2^31 hundredths of a second, iperf 2.0.x's limit
_USEFUL_INTERVAL_S: Final = 0.02  # below it the reporter (one line per 16 ms) falls behind

# Options that exclude one another: each names a direction of the traffic.
_DIRECTIONS: Final = ("reverse", "full_duplex", "dualtest", "tradeoff")

# Arguments that would take the process or its output out of our hands, and why.
_FORBIDDEN: Final = {
    flag: why
    for flags, why in {
        ("-D", "--daemon"): "a daemon can be neither read nor stopped",
        ("-o", "--output"): "its output must come to us; set_raw_log_path keeps a copy",
        ("-s", "--server"): "the class decides: use Server",
        ("-c", "--client"): "the class decides: use Client",
        ("-u", "--udp"): "use the option protocol",
        ("-p", "--port"): "use the option port",
        ("-i", "--interval"): "use the option report_interval",
        ("-y", "--reportstyle"): "use the option reportstyle",
        ("-h", "--help"): "it prints the help and ends",
        ("-v", "--version"): "it prints the version and ends",
    }.items()
    for flag in flags
}
_SWITCHES: Final = frozenset("CDINRUVX1ehmrsuvz")  # single letters that take no value


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command line and what the run must know about it.

    ``stop_after_s``: the build has no sound ``-t`` for this role, so the run ends it.
    ``remarks``: what was asked for but means nothing here, in words.
    """

    argv: tuple[str, ...]
    stop_after_s: float | None = None
    remarks: tuple[str, ...] = ()


def compose(options: OptionSet, role: Role, build: Build, binary: str) -> Command:
    """Write the command line; OptionError or UnsupportedOption before anything is started."""
    if build.tool != "iperf2":
        raise UnsupportedOption(
            f"{build} cannot be driven yet; give iperf_binary_path the path of an iperf2"
        )
    _refuse_misplaced(options, role)
    composer = _Composer(options, role, build)
    plain = (
        name
        for name in options.set_names()
        if OPTIONS[name].spellings and not OPTIONS[name].composed and name != "port"
    )
    written = [
        *composer.target(), *composer.protocol(), *composer.reports(), *composer.load(),
        *composer.duration(), "-p", str(options["port"]), *composer.binding(),
        *composer.socket_options(),
        *(word for name in plain for word in composer.spelt(name)),
        *_checked(options["extra_args"]),
    ]  # fmt: skip
    return Command(
        argv=(binary, *written),
        stop_after_s=composer.stop_after_s,
        remarks=tuple(composer.remarks),
    )


def uses_ipv6(options: OptionSet, role: Role) -> bool:
    """Whether the run is over IPv6: asked for, or an address says so."""
    addresses = [options["bind_ip"], *([options["server_ip"]] if role == "client" else [])]
    return bool(options["ipv6"]) or any(kinds.is_ipv6(address) for address in addresses)


def datagram_length(options: OptionSet, role: Role) -> int:
    """Bytes of payload in each datagram of a UDP client, as it will be sent."""
    if not options.is_set("packet_len") and uses_ipv6(options, role):
        return IPV6_LENGTH
    return int(options["packet_len"])


def _refuse_misplaced(options: OptionSet, role: Role) -> None:
    protocol = options["protocol"]
    for name in options.set_names():
        option = OPTIONS[name]
        if role not in option.roles:
            other = "client" if role == "server" else "server"
            raise UnsupportedOption(f"{name} is a {other}'s option; this is a {role}")
        if option.protocol not in (None, protocol) and options[name] is not False:
            raise UnsupportedOption(
                f"{name} is for {option.protocol} only; this {role} is set to protocol={protocol!r}"
            )
    asked = [name for name in _DIRECTIONS if options[name]]
    if len(asked) > 1:
        raise OptionError(f"{' and '.join(asked)} exclude one another; choose one")
    if options["num"] is not None and options["test_duration"]:
        raise OptionError("num and test_duration both say when to end; set only one of them")
    target = options["server_ip"] if role == "client" else options["bind_ip"]
    if protocol == "tcp" and kinds.is_multicast(target):
        raise OptionError(f"{target} is a multicast group, and TCP has none; use protocol='udp'")


class _Composer:
    """The options whose place on the command line depends on others."""

    def __init__(self, options: OptionSet, role: Role, build: Build) -> None:
        self._options = options
        self._role = role
        self._build = build
        self._udp = options["protocol"] == "udp"
        self.stop_after_s: float | None = None
        self.remarks: list[str] = []

    def spelt(self, name: str, value: Any = None) -> list[str]:
        """Write one option as this build spells it; nothing where it is False."""
        value = self._options[name] if value is None else value
        if value is False:
            return []
        return OPTIONS[name].spelling_for(self._build).write(value)

    def _has(self, name: str) -> bool:
        return any(spelling.fits(self._build.version) for spelling in OPTIONS[name].spellings)

    def target(self) -> list[str]:
        if self._role == "server":
            return ["-s"]
        server_ip = self._options["server_ip"]
        if not server_ip:
            raise OptionError("a client needs server_ip: Client(server_ip='192.0.2.1')")
        return ["-c", server_ip.strip("[]")]

    def protocol(self) -> list[str]:
        ipv6 = uses_ipv6(self._options, self._role)
        return [*(["-u"] if self._udp else []), *(["-V"] if ipv6 else [])]

    def reports(self) -> list[str]:
        # CSV with -e has other columns in each version; plain CSV has the same in all.
        csv = self._options["reportstyle"] is not None
        words = [
            word
            for name in ("realtime", *(() if csv else ("enhanced",)))
            if self._has(name)
            for word in self.spelt(name)
        ]
        interval = self._options["report_interval"]
        if interval:
            self._check_interval(interval)
            words += ["-i", f"{interval:.9g}"]
        return words

    def _check_interval(self, interval: float) -> None:
        smallest = self._build.smallest_interval_s
        if interval < smallest:
            raise UnsupportedOption(
                f"report_interval={interval:g} is too short: the shortest that {self._build} "
                f"follows is {smallest:g} s"
            )
        if interval < _USEFUL_INTERVAL_S:
            self.remarks.append(
                f"report_interval={interval:g}: iperf2 prints a line per stream every 16 ms at "
                f"best; below {_USEFUL_INTERVAL_S} s its reports fall behind"
            )

    def load(self) -> list[str]:
        bandwidth = self._options["bandwidth"]
        if self._role == "server":
            return []  # a server's bandwidth only says what to expect
        if not bandwidth:
            if not self._udp or self._options["isochronous"]:
                return []
            bandwidth = DEFAULT_LOAD
        rate = units.parse_bandwidth(bandwidth)
        if rate.packets_per_second is None:
            return ["-b", bandwidth]
        if not self._udp:
            self.remarks.append(f"bandwidth={bandwidth!r}: packets mean nothing to TCP; left out")
            return []
        two_way = self._options["reverse"] or self._options["full_duplex"]
        if self._build.has_pps and not (two_way and self._build.two_way_needs_bits):
            return ["-b", bandwidth]
        bits = rate.packets_per_second * datagram_length(self._options, self._role) * 8
        return ["-b", str(round(bits))]

    def duration(self) -> list[str]:
        if self._options["num"] is not None:
            return []
        seconds = self._options["test_duration"]
        if self._role == "server":
            if seconds and not self._build.server_time_is_sound:
                self.stop_after_s = seconds
                return []
            return ["-t", f"{seconds:.9g}"] if seconds else []
        if not seconds:
            seconds = 0 if self._build.zero_time_means_for_ever else _EVER_S
        return ["-t", f"{seconds:.9g}"]

    def binding(self) -> list[str]:
        address = self._options["bind_ip"]
        port = self._options["client_source_port"] if self._role == "client" else None
        if port is None:
            return ["-B", address] if address else []
        if self._build.version < V2_0_13:
            raise UnsupportedOption(
                f"client_source_port needs iperf2 >= 2.0.13; this is {self._build}"
            )
        if not address:
            address = "::" if uses_ipv6(self._options, self._role) else "0.0.0.0"  # noqa: S104 - the client's own end
        host, _, device = address.strip("[]").partition("%")
        host = f"[{host}]" if ":" in host else host
        return ["-B", f"{host}:{port}" + (f"%{device}" if device else "")]

    def socket_options(self) -> list[str]:
        words = []
        if self._options.is_set("packet_len"):
            words += ["-l", str(self._options["packet_len"])]
        elif self._udp and self._role == "client":
            words += ["-l", str(datagram_length(self._options, self._role))]
        if self._udp and self._role == "client" and self._options["ttl"]:
            words += ["-T", str(self._options["ttl"])]
        if self._options["dscp"] is not None:
            # A number is the one spelling that every version reads.
            words += ["-S", str(kinds.dscp_to_tos(self._options["dscp"]))]
        return words


def _checked(arguments: Iterable[str]) -> list[str]:
    """Pass arguments on; refuse what would take the process out of our hands."""
    checked = list(arguments)
    for argument in checked:
        for flag in _flags_in(argument):
            if flag in _FORBIDDEN:
                raise OptionError(f"extra_args: {argument!r} is not possible: {_FORBIDDEN[flag]}")
    return checked


def _flags_in(argument: str) -> list[str]:
    """Give the flags in one argument; ``-eD`` is ``-e`` and ``-D``, as getopt reads it."""
    if argument.startswith("--"):
        return [argument.split("=", maxsplit=1)[0]]
    flags = []
    for letter in argument[1:] if argument.startswith("-") else "":
        flags.append(f"-{letter}")
        if letter not in _SWITCHES:
            break
    return flags
