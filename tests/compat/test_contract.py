"""The contract of 0.x, point by point: options, names, keys, results."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import Client, Server, replay
from tests.faces.pairs import udp_pair
from tests.live.support import LOOPBACK, free_port

if TYPE_CHECKING:
    from pyperf2.core.spelling import Role

KEYS = {
    ("tcp", "client"): "stream_id interval_begin interval_end interval_unit transferred "
    "transferred_unit bandwidth bandwidth_unit packets_written packets_error retry cwnd rtt var "
    "var_unit netpower",
    ("tcp", "server"): "stream_id interval_begin interval_end interval_unit received "
    "received_unit bandwidth bandwidth_unit",
    ("udp", "client"): "stream_id interval_begin interval_end interval_unit transferred "
    "transferred_unit bandwidth bandwidth_unit packets_written packets_error packet_rate "
    "packet_rate_unit",
    ("udp", "server"): "stream_id interval_begin interval_end interval_unit received "
    "received_unit bandwidth bandwidth_unit jitter jitter_unit packets_lost packets_received "
    "latency_avg latency_min latency_max latency_stdev latency_unit packet_rate "
    "packet_rate_unit net_pwr",
}
EVENT_KEYS = (
    "event_number stream_id stream_name status total_packets_lost_since_event_start packets_lost "
    "packets_received event_begin event_end timestamp_start timestamp_current timestamp_end"
)
DEFAULTS = {
    "protocol": "tcp", "server_ip": None, "bind_ip": None, "client_source_port": None,
    "port": 5001, "bandwidth": "", "packet_len": 1470, "ttl": 255, "dscp": None,
    "test_duration": 0, "report_interval": 1, "realtime": True, "use_linux_namespace": None,
    "name": None, "use_iperf_loss_counter": None, "loss_threshold": 0, "warmup_intervals": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def runs() -> dict[tuple[str, str], Server | Client]:
    """Run both protocols once, beside each other; return all four instances."""
    made: dict[tuple[str, str], Server | Client] = {}
    for protocol, load in (("tcp", "4M"), ("udp", "200pps")):
        port = free_port(protocol)
        common: dict[str, Any] = {
            "protocol": protocol, "port": port, "report_interval": 0.5, "realtime": False,
        }  # fmt: skip
        made[protocol, "server"] = Server(name=f"{protocol} rx", **common)
        made[protocol, "client"] = Client(
            LOOPBACK, name=f"{protocol} tx", bandwidth=load, test_duration=1, **common
        )
    for side in ("server", "client"):
        for protocol in ("tcp", "udp"):
            assert made[protocol, side].start()
    for protocol in ("tcp", "udp"):
        assert made[protocol, "client"].wait(timeout=10)
    stoppers = [threading.Thread(target=one.stop) for one in made.values()]
    for stopper in stoppers:
        stopper.start()
    for stopper in stoppers:
        stopper.join()
    return made


@pytest.mark.slow
@pytest.mark.parametrize("side", KEYS, ids=" ".join)
def test_old_keys_in_their_old_order(
    side: tuple[str, str], runs: dict[tuple[str, str], Server | Client]
) -> None:
    """``detail`` and ``summary`` begin with them; what is ours stands behind."""
    (stream,) = runs[side].get_results().values()
    old = KEYS[side].split()
    assert ["info", "detail", "summary", "events", "timestamp"] == list(stream)
    ends = ["local_ip", "local_port", "remote_ip", "remote_port"]
    assert ["stream_id", *ends] == list(stream["info"])
    for message in [*stream["detail"], stream["summary"]]:
        assert old == list(message)[: len(old)]
        assert f"{side[0]} {'rx' if side[1] == 'server' else 'tx'}" == message["stream_name"]
        assert message["bytes"] > 0
        for key in ("bits_per_second", "start", "end", "seconds", "received_at"):
            assert key in message
        texts = {key for key, value in message.items() if isinstance(value, str)}
        assert {key for key in old if key.endswith("_unit")} | {"stream_id"} >= texts & set(old)
    assert len(stream["detail"]) >= 2


@pytest.mark.slow
def test_results_are_copies(runs: dict[tuple[str, str], Server | Client]) -> None:
    """Whoever changes what he was given changes only that."""
    server = runs["udp", "server"]
    given = server.get_results()
    before = server.get_results()
    for stream in given.values():
        stream["detail"].clear()
        stream["info"]["local_ip"] = "changed"
    given.clear()
    assert before == server.get_results()


@pytest.mark.slow
def test_trimming() -> None:
    """``trim_results`` forgets old intervals of all streams or of one; totals stay."""
    server, client = udp_pair()
    with server, client:
        assert client.wait(timeout=5)
    (key,) = server.get_results()
    before = server.result().streams[key]
    kept = len(before.intervals)
    server.trim_results(3, stream_id="77")
    assert kept == len(server.get_results()[key]["detail"])
    last = server.get_results()[key]["detail"][-3:]
    server.trim_results(3, stream_id=key)
    assert last == server.get_results()[key]["detail"]
    server.trim_results(1)
    assert last[-1:] == server.get_results()[key]["detail"]
    server.trim_results(0)
    after = server.result().streams[key]
    assert () == after.intervals
    assert (before.packets_received, before.bytes, before.summary, before.interval_count) == (
        after.packets_received, after.bytes, after.summary, after.interval_count,
    )  # fmt: skip
    with pytest.raises(ValueError, match="at least 0"):
        server.trim_results(-1)


def test_options_and_their_defaults() -> None:
    """Names and defaults of 0.x, the same for both roles; readable and settable as attributes."""
    for instance in (Server(), Client()):
        options = instance.get_options()
        assert DEFAULTS == {name: options[name] for name in DEFAULTS}
        for name, value in DEFAULTS.items():
            assert value == getattr(instance, name)
        instance.port = "5202"
        instance.set_options(test_duration="0.5", report_interval="2", bandwidth=5000000)
        assert (5202, 0.5, 2) == (
            instance.port, instance.test_duration, instance.report_interval
        )  # fmt: skip
        assert "5000000" == str(instance.bandwidth)
        assert {} == instance.currently_has_loss
        assert ("server" if isinstance(instance, Server) else "client") == instance.type


def test_options_of_one_make_a_copy_of_it() -> None:
    """``x.set_options(**y.get_options())``, between roles too, and the same command line."""
    given = Client(
        LOOPBACK, protocol="udp", port="5999", bandwidth="10M", test_duration="3", dscp="ef",
        use_iperf_loss_counter=True, loss_threshold=2, name="x", window="256K",
        extra_args=["-X"],
    )  # fmt: skip
    copy = Client()
    copy.set_options(**given.get_options())
    assert given.get_options() == copy.get_options()
    assert given.generate_cli_from_options() == copy.generate_cli_from_options()
    receiver = Server()
    receiver.set_options(**{**given.get_options(), "extra_args": None})
    assert "-c" not in receiver.generate_cli_from_options()
    fresh = Client(LOOPBACK)
    fresh.set_options(**Client(LOOPBACK).get_options())
    assert "-l" not in fresh.generate_cli_from_options()
    old = {**given.get_options(), "status": "running", "type": "client", "currently_has_loss": {}}
    copy.set_options(**old, expected_interval_packets=7)
    assert "configured" == copy.status


def test_the_command_line_is_a_list_of_text() -> None:
    """As ``start()`` would run it."""
    told = Client(
        "192.0.2.1", protocol="udp", port=5202, bandwidth="10M", dscp=46, realtime=False,
        client_source_port=6000, test_duration=2,
    ).generate_cli_from_options()  # fmt: skip
    assert all(isinstance(word, str) for word in told)
    assert told[0].endswith("iperf")
    text = f" {' '.join(told)} "
    for words in (
        "-c 192.0.2.1", "-u", "-p 5202", "-b 10M", "-t 2", "-l 1470", "-T 255", "-i 1",
        "-B 0.0.0.0:6000", "-S 184",
    ):  # fmt: skip
        assert f" {words} " in text
    assert " -z " not in text
    assert "-B" not in Client("192.0.2.1").generate_cli_from_options()


def test_a_client_without_a_load_sends_1000_datagrams_a_second() -> None:
    """The documented default of UDP; TCP has none, and no buffer length either."""
    udp = Client("192.0.2.1", protocol="udp").generate_cli_from_options()
    assert "1000pps" == udp[udp.index("-b") + 1]
    tcp = Client("192.0.2.1").generate_cli_from_options()
    assert not {"-b", "-l", "-T"} & set(tcp)


def test_names() -> None:
    """``get_name`` is a property, and a ValueError without a name."""
    assert "rx" == Server(name="rx").get_name
    with pytest.raises(ValueError, match="name"):
        _ = Server().get_name


def test_the_first_argument_of_a_client_counts() -> None:
    """0.x ignored it."""
    assert "192.0.2.9" == Client("192.0.2.9").server_ip


# --- events -------------------------------------------------------------------------------

LOSSY = """\
[  1] local 10.0.0.1 port 5001 connected with 10.0.0.2 port 40000
[ ID] Interval       Transfer     Bandwidth        Jitter   Lost/Total Datagrams
[  1] 0.0000-1.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.001 ms 0/1000 (0%)
[  1] 1.0000-2.0000 sec  1.26 MBytes  10.6 Mbits/sec   0.001 ms 100/1000 (10%)
[  1] 2.0000-3.0000 sec  1.33 MBytes  11.2 Mbits/sec   0.001 ms 50/1000 (5%)
[  1] 3.0000-4.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.001 ms 0/1000 (0%)
[  1] 0.0000-4.0002 sec  5.40 MBytes  11.3 Mbits/sec   0.001 ms 150/4001 (3.7%)
"""


def test_an_event_has_the_old_keys_first() -> None:
    """In their old order, with the old words for its states; ours stand behind."""
    result = replay(LOSSY.encode(), report_interval=1, version="2.1.8", name="rx")
    (event,) = result.streams["1"].loss_events
    told = event.to_dict(stream_name="rx")
    assert EVENT_KEYS.split() == list(told)[: len(EVENT_KEYS.split())]
    assert ("stable", 150, 1.0, 3.0) == (
        told["status"], told["total_packets_lost_since_event_start"],
        told["event_begin"], told["event_end"],
    )  # fmt: skip


# --- raw logs -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_raw_log_replays_to_the_same_result(tmp_path: Path) -> None:
    """Everything but what a file cannot hold: when it arrived, how it ended, and on stderr what."""
    server, client = udp_pair()
    for one in (server, client):
        one.set_raw_log_path(str(tmp_path))
    with server, client:
        assert client.wait(timeout=5)
    role: Role
    for one, role in ((server, "server"), (client, "client")):
        live = one.result()
        assert one.raw_log_path is not None
        again = replay(
            Path(one.raw_log_path), role=role, protocol="udp", version=live.version, name=one.name,
            report_interval=0.1, bandwidth=one.bandwidth,
        )  # fmt: skip
        assert stampless(live.to_dict())["streams"] == stampless(again.to_dict())["streams"]
        assert len(live.streams) == 1


def stampless(value: Any) -> Any:
    """Return plain data without the times of arrival, and what only they tell."""
    if isinstance(value, dict):
        left_out = {"arrived", "started", "current", "ended", "begin_at", "end_at"}
        return {key: stampless(one) for key, one in value.items() if key not in left_out}
    if isinstance(value, list | tuple):
        return [stampless(one) for one in value]
    return value


@pytest.mark.slow
def test_raw_logs_never_overwrite_one_another(tmp_path: Path) -> None:
    """Two objects of one name and second, and each restart, write files of their own."""
    twins = [udp_pair()[0] for _ in range(2)]
    for twin in twins:
        twin.set_raw_log_path(str(tmp_path))
    seen: list[str | None] = []
    for _ in range(2):
        for twin in twins:
            with twin:
                seen.append(twin.raw_log_path)
    assert 4 == len(set(seen)) == len(list(tmp_path.iterdir()))
    assert all("rx_server" in str(path) for path in seen)
    assert all(Path(str(path)).read_bytes().startswith(b"-----") for path in seen)


def test_a_name_cannot_lead_a_raw_log_elsewhere(tmp_path: Path) -> None:
    """Whatever the name, the file is in the folder."""
    folder = tmp_path / "logs"
    folder.mkdir()
    server, _ = udp_pair()
    server.name = "../../x y/" + "z" * 300
    server.set_raw_log_path(str(folder))
    with server:
        assert Path(str(server.raw_log_path)).parent == folder
    assert [folder] == list(tmp_path.iterdir())
