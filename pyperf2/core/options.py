"""Every option once: name, kind, default, who takes it and how each build spells it.

Validation, argv, the table in the docs and ``get_options`` are all derived from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pyperf2.core import kinds
from pyperf2.core.binary import V2_0_13, V2_0_14, V2_1, V2_2, Version
from pyperf2.core.kinds import FLAG, HOST, choice, integer, number
from pyperf2.errors import OptionError, UnsupportedOption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyperf2.core.binary import Build
    from pyperf2.core.kinds import Kind

Role = Literal["client", "server"]

_FIRST: Final = Version(2, 0)
BOTH: Final[frozenset[Role]] = frozenset({"client", "server"})
CLIENT: Final[frozenset[Role]] = frozenset({"client"})
SERVER: Final[frozenset[Role]] = frozenset({"server"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How iperf2 builds from ``since`` up to, not including, ``until`` write an option.

    ``joined`` writes ``--flag=value``: several iperf options ignore a value that stands apart.
    """

    flag: str
    since: Version = _FIRST
    until: Version | None = None
    joined: bool = False

    def fits(self, version: Version) -> bool:
        """Whether a build of that version reads this spelling."""
        return self.since <= version and (self.until is None or version < self.until)

    def write(self, value: Any) -> list[str]:
        """Give the arguments that say ``value``; a flag has none but itself."""
        if value is True:
            return [self.flag]
        return [f"{self.flag}={value}"] if self.joined else [self.flag, str(value)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. Without a spelling it is the library's own and never reaches argv.

    ``composed``: its place on the command line depends on other options (``core/argv.py``).
    """

    name: str
    kind: Kind
    help: str
    default: Any = None
    roles: frozenset[Role] = BOTH
    protocol: Literal["tcp", "udp"] | None = None
    spellings: tuple[Spelling, ...] = ()
    composed: bool = False

    def spelling_for(self, build: Build) -> Spelling:
        """Give the spelling that ``build`` reads; UnsupportedOption names what would."""
        for spelling in self.spellings:
            if spelling.fits(build.version):
                return spelling
        known = " or ".join(_span(spelling) for spelling in self.spellings)
        raise UnsupportedOption(
            f"{self.name} was asked for, but {build} cannot do it; it needs iperf2 {known}"
        )


def _span(spelling: Spelling) -> str:
    since = f"{spelling.since.major}.{spelling.since.minor}.{spelling.since.patch}"
    return f">= {since}" + (f" and < {spelling.until}" if spelling.until else "")


def _on(flag: str, since: Version = _FIRST, *, joined: bool = False) -> tuple[Spelling, ...]:
    return (Spelling(flag=flag, since=since, joined=joined),)


def _but_2_0_14(flag: str) -> tuple[Spelling, ...]:
    """Spell what a 2.0.14a client takes, yet never asks its server for."""
    return (Spelling(flag=flag, until=V2_0_14), Spelling(flag=flag, since=V2_1))


class Unset(int):
    """A default that shows a number but means "not asked for"; it survives a round-trip.

    ``packet_len`` reads 1470, yet ``-l 1470`` would throttle TCP: only what was set is written.
    """

    __slots__ = ()


_ISOCHRONOUS: Final = kinds.pattern(
    "frames per second:mean rate,standard deviation",
    r"\d+(\.\d+)?:\d+(\.\d+)?[kmgKMG]?,\d+(\.\d+)?[kmgKMG]?",
    "60:5m,0",
)
_HISTOGRAM: Final = kinds.pattern("bin width and count", r"\d+[um]?,\d+", "1,1000")
_REPORTS: Final = kinds.pattern("letters of CDMSV", r"[CDMSVcdmsv]+", "CS")
_CONGESTION: Final = kinds.pattern("a congestion control's name", r"[A-Za-z0-9_]+", "cubic")

_TABLE: Final = (
    # What is run, and where.
    Option(name="tool", kind=choice("iperf2", "iperf3"), default="iperf2",
           help="which tool to run; a binary that is given decides by itself"),
    Option(name="iperf_binary_path", kind=kinds.TEXT,
           help="path of the binary; without one, the tool is looked up on PATH"),
    Option(name="use_linux_namespace", kind=kinds.NAMESPACE,
           help="name of the network namespace to run in"),
    Option(name="name", kind=kinds.NAME, help="copied to ``stream_name`` in every message"),
    # The stream.
    Option(name="protocol", kind=choice("tcp", "udp"), default="tcp", composed=True,
           spellings=_on("-u"), help="``tcp`` or ``udp``"),
    Option(name="server_ip", kind=HOST, composed=True, spellings=_on("-c"),
           help="the client's target, a host name or address; a server ignores it"),
    Option(name="bind_ip", kind=HOST, composed=True, spellings=_on("-B"),
           help="address to bind; on a server also the multicast group to join; ``addr%dev``"),
    Option(name="client_source_port", kind=kinds.PORT, composed=True, spellings=_on("-B"),
           help="the client's source port, behind ``bind_ip``"),
    Option(name="port", kind=kinds.PORT, default=5001, spellings=_on("-p"),
           help="port to listen on or to connect to"),
    Option(name="bandwidth", kind=kinds.BANDWIDTH, default="", composed=True, spellings=_on("-b"),
           help="offered load: ``1000pps``, ``10M``; a UDP client without one sends 1000 pps"),
    Option(name="packet_len", kind=kinds.LENGTH, default=Unset(1470), composed=True,
           spellings=_on("-l"), help="UDP payload (1450 over IPv6) or TCP buffer, in bytes"),
    Option(name="ttl", kind=integer(0, 255), default=255, composed=True, spellings=_on("-T"),
           help="time to live of UDP and multicast senders; 0 leaves it to the system"),
    Option(name="dscp", kind=kinds.DSCP, composed=True, spellings=_on("-S"),
           help="DSCP as a name (``ef``, ``af11``, …) or code point 0-63"),
    Option(name="test_duration", kind=number(0), default=0, composed=True, spellings=_on("-t"),
           help="seconds, fractions allowed; 0 means until stopped"),
    Option(name="report_interval", kind=number(0), default=1, composed=True, spellings=_on("-i"),
           help="seconds between reports; 0 means none but the final one"),
    Option(name="realtime", kind=FLAG, default=True, composed=True,
           spellings=_on("-z", V2_0_13),
           help="ask for the real-time scheduler, where the build can"),
    Option(name="enhanced", kind=FLAG, default=True, composed=True,
           spellings=_on("-e", V2_0_13),
           help="enhanced reports, where the build has them; never with CSV"),
    Option(name="ipv6", kind=FLAG, default=False, composed=True, spellings=_on("-V"),
           help="use IPv6; set by itself for IPv6 addresses"),
    Option(name="ssm_host", kind=HOST, roles=BOTH, spellings=_on("-H", V2_0_13),
           help="source of a source-specific multicast group (``bind_ip`` on the server)"),
    # How much, how, in which direction.
    Option(name="parallel", kind=integer(1, 1000), roles=CLIENT, spellings=_on("-P"),
           help="number of parallel streams"),
    Option(name="num", kind=kinds.SIZE, roles=CLIENT, spellings=_on("-n"),
           help="bytes to send, instead of a duration"),
    Option(name="reverse", kind=FLAG, roles=CLIENT, spellings=_on("-R", V2_0_14),
           help="the server sends, the client receives"),
    Option(name="full_duplex", kind=FLAG, roles=CLIENT, spellings=_on("--full-duplex", V2_0_14),
           help="both directions at once over one socket"),
    Option(name="dualtest", kind=FLAG, roles=CLIENT, spellings=_but_2_0_14("-d"),
           help="both directions at once over two sockets"),
    Option(name="tradeoff", kind=FLAG, roles=CLIENT, spellings=_but_2_0_14("-r"),
           help="both directions, one after the other"),
    Option(name="listenport", kind=kinds.PORT, roles=CLIENT, spellings=_on("-L"),
           help="port on which the way back of ``dualtest`` and ``tradeoff`` is received"),
    Option(name="window", kind=kinds.SIZE, spellings=_on("-w"),
           help="socket buffer (TCP window) in bytes"),
    Option(name="mss", kind=integer(1, 65535), protocol="tcp", spellings=_on("-M"),
           help="TCP maximum segment size"),
    Option(name="nodelay", kind=FLAG, protocol="tcp", spellings=_on("-N"),
           help="switch Nagle's algorithm off"),
    Option(name="tcp_congestion", kind=_CONGESTION, protocol="tcp", spellings=_on("-Z"),
           help="TCP congestion control algorithm"),
    Option(name="fq_rate", kind=kinds.SIZE, roles=CLIENT, spellings=_on("--fq-rate", V2_1),
           help="pacing of the socket by the fq scheduler, bit/s"),
    Option(name="tcp_quickack", kind=FLAG, roles=CLIENT, protocol="tcp",
           spellings=_on("--tcp-quickack", V2_1), help="set TCP_QUICKACK"),
    Option(name="tcp_write_prefetch", kind=kinds.SIZE, roles=CLIENT, protocol="tcp",
           spellings=_on("--tcp-write-prefetch", V2_1), help="TCP_NOTSENT_LOWAT in bytes"),
    Option(name="tcp_write_times", kind=FLAG, roles=CLIENT, protocol="tcp",
           spellings=_on("--tcp-write-times", V2_1), help="measure the time of each write"),
    Option(name="tcp_rx_window_clamp", kind=kinds.SIZE, roles=SERVER, protocol="tcp",
           spellings=_on("--tcp-rx-window-clamp", V2_1), help="receive window clamp in bytes"),
    Option(name="near_congestion", kind=number(0), roles=CLIENT, protocol="tcp",
           spellings=_on("--near-congestion", V2_1, joined=True),
           help="weight of the write delay by sampled RTT"),
    Option(name="connect_only", kind=FLAG, roles=CLIENT, protocol="tcp",
           spellings=_on("--connect-only", V2_0_14), help="connect, send nothing"),
    Option(name="connect_retries", kind=integer(0), roles=CLIENT, protocol="tcp",
           spellings=(Spelling(flag="--connect-retries", since=V2_1, until=V2_2),),
           help="how often to retry the connection"),
    Option(name="connect_retry_time", kind=number(0), roles=CLIENT, protocol="tcp",
           spellings=_on("--connect-retry-time", V2_2), help="seconds to go on retrying for"),
    Option(name="connect_retry_timer", kind=number(0), roles=CLIENT, protocol="tcp",
           spellings=_on("--connect-retry-timer", V2_2), help="seconds between two tries"),
    Option(name="txstart_time", kind=number(0), roles=CLIENT,
           spellings=_on("--txstart-time", V2_1), help="Unix time at which traffic starts"),
    Option(name="txdelay_time", kind=number(0), roles=CLIENT,
           spellings=_on("--txdelay-time", V2_1), help="seconds between connecting and sending"),
    Option(name="no_connect_sync", kind=FLAG, roles=CLIENT,
           spellings=_on("--no-connect-sync", V2_1),
           help="parallel streams start without waiting for each other"),
    Option(name="no_udp_fin", kind=FLAG, roles=CLIENT, protocol="udp",
           spellings=_on("--no-udp-fin", V2_0_14), help="end without the server's report"),
    Option(name="ipg", kind=number(0), roles=CLIENT, protocol="udp",
           spellings=_on("--ipg", V2_0_13), help="gap between datagrams of one frame, ms"),
    Option(name="incr_dstip", kind=FLAG, roles=CLIENT, spellings=_on("--incr-dstip", V2_0_14),
           help="parallel streams go to consecutive addresses"),
    Option(name="incr_dstport", kind=FLAG, roles=CLIENT, spellings=_on("--incr-dstport", V2_1),
           help="parallel streams go to consecutive ports"),
    Option(name="incr_srcip", kind=FLAG, roles=CLIENT, spellings=_on("--incr-srcip", V2_1),
           help="parallel streams come from consecutive addresses"),
    Option(name="incr_srcport", kind=FLAG, roles=CLIENT, spellings=_on("--incr-srcport", V2_1),
           help="parallel streams come from consecutive ports"),
    Option(name="local_only", kind=FLAG, roles=CLIENT, spellings=_on("--local-only", V2_1),
           help="set SO_DONTROUTE"),
    Option(name="peer_detect", kind=FLAG, roles=CLIENT, spellings=_on("-X", V2_0_13),
           help="exchange versions with the server first"),
    Option(name="compatibility", kind=FLAG, spellings=_on("-C"),
           help="send no extra messages (some servers misread such a client's payload)"),
    Option(name="singleclient", kind=FLAG, roles=SERVER, spellings=_on("-1", V2_1),
           help="serve one client at a time"),
    Option(name="single_udp", kind=FLAG, roles=SERVER, protocol="udp", spellings=_on("-U"),
           help="single-threaded UDP"),
    # What is measured.
    Option(name="trip_times", kind=FLAG, roles=CLIENT, spellings=_on("--trip-times", V2_0_14),
           help="one-way delays; needs synchronised clocks"),
    Option(name="isochronous", kind=_ISOCHRONOUS, roles=CLIENT,
           spellings=_on("--isochronous", V2_0_13, joined=True),
           help="bursts as video sends them: ``fps:mean,stdev``"),
    Option(name="bounceback", kind=FLAG, roles=CLIENT, protocol="tcp",
           spellings=_on("--bounceback", V2_1), help="request/reply round trips"),
    Option(name="bounceback_hold", kind=number(0), roles=CLIENT, protocol="tcp",
           spellings=_on("--bounceback-hold", V2_1), help="ms the server waits before it replies"),
    Option(name="bounceback_period", kind=number(0), roles=CLIENT, protocol="tcp",
           spellings=_on("--bounceback-period", V2_1), help="ms between two requests"),
    Option(name="bounceback_reply", kind=kinds.SIZE, roles=CLIENT, protocol="tcp",
           spellings=_on("--bounceback-reply", V2_2), help="bytes of a reply"),
    Option(name="bounceback_no_quickack", kind=FLAG, roles=CLIENT, protocol="tcp",
           spellings=_on("--bounceback-no-quickack", V2_1), help="leave delayed ACKs on"),
    Option(name="working_load", kind=FLAG, roles=CLIENT, protocol="tcp",
           spellings=_on("--working-load", V2_2), help="load beside a bounceback test"),
    Option(name="histograms", kind=FLAG, spellings=_on("--histograms", V2_0_14),
           help="latency histograms (a client's need ``tcp_write_times``)"),
    Option(name="udp_histogram", kind=_HISTOGRAM, roles=SERVER, protocol="udp",
           spellings=(Spelling(flag="--udp-histogram", since=V2_0_13, until=V2_2),),
           help="latency histogram: bin width in ms and number of bins"),
    Option(name="jitter_histograms", kind=FLAG, roles=SERVER, protocol="udp",
           spellings=_on("--jitter-histograms", V2_2), help="jitter histograms"),
    # How it is printed.
    Option(name="format", kind=choice("k", "m", "g", "K", "M", "G"), spellings=_on("-f"),
           help="unit of the printed figures; base units stay the same"),
    Option(name="reportstyle", kind=choice("C"), spellings=_on("-y"),
           help="``C`` prints comma-separated values"),
    Option(name="reportexclude", kind=_REPORTS, spellings=_on("-x"),
           help="reports to leave out: C(onnection) D(ata) M(ulticast) S(ettings) V (server)"),
    Option(name="sum_only", kind=FLAG, spellings=_on("--sum-only", V2_0_14),
           help="print sums of parallel streams only"),
    Option(name="sum_dstip", kind=FLAG, roles=SERVER, spellings=_on("--sum-dstip", V2_1),
           help="sum by destination address instead of source"),
    Option(name="hide_ips", kind=FLAG, spellings=_on("--hide-ips", V2_1),
           help="hide addresses in the output"),
    Option(name="print_mss", kind=FLAG, protocol="tcp", spellings=_on("-m"),
           help="print the maximum segment size"),
    Option(name="sync_transfer_id", kind=FLAG, roles=CLIENT,
           spellings=_on("--sync-transfer-id", V2_2), help="the same stream ids on both sides"),
    Option(name="utc", kind=FLAG, spellings=_on("--utc", V2_2), help="print times in UTC"),
    Option(name="extra_args", kind=kinds.ARGUMENTS, default=(), composed=True,
           help="further arguments as they are, a list"),
    # How loss is judged.
    Option(name="use_iperf_loss_counter", kind=FLAG,
           help="True: iperf's loss counter; False: expected minus received; None: both fit"),
    Option(name="loss_threshold", kind=integer(0), default=0,
           help="an interval with this many lost, or fewer, raises no event"),
    Option(name="warmup_intervals", kind=integer(0), default=0,
           help="the first intervals of each stream raise no event"),
    Option(name="history", kind=integer(0),
           help="how many intervals each stream keeps; None keeps all"),
)  # fmt: skip

OPTIONS: Final[Mapping[str, Option]] = {option.name: option for option in _TABLE}

# Old scripts hand these back from get_options(); they describe, they do not configure.
READ_ONLY: Final = frozenset(
    {"status", "type", "currently_has_loss", "expected_interval_packets"}
)  # fmt: skip


def nearest(name: str) -> str | None:
    """Give the known option whose name is most like ``name``, or None."""
    import difflib

    found = difflib.get_close_matches(name, OPTIONS, n=1, cutoff=0.75)
    return found[0] if found else None


def unknown_option(name: str) -> OptionError:
    """Make the error for an option that does not exist, with the nearest right name."""
    near = nearest(name)
    hint = f"did you mean {near!r}?" if near else "extra_args takes what has no name here"
    return OptionError(f"there is no option {name!r}; {hint}")


class OptionSet:
    """The values of all options of one instance; every value in it is valid."""

    __slots__ = ("_changed", "_values")

    def __init__(self, changed: Callable[[], None] | None = None) -> None:
        """Start with nothing set; ``changed`` is called after each change."""
        self._values: dict[str, Any] = {}
        self._changed = changed

    def set(self, name: str, value: Any) -> None:
        """Set one option; None unsets it. OptionError says what is wrong and what would work."""
        self.set_all({name: value})

    def set_all(self, values: Mapping[str, Any]) -> None:
        """Set several options, all of them or (OptionError) none."""
        valid = {}
        for name, value in values.items():
            if name in READ_ONLY:
                continue
            option = OPTIONS.get(name)
            if option is None:
                raise unknown_option(name)
            valid[name] = _validated(option, value)
        for name, value in valid.items():
            if value is None:
                self._values.pop(name, None)
            else:
                self._values[name] = value
        if valid and self._changed is not None:
            self._changed()

    def __getitem__(self, name: str) -> Any:
        """Give the value of an option: what was set, or its default."""
        return self._values.get(name, OPTIONS[name].default)

    def is_set(self, name: str) -> bool:
        """Whether the option was set to a value of its own."""
        return name in self._values

    def set_names(self) -> Iterator[str]:
        """Give the names of the options that were set, in the order of the table."""
        return (name for name in OPTIONS if name in self._values)

    def as_dict(self) -> dict[str, Any]:
        """Give all options; handing them to ``set_all`` of another set copies this one."""
        return {name: self[name] for name in OPTIONS}


def _validated(option: Option, value: Any) -> Any:
    if value is None or isinstance(value, Unset) or value == "":
        return None
    try:
        return option.kind.parse(value)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{option.name}={value!r}: {error}") from error
