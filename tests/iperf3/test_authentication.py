"""User, key and password: right ones are let in, wrong ones not, and none is shown to others."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyperf2 import IPerfError, OptionError
from tests.iperf3.pairs import client_of, only_stream, server_of, traffic_at

if TYPE_CHECKING:
    from pyperf2 import Client, Server

USER = "mario"
PASSWORD = "a-pass,word;of'mine"  # noqa: S105 - of this test alone; iperf3 reads to a blank
VARIABLE = "IPERF3_PASSWORD"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a pair of keys and a file of users."""
    folder = tmp_path_factory.mktemp("keys")
    for argv in (
        ["openssl", "genrsa", "-out", "private.pem", "2048"],
        ["openssl", "rsa", "-in", "private.pem", "-pubout", "-out", "public.pem"],
    ):
        subprocess.run(argv, cwd=folder, check=True, capture_output=True)
    digest = hashlib.sha256(f"{{{USER}}}{PASSWORD}".encode()).hexdigest()
    (folder / "users.csv").write_text(f"{USER},{digest}\n")
    return folder


@pytest.fixture
def guarded(iperf3: Path, keys: Path) -> Server:
    """Return a server that lets in only whom it knows."""
    return server_of(
        iperf3,
        rsa_private_key_path=str(keys / "private.pem"),
        authorized_users_path=str(keys / "users.csv"),
        report_interval=0.1,
    )


def knocking(server: Server, keys: Path, user: str = USER) -> Client:
    """Return a client that says who it is."""
    public = str(keys / "public.pem")
    return client_of(server, username=user, rsa_public_key_path=public, report_interval=0.1)


def test_with_the_right_password(
    guarded: Server, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test runs; no command line of either process shows the password."""
    monkeypatch.setenv(VARIABLE, PASSWORD)
    client = knocking(guarded, keys)
    with guarded, client:
        traffic_at(client)
        for one in (guarded, client):
            shown = Path(f"/proc/{one.pid}/cmdline").read_bytes()
            assert b"iperf3" in shown
            assert PASSWORD.encode() not in shown
    assert (None, None) == (client.error, guarded.error)
    assert only_stream(client.result()).bytes
    assert PASSWORD not in client.result().to_json()


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("luigi", PASSWORD)])
def test_with_the_wrong_one(
    guarded: Server, keys: Path, monkeypatch: pytest.MonkeyPatch, user: str, password: str
) -> None:
    """iperf3's own words are the error, and the server goes on."""
    monkeypatch.setenv(VARIABLE, password)
    client = knocking(guarded, keys, user)
    with guarded:
        client.start()
        assert client.wait(timeout=5)
        assert isinstance(client.error, IPerfError)
        # 3.22's server leaves without a word.
        assert re.search("authorization failed|closed unexpectedly", str(client.error))
        assert {} == dict(client.result().streams)
        assert "running" == guarded.status
        monkeypatch.setenv(VARIABLE, PASSWORD)
        right = knocking(guarded, keys)
        with right:
            traffic_at(right)
        assert right.error is None


def test_without_a_password(guarded: Server, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """iperf3 would ask the terminal for it, and wait for ever: refused before the start."""
    monkeypatch.delenv(VARIABLE, raising=False)
    client = knocking(guarded, keys)
    with pytest.raises(OptionError, match=f"set {VARIABLE} in the environment"):
        client.start()
    assert "configured" == client.status
