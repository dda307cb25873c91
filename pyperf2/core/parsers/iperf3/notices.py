"""iperf3's banners, warnings and errors: which wording means what; reads no report.

The wordings are those of 3.9 to 3.22, as recorded and as ``iperf_error.c`` has them. What no
table knows is an ``unknown-line``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyperf2.core.records import Notice

if TYPE_CHECKING:
    from typing import Literal

    from pyperf2.core.records import Level

    Source = Literal["stdout", "stderr"]

MAX_TEXT: Final = 2048

# Lines that say nothing a record would not say better.
_BANNERS: Final = (
    "- - -",
    "-----",
    "iperf Done.",
    "iperf 3.",  # -V: "iperf 3.12"
    "Linux ",  # -V: `uname -a`
    "FreeBSD ",
    "Darwin ",
    "Time: ",
    "Cookie: ",
    "TCP MSS: ",
    "SCTP MSS: ",
    "Target Bitrate: ",
    "Control connection MSS ",
    "Starting Test: ",
    "Test Complete. Summary Results:",
    "Optional features available: ",
    "(sender statistics not available)",
    "(receiver statistics not available)",
    "Reverse mode, remote host ",
    "Server JSON output:",
)

# An error begins with one of these (or is the value of "error" in JSON).
_COMPLAINTS: Final = (
    "error - ",
    "interrupt - ",
    "parameter error - ",
    "SERVER ERROR - ",  # 3.22: "iperf3: SERVER ERROR - …", then "iperf3: error - …"
)

# What follows this (the error stands elsewhere, on stderr) is all the options there are.
USAGE: Final = "Usage: "

# (what the line contains, kind, level); the first that fits.
_WORDINGS: Final[tuple[tuple[str, str, Level], ...]] = (
    # Ends that somebody wanted: SIGINT here, or the client's user had enough
    ("interrupt - ", "iperf", "warning"),
    ("the client has terminated", "reset", "warning"),
    ("exiting", "iperf", "info"),
    # The other side
    ("the server has terminated", "reset", "error"),
    ("has unexpectedly closed", "reset", "error"),
    ("has closed unexpectedly", "reset", "error"),
    ("server is busy", "busy", "error"),
    # Binding, before the reasons that a failed bind may give
    ("unable to start listener", "bind-failed", "error"),
    ("unable to start stream listener", "bind-failed", "error"),
    ("nable to bind", "bind-failed", "error"),
    ("Cannot assign requested address", "bind-failed", "error"),
    ("Address already in use", "bind-failed", "error"),
    # Names and addresses. 3.12 says EAI_AGAIN with strerror's words for it.
    ("connect to server: Resource temporarily unavailable", "bad-host", "error"),
    ("etc.: Resource temporarily unavailable", "bad-host", "error"),
    ("name resolution", "bad-host", "error"),
    ("Name or service not known", "bad-host", "error"),
    ("No address associated with hostname", "bad-host", "error"),
    ("nodename nor servname", "bad-host", "error"),
    # Options
    (USAGE, "bad-option", "info"),
    ("unrecognized option", "bad-option", "error"),
    ("invalid option", "bad-option", "error"),
    ("requires an argument", "bad-option", "error"),
    ("is ambiguous", "bad-option", "error"),
    ("client only", "bad-option", "error"),
    ("server only", "bad-option", "error"),
    ("cannot be both", "bad-option", "error"),
    ("must either be a client", "bad-option", "error"),
    ("must be specified to use", "bad-option", "error"),
    ("only one test end condition", "bad-option", "error"),
    ("does not support", "bad-option", "error"),
    ("--help' for more information", "bad-option", "info"),
    ("parameter error - ", "bad-value", "error"),
    ("unable to set TCP_CONGESTION", "bad-value", "error"),
    ("unable to set CPU affinity", "bad-value", "error"),
    ("larger than server limit", "bad-value", "error"),
    # The path. 3.9 has no better words for a refused connection.
    ("unable to send control message: Bad file descriptor", "refused", "error"),
    ("Connection refused", "refused", "error"),
    ("Connection reset", "reset", "error"),
    ("Broken pipe", "reset", "error"),
    ("unreachable", "unreachable", "error"),
    ("No route to host", "unreachable", "error"),
    ("Connection timed out", "unreachable", "error"),
    ("Operation timed out", "unreachable", "error"),
    ("unable to write to stream socket", "write-failed", "error"),
    # Deaths
    ("pthread_mutex_lock: ", "crashed", "error"),  # 3.18, interrupted while it ends a test
    ("double free", "crashed", "error"),
    ("free():", "crashed", "error"),
    ("malloc", "crashed", "error"),
    ("stack smashing detected", "crashed", "error"),
    ("buffer overflow detected", "crashed", "error"),
    ("Segmentation fault", "crashed", "error"),
    ("Aborted", "crashed", "error"),
    ("Assertion ", "crashed", "error"),
)
_WARNINGS: Final = ("WARN", "Warn", "warn", "OUT OF ORDER")
_PROGRAM: Final = "iperf3"


def read_notice(text: str, source: Source) -> Notice | None:
    """Return what a line that is no report says, None if it is a mere banner."""
    text = text.strip()
    if not text or text.startswith(_BANNERS):
        return None
    program, colon, said = text.partition(": ")
    # The program goes by the name it was started with: "iperf3-3.12: unrecognized option '--bogus'"
    spoken = bool(colon) and _PROGRAM in program and " " not in program
    kind, level = _kind_of(said if spoken else text, spoken=spoken)
    return Notice(text=text[:MAX_TEXT], kind=kind, level=level, source=source)


def read_error(text: str, source: Source) -> Notice:
    """Return what the value of JSON's ``error`` says."""
    kind, level = _kind_of(text, spoken=False)
    if kind == "unknown-line":
        kind, level = "iperf", "error"
    return Notice(text=text[:MAX_TEXT], kind=kind, level=level, source=source)


def unknown_line(text: str, source: Source) -> Notice:
    """Return the notice of a line that nobody knows."""
    return Notice(text=text[:MAX_TEXT], source=source)


def torn_line(text: str, why: str, source: Source) -> Notice:
    """Return the notice of output that is broken: figures are missing."""
    return Notice(text=f"{why}: {text}"[:MAX_TEXT], kind="torn-line", level="error", source=source)


def _kind_of(said: str, *, spoken: bool) -> tuple[str, Level]:
    """Return kind and level of a line by its wording."""
    if said.startswith(_WARNINGS):
        return "warning", "warning"
    for wording, kind, level in _WORDINGS:
        if wording in said:
            return kind, level
    if said.startswith(_COMPLAINTS):
        return "iperf", "error"
    if spoken:
        return "iperf", "warning"
    return "unknown-line", "info"
