"""iperf2's banners, warnings and errors: which wording means what; reads no report.

The wordings are those of 2.0.5 to 2.2.5 as recorded. What no table knows is an ``unknown-line``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyperf2.core.records import Notice

if TYPE_CHECKING:
    from typing import Literal

    from pyperf2.core.records import Level

MAX_TEXT: Final = 2048

# Lines that say nothing a record would not say better.
_BANNERS: Final = (
    "---",
    "Client connecting to ",
    "TCP window size",
    "UDP buffer size",
    "Read buffer size",
    "Write buffer size",
    "Receiving ",  # "Receiving 1470 byte datagrams"
    "Sending ",  # "Sending 1470 byte datagrams, IPG target: 1000.00 us (kalman adjust)"
    "Binding to local address",
    "Joining multicast ",  # "group  239.1.2.3", "(*,G)=*,ff15::1 w/iface up0"
    "Setting multicast TTL",
    "Server set to single client traffic mode",
    "TCP congestion control",
    "TCP three-way-handshake",
    "MSS req size ",  # "MSS req size 1000 bytes (per TCP_MAXSEG)"
    "TOS ",  # "TOS set to 0x0 (Nagle on)", "TOS defaults to 0x0 (dscp=0,ecn=0) (Nagle on)"
    "Enabled ",  # "Enabled receive histograms bin-width=0.100 ms, …"
    "Isochronous: ",
    "UDP isochronous: ",
    "Bursting",
    "Bounce-back test",
    "Bounceback test",
    "Working load",
    "Local port",
    "Fair-Queuing Pacing",
    "iperf version ",
    "time,srcaddress,",
)

# (what the line contains, kind, level); the first that fits.
_WORDINGS: Final[tuple[tuple[str, str, Level], ...]] = (
    ("did not receive ack of last datagram", "no-ack", "warning"),
    ("ack of last datagram failed", "no-ack", "warning"),
    ("Waiting for server threads", "iperf", "info"),
    ("Isoch schedule errors", "iperf", "info"),
    ("final connect times", "iperf", "info"),
    # Names and addresses
    ("name resolution", "bad-host", "error"),
    ("Host name lookup failure", "bad-host", "error"),
    ("Name or service not known", "bad-host", "error"),
    ("No address associated with hostname", "bad-host", "error"),
    ("nodename nor servname", "bad-host", "error"),
    ("Unknown host", "bad-host", "error"),
    ("Address family for hostname", "bad-host", "error"),
    ("failed to find an ip", "bad-host", "error"),
    # Binding, before the reasons that a failed bind may give
    ("bind failed", "bind-failed", "error"),
    ("bind: ", "bind-failed", "error"),
    ("listen failed", "bind-failed", "error"),
    # Options
    ("unrecognized option", "bad-option", "error"),
    ("invalid option", "bad-option", "error"),
    ("ignoring extra argument", "bad-option", "error"),
    ("requires an argument", "bad-option", "error"),
    ("ambiguous", "bad-option", "error"),
    ("is currently not supported", "bad-option", "error"),
    ("not supported", "bad-option", "error"),
    ("Usage: iperf", "bad-option", "error"),
    (" --help' for more information", "bad-option", "error"),
    ("Invalid value", "bad-value", "error"),
    ("invalid value", "bad-value", "error"),
    ("bad value", "bad-value", "error"),
    # Deaths
    ("double free", "crashed", "error"),
    ("free():", "crashed", "error"),
    ("free(): ", "crashed", "error"),
    ("malloc()", "crashed", "error"),
    ("munmap_chunk()", "crashed", "error"),
    ("realloc()", "crashed", "error"),
    ("corrupted", "crashed", "error"),
    ("stack smashing detected", "crashed", "error"),
    ("buffer overflow detected", "crashed", "error"),
    ("Segmentation fault", "crashed", "error"),
    ("Aborted", "crashed", "error"),
    ("terminate called", "crashed", "error"),
    # What ends a test only for the one who was slow or went first
    ("shutdown failed", "warning", "warning"),
    ("await server close failed", "warning", "warning"),
    ("read tcp flags (peer close) failed", "warning", "warning"),
    ("recv failed: Resource temporarily unavailable", "warning", "warning"),
    ("drop bpf failed", "warning", "warning"),
    ("clock_nanosleep()", "warning", "warning"),
    # The peer and the path
    ("Connection refused", "refused", "error"),
    ("Connection reset", "reset", "error"),
    ("Connection aborted", "reset", "error"),
    ("unreachable", "unreachable", "error"),
    ("No route to host", "unreachable", "error"),
    ("Connection timed out", "unreachable", "error"),
    ("Operation timed out", "unreachable", "error"),
    ("write failed", "write-failed", "error"),
    ("send_hdr failed", "write-failed", "error"),
    ("sendto failed", "write-failed", "error"),
    ("writen failed", "write-failed", "error"),
    ("expected reverse connect did not occur", "iperf", "error"),
    ("Program error", "iperf", "error"),
    (" failed: ", "iperf", "error"),
    (" failed ", "iperf", "error"),
    ("Barrier timeout", "warning", "warning"),
    ("too small", "warning", "warning"),
    ("too large", "warning", "warning"),
)
_WARNINGS: Final = ("WARN", "Warn", "warning", "[WARN")
_ERRORS: Final = ("ERROR", "error", "FAIL")


def read_notice(
    text: str, source: Literal["stdout", "stderr"], stream_id: str | None = None
) -> Notice | None:
    """Return what a line that is no report says, None if it is a mere banner.

    Args:
        text: the line; for a line like ``[  1] tcp write failed`` with the id in front.
        source: where it was printed.
        stream_id: the stream it speaks of, if it names one.
    """
    if not text or text.startswith(_BANNERS):
        return None
    kind, level = _kind_of(text)
    return Notice(text=text[:MAX_TEXT], kind=kind, level=level, stream_id=stream_id, source=source)


def unknown_line(text: str, source: Literal["stdout", "stderr"]) -> Notice:
    """Return the notice of a line that nobody knows."""
    return Notice(text=text[:MAX_TEXT], source=source)


def _kind_of(text: str) -> tuple[str, Level]:
    """Return kind and level of a line by its wording."""
    for wording, kind, level in _WORDINGS:
        if wording in text:
            return kind, level
    _, bracket, said = text.partition("] ")
    said = said if bracket and text.startswith("[") else text
    if said.startswith(_WARNINGS):
        return "warning", "warning"
    if said.startswith(_ERRORS) or said.endswith(" failed"):
        return "iperf", "error"
    return "unknown-line", "info"
