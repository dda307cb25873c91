"""Many streams by name: the names, all at once, and what is told while they run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import NoSuchStream, OptionError, Server, StateError
from pyperf2.traffic import (
    SingleHostStream,
    Stream,
    TrafficManager,
    bitrate_below,
    loss_above,
    max_loss,
    min_bitrate,
    min_intervals,
)
from tests.live.support import wait_for
from tests.traffic.pairs import PORT, QUICK, async_stream, stream

if TYPE_CHECKING:
    from tests.live.support import Lab


def manager_of(*streams: Stream) -> TrafficManager:
    """Return a manager of these."""
    manager = TrafficManager()
    for one in streams:
        manager.add_stream(one)
    return manager


def test_names_are_unique_and_known() -> None:
    """A second one of a name is refused, and so is an instance in two streams; none is lost."""
    voice = stream("voice")
    manager = manager_of(voice)
    with pytest.raises(OptionError, match="there is a stream 'voice' already"):
        manager.add_stream(stream("voice"))
    with pytest.raises(OptionError, match="is in stream 'voice' already"):
        manager.add_stream(Stream([], voice.server, "video"))
    for wrong in (voice.server, async_stream()):
        with pytest.raises(OptionError, match="stands where Stream is wanted"):
            manager.add_stream(wrong)  # type: ignore[arg-type]
    assert ["voice"] == [one.name for one in manager.streams]
    for call in (manager.start, manager.stop, manager.validate, manager.remove_stream):
        with pytest.raises(NoSuchStream, match=r"no stream 'vioce' \(there is: 'voice'\)"):
            call("vioce")
    with pytest.raises(NoSuchStream):
        manager.run("vioce", 1)
    assert voice is manager.remove_stream("voice")
    assert [] == [one.name for one in manager.streams]
    assert issubclass(NoSuchStream, LookupError)


def test_what_is_started_is_not_removed() -> None:
    """It would run on, and nobody would know its name."""
    with manager_of(stream("voice")) as manager:
        manager.start("voice")
        with pytest.raises(StateError, match="stop it first"):
            manager.remove_stream("voice")
        manager.stop("voice")
        manager.remove_stream("voice")


def test_without_streams_everything_is_done_at_once() -> None:
    """There is nothing to do, and that is no error; but nothing has passed either."""
    manager = TrafficManager()
    manager.start_all()
    manager.stop_all(delay=5)
    assert {} == manager.run_all(60)
    report = manager.validate_all([min_bitrate("1M")])
    assert report.passed is None
    assert "undecided: there is nothing to validate" == str(report)


def test_streams_are_started_and_stopped_by_name() -> None:
    """Those without clients too, and with delays."""
    alone = SingleHostStream(Server(name="alone", **QUICK), "alone", PORT)
    with manager_of(stream("voice"), alone) as manager:
        for name in ("alone", "voice"):
            manager.start(name, delay=0.01)
            assert manager[name].running
        manager.stop("alone", delay=0.01)
        assert [True, False] == [one.running for one in manager.streams]
        manager.run("alone", 0.1)
        wrong = manager.validate("alone", server_validation_criteria={lambda _: False: {}})
        assert "it returned False" in str(wrong)
    assert not manager["voice"].started


@pytest.mark.quiet
@pytest.mark.slow
def test_all_streams_run_at_the_same_time() -> None:
    """Each on a port of its own; the results of each are under its name."""
    manager = manager_of(*(stream(f"s{n}", clients=n, bandwidth="50pps") for n in (1, 2)))
    began = time.monotonic()
    results = manager.run_all(1)
    assert time.monotonic() - began < 3
    assert ["s1", "s2"] == list(results)
    assert [1, 2] == [len(each.clients) for each in results.values()]
    received = [[one for one in each.server.streams if one != "SUM"] for each in results.values()]
    assert [1, 2] == [len(each) for each in received]
    report = manager.validate_all([min_intervals(5)])
    assert report, str(report)
    assert {"s1", "s2"} == {one.stream for one in report.findings}
    assert 5 * 2 == len(report.findings)
    assert manager.validate("s2", [min_bitrate("100k")])
    with pytest.raises(OptionError, match="common"):
        manager.validate_all([], server_validation_criteria=[])


@pytest.mark.slow
def test_intervals_of_all_streams_are_told_with_their_names() -> None:
    """Of streams added before and later; of none that was removed."""
    seen: set[tuple[str, str, str, int]] = set()

    def note(message: dict[str, Any], *, stream: str, role: str, mark: int) -> None:
        seen.add((stream, role, message["stream_name"], mark))

    manager = manager_of(stream("before"), stream("removed"))
    manager.on_interval(note, mark=7)
    manager.add_stream(stream("later"))
    removed = manager.remove_stream("removed")
    with removed, manager:
        manager.start_all()
        wait_for(lambda: len(seen) == 4, "intervals")
        wait_for(lambda: removed.server.result().streams != {}, "intervals of the removed one")
    ends = [("server", "rx"), ("client", "tx1")]
    assert {(name, *end, 7) for name in ("before", "later") for end in ends} == seen


@pytest.mark.slow
@pytest.mark.netns
def test_loss_is_told_and_ends_what_was_not_to_lose(lab: Lab) -> None:
    """The condition is seen while it runs; all streams end, and none of them has passed."""
    options = {**QUICK, "bandwidth": "500pps"}
    streams = []
    for name, port in (("voice", PORT), ("video", PORT + 1)):
        one = stream(name, port=port, **options)
        one.server.set_options(use_linux_namespace=lab.right)
        one.clients[0].set_options(use_linux_namespace=lab.left, server_ip=lab.RIGHT_IP)
        streams.append(one)
    manager = manager_of(*streams)
    losses: list[tuple[str, int]] = []
    manager.on_loss(lambda told, stream, role: losses.append((stream, told["packets_lost"])))  # noqa: ARG005
    manager.stop_when(loss_above("5%"))
    manager.on_interval(lambda _, stream, role: begun.add(stream))  # noqa: ARG005
    begun: set[str] = set()
    lab.count(PORT)
    with manager:
        manager.start_all()
        wait_for(lambda: len(begun) == 2, "both streams")
        assert manager["voice"].aborted is None
        with lab.outage(PORT):
            time.sleep(0.15)
        wait_for(lambda: not any(one.running for one in streams), "the end of all clients")
    assert {"voice"} == {name for name, _ in losses}
    for one in streams:
        assert "stream 'voice', server" in str(one.aborted)
        assert "more than 5%" in str(one.aborted)
        assert "carried through; aborted:" in str(one.validate())
    report = manager.validate_all(server_validation_criteria=[max_loss("0.1%")])
    failed = [each.stream for each in report.failures if each.criterion == "max_loss"]
    assert ["voice"] == failed


@pytest.mark.slow
def test_a_run_that_is_aborted_returns_early() -> None:
    """From a callback, a condition or any thread; it is no error, but it has not passed."""
    manager = manager_of(stream("voice"), stream("video"))
    manager.stop_when(bitrate_below("100G"))
    began = time.monotonic()
    manager.run_all(50)
    assert time.monotonic() - began < 10
    assert not manager.validate_all()
    assert "less than 100G" in str(manager["voice"].aborted)
    assert manager["voice"].aborted == manager["video"].aborted


@pytest.mark.parametrize("wrong", ["1", 1, "5M", None])
def test_a_share_without_its_sign_is_refused(wrong: Any) -> None:
    """It may be meant as datagrams."""
    with pytest.raises(OptionError, match="no share"):
        loss_above(wrong)
