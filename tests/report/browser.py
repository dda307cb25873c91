"""A headless Chromium, asked over its DevTools pipe how it shows a page, and ended by its pid."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEADLINE_S = 30.0
_WATCHED: dict[str, Callable[[dict[str, Any]], str]] = {
    "Network.requestWillBeSent": lambda said: said["request"]["url"],
    "Log.entryAdded": lambda said: said["entry"]["text"],
    "Runtime.consoleAPICalled": lambda said: json.dumps(said["args"]),
    "Runtime.exceptionThrown": lambda said: said["exceptionDetails"]["text"],
    "Audits.issueAdded": lambda said: json.dumps(said["issue"]),
}


class Browser:
    """One page at a time; it starts and shows each within the deadline.

    Attributes:
        complaints: what the browser had to say of the page.
        requests: what was asked of the network, the page itself and data inside it apart.
    """

    def __init__(self, folder: Path) -> None:
        """Start it."""
        chromium = shutil.which("chromium")
        if chromium is None:
            pytest.skip("no chromium on PATH (.ci/setup installs it)")
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._until = time.monotonic() + DEADLINE_S
        self._asked = 0
        self._read = b""
        self._page: dict[str, str] = {}
        self._loaded = False
        to_child, self._to = os.pipe()
        self._from, from_child = os.pipe()
        # It reads commands from descriptor 3 and answers on 4.
        script = f'exec "$@" 3<&{to_child} 4>&{from_child}'
        options = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={folder}",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", chromium, *options],
            pass_fds=(to_child, from_child),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_child)
        os.close(from_child)

    def close(self) -> None:
        """End it and its children."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(DEADLINE_S)
        os.close(self._to)
        os.close(self._from)

    def show(self, page: Path, *, width: int, dark: bool = False) -> None:
        """Load a page in a window of this width."""
        if not self._page:
            target = self.ask("Target.createTarget", url="about:blank")["targetId"]
            attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
            self._page = {"sessionId": attached["sessionId"]}
            for domain in ("Page", "Network", "Log", "Runtime", "Audits"):
                self.ask(f"{domain}.enable")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self._until = time.monotonic() + DEADLINE_S
        self.complaints.clear()
        self.requests.clear()
        self._loaded = False
        self.ask("Page.navigate", url=page.as_uri())
        while not self._loaded:
            self._hear(lambda _: True)
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        self.requests = [
            url for url in self.requests if url != page.as_uri() and not url.startswith("data:")
        ]

    def value(self, expression: str) -> Any:
        """Return what an expression comes to in the page."""
        told = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def ask(self, method: str, **params: Any) -> Any:
        """Return the answer to a command."""
        self._asked += 1
        command = {"id": self._asked, "method": method, "params": params, **self._page}
        os.write(self._to, json.dumps(command).encode() + b"\0")
        answer = self._hear(lambda said: said.get("id") == self._asked)
        assert "error" not in answer, answer
        return answer["result"]

    def _hear(self, enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Take what it says until that is enough."""
        while True:
            said, end, rest = self._read.partition(b"\0")
            if end:
                self._read = rest
                message: dict[str, Any] = json.loads(said)
                self._take(message)
                if enough(message):
                    return message
                continue
            left = self._until - time.monotonic()
            if left <= 0 or not select.select([self._from], [], [], left)[0]:
                pytest.fail(f"chromium said nothing for {DEADLINE_S:g} s")
            more = os.read(self._from, 1 << 16)
            if not more:
                pytest.fail(f"chromium ended: exit status {self._process.wait(DEADLINE_S)}")
            self._read += more

    def _take(self, message: dict[str, Any]) -> None:
        method = message.get("method", "")
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method in _WATCHED:
            told = _WATCHED[method](message["params"])
            (self.requests if method.startswith("Network.") else self.complaints).append(told)
