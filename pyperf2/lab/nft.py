"""nftables in this process, by libnftables: a change is one commit and takes 0.1 ms.

Measured: libnftables 0.1 ms, a new ``nft`` process 20 ms. The library is what ``nft`` itself
consists of, so it is there wherever ``nft`` is.
"""

from __future__ import annotations

import ctypes
import re
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

from pyperf2.errors import LabError, StateError
from pyperf2.lab.instants import bracketed
from pyperf2.lab.kernel import inside

if TYPE_CHECKING:
    from pyperf2.lab.instants import Bracket

_LIBRARY: Final = "libnftables.so.1"
# nft 1.0.6: counter data1t0 {\n packets 12 bytes 3456\n }
_COUNTER: Final = re.compile(r"counter (?P<name>\S+) \{[^}]*?packets (\d+) bytes (\d+)", re.DOTALL)


class Tally(NamedTuple):
    """What one counter of nftables shows."""

    packets: int = 0
    bytes: int = 0


class Nft:
    """The rules of one namespace; from any thread, one change at a time.

    Args:
        namespace: its name.

    Raises:
        LabError: libnftables is not there.
        NameSpaceNotFoundError: there is no such namespace.
    """

    def __init__(self, namespace: str) -> None:
        """Open it inside the namespace: its socket stays there."""
        self._namespace = namespace
        self._library = _load()
        self._lock = threading.Lock()
        self._context: int | None = inside(namespace, lambda: int(self._library.nft_ctx_new(0)))
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)

    def do(self, script: str) -> None:
        """Execute a script, all of it or nothing.

        Raises:
            LabError: nftables refused it.
            NameSpaceNotFoundError: the namespace is gone.
            StateError: it is closed.
        """
        # It looks up the names of devices where its thread is, not where its socket is.
        inside(self._namespace, lambda: self._run(script))

    def switch(self, script: str) -> Bracket:
        """Execute a script that names no device, at once; return when. Errors as those of `do`."""
        return self._run(script)[0]

    def counters(self, table: str) -> dict[str, Tally]:
        """Return what the named counters of a table (``family name``) show.

        Raises:
            LabError: there is no such table.
            StateError: it is closed.
        """
        told = self._run(f"list counters table {table}")[1]
        return {name: Tally(int(n), int(size)) for name, n, size in _COUNTER.findall(told)}

    def close(self) -> None:
        """Close its socket; the rules stay."""
        with self._lock:
            if self._context is not None:
                self._library.nft_ctx_free(self._context)
                self._context = None

    def _run(self, script: str) -> tuple[Bracket, str]:
        encoded = script.encode()
        with self._lock:
            if self._context is None:
                raise StateError("the lab is closed")
            failed, when = bracketed(
                lambda: self._library.nft_run_cmd_from_buffer(self._context, encoded)
            )
            told = self._library.nft_ctx_get_output_buffer(self._context).decode()
            wrong = self._library.nft_ctx_get_error_buffer(self._context).decode()
        if failed:
            raise LabError(f"nftables refused in {self._namespace!r}: {wrong.strip()}\n{script}")
        return when, told


def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError as error:
        message = f"impairments need nftables: install it (apt-get install nftables): {error}"
        raise LabError(message) from error
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_new.argtypes = [ctypes.c_uint32]
    library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    for name in ("nft_ctx_free", "nft_ctx_buffer_output", "nft_ctx_buffer_error"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
        getattr(library, name).restype = ctypes.c_char_p
    return library
