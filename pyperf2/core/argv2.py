"""Options → iperf2's command line, build by build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyperf2.core import kinds, units
from pyperf2.core.binary import V2_0_13
from pyperf2.core.command import (
    DEFAULT_LOAD,
    Command,
    checked_arguments,
    datagram_length,
    plain_names,
    uses_ipv6,
)
from pyperf2.core.options import OPTIONS
from pyperf2.errors import OptionError, UnsupportedOption

if TYPE_CHECKING:
    from pyperf2.core.binary import Build
    from pyperf2.core.optionset import OptionSet
    from pyperf2.core.spelling import Role

_EVER_S: Final = 10_000_000  # 115 days: below 2^31 hundredths of a second, iperf 2.0.x's limit
_USEFUL_INTERVAL_S: Final = 0.02  # below it the reporter (one line per 16 ms) falls behind


def compose_iperf2(options: OptionSet, role: Role, build: Build, binary: str) -> Command:
    """Write the command line of an iperf2; refuses what the build cannot do."""
    composer = _Composer(options, role, build)
    written = [
        *composer.target(), *composer.protocol(), *composer.reports(), *composer.load(),
        *composer.duration(), "-p", str(options["port"]), *composer.binding(),
        *composer.socket_options(),
        *(word for name in plain_names(options) for word in composer.spelt(name)),
        *checked_arguments(options["extra_args"], "iperf2"),
    ]  # fmt: skip
    return Command(
        argv=(binary, *written),
        stop_after_s=composer.stop_after_s,
        remarks=tuple(composer.remarks),
    )


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
            if OPTIONS[name].fits(self._build)
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
