"""Options → iperf3's command line, build by build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyperf2.core import kinds, units
from pyperf2.core.command import (
    DEFAULT_LOAD,
    Command,
    checked_arguments,
    datagram_length,
    plain_names,
    port_of,
    uses_ipv6,
)
from pyperf2.core.options import OPTIONS
from pyperf2.errors import OptionError, UnsupportedOption

if TYPE_CHECKING:
    from pyperf2.core.binary import Build
    from pyperf2.core.optionset import OptionSet
    from pyperf2.core.spelling import Role

# iperf3's own limits (iperf.h, iperf_api.h).
_MAX_INTERVAL_S: Final = 60
_MAX_DURATION_S: Final = 86_400
_MAX_STREAMS: Final = 128
_MAX_DATAGRAM: Final = 65_507
# iperf2 has these on both sides; iperf3's client tells its server.
_CLIENTS: Final = frozenset({"window", "mss", "nodelay", "tcp_congestion"})


def compose_iperf3(options: OptionSet, role: Role, build: Build, binary: str) -> Command:
    """Write the command line of an iperf3; refuses what the build cannot do."""
    json = OPTIONS["json_stream"].fits(build) and options["json_stream"] is not False
    if options["json_stream"] and not json:
        OPTIONS["json_stream"].spelling_for(build)  # raises, and says which build has it
    composer = _Composer(options, role, build)
    written = [
        *composer.target(), "-p", str(port_of(options, "iperf3")), *composer.reports(),
        # Into a pipe iperf3 prints nothing before the end of the test, unless it is told to.
        # The text tells CPU use and congestion control only when it is verbose.
        *(["--json-stream"] if json else ["--forceflush", "-V"]),
        *(composer.load() if role == "client" else []),
        *composer.binding(),
        *(word for name in plain_names(options) for word in composer.spelt(name)),
        *checked_arguments(options["extra_args"], "iperf3"),
    ]  # fmt: skip
    return Command(
        argv=(binary, *written),
        stop_after_s=options["test_duration"] or None if role == "server" else None,
        remarks=tuple(composer.remarks),
        json=json,
    )


class _Composer:
    """The options whose place on the command line depends on others."""

    def __init__(self, options: OptionSet, role: Role, build: Build) -> None:
        self._options = options
        self._role = role
        self._build = build
        self._udp = options["protocol"] == "udp"
        self.remarks: list[str] = []

    def spelt(self, name: str) -> list[str]:
        """Write one option as this build spells it; nothing where it is False."""
        value = self._options[name]
        if value is False:
            return []
        if self._role == "server" and name in _CLIENTS:
            raise UnsupportedOption(
                f"{name} is a client's option with iperf3, whose server does as its client says"
            )
        if name == "parallel" and value > _MAX_STREAMS:
            raise UnsupportedOption(f"parallel={value}: iperf3 has {_MAX_STREAMS} streams at most")
        return OPTIONS[name].spelling_for(self._build).write(value)

    def target(self) -> list[str]:
        if self._role == "server":
            return ["-s"]
        server_ip = self._options["server_ip"]
        if not server_ip:
            raise OptionError("a client needs server_ip: Client(server_ip='192.0.2.1')")
        return ["-c", server_ip.strip("[]")]

    def reports(self) -> list[str]:
        interval = self._options["report_interval"]
        smallest = self._build.smallest_interval_s
        if interval and not smallest <= interval <= _MAX_INTERVAL_S:
            raise UnsupportedOption(
                f"report_interval={interval:g}: iperf3 takes {smallest:g} to {_MAX_INTERVAL_S} s, "
                "or 0 for none"
            )
        return ["-i", f"{interval:g}"]

    def load(self) -> list[str]:
        """What a client alone says: protocol, rate, length, end; iperf3 tells its server."""
        return [*(["-u"] if self._udp else []), *self._rate(), *self._length(), *self._end(),
                *self._marking()]  # fmt: skip

    def _rate(self) -> list[str]:
        bandwidth = self._options["bandwidth"] or (DEFAULT_LOAD if self._udp else "")
        if not bandwidth:
            return []
        rate = units.parse_bandwidth(bandwidth)
        if rate.packets_per_second is None:
            return ["-b", bandwidth]
        if not self._udp:
            self.remarks.append(f"bandwidth={bandwidth!r}: packets mean nothing to TCP; left out")
            return []
        # iperf3 knows bits only; of a datagram it counts the payload.
        bits = rate.packets_per_second * datagram_length(self._options, self._role) * 8
        return ["-b", str(round(bits))]

    def _length(self) -> list[str]:
        if not self._udp:
            asked = self._options.is_set("packet_len")
            return ["-l", str(self._options["packet_len"])] if asked else []
        length = datagram_length(self._options, self._role)
        if length > _MAX_DATAGRAM:
            raise OptionError(f"packet_len={length}: a datagram holds {_MAX_DATAGRAM} at most")
        return ["-l", str(length)]

    def _end(self) -> list[str]:
        if self._options["num"] is not None or self._options["blockcount"] is not None:
            return []
        seconds = self._options["test_duration"]
        if seconds != int(seconds) or seconds > _MAX_DURATION_S:
            raise UnsupportedOption(
                f"test_duration={seconds:g}: iperf3 takes whole seconds up to {_MAX_DURATION_S}, "
                "or 0 for ever; iperf2 takes fractions"
            )
        return ["-t", str(int(seconds))]

    def _marking(self) -> list[str]:
        dscp = self._options["dscp"]
        return [] if dscp is None else ["-S", str(kinds.dscp_to_tos(dscp))]

    def binding(self) -> list[str]:
        words = ["-6"] if uses_ipv6(self._options, self._role) else []
        if self._options["bind_ip"]:
            words += ["-B", self._options["bind_ip"].strip("[]")]
        if self._role == "client" and self._options["client_source_port"] is not None:
            words += ["--cport", str(self._options["client_source_port"])]
        return words
