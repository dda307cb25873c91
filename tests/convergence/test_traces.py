"""What a convergence test leaves of itself in the instances of its flows: nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import Client, ConvergenceError, OptionError, Server
from pyperf2.convergence import ConvergenceTest, Flow, lookout
from pyperf2.core.steadiness import Watch
from tests.convergence.interrupting import interrupted_in
from tests.live.support import LOOPBACK, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperf2.instance import IPerfInstance

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

QUICK: dict[str, Any] = {"steady": 0.2, "recovery": 0.2, "timeout": 10.0}


def bare(name: str = "a", **options: Any) -> Flow:
    """Return a flow of which as little is set as can be."""
    port = free_port()
    common: dict[str, Any] = {"protocol": "udp", "port": port, "realtime": False, **options}
    return Flow(name, server=Server(**common), client=Client(LOOPBACK, **common))


def nothing() -> None:
    """Be an event."""


def failing() -> None:
    """Be one that fails."""
    raise LookupError


def state_of(one: IPerfInstance) -> tuple[Any, ...]:
    """Give all of an instance that the next run of it would show."""
    names = tuple(one._options.set_names())
    return one.get_options(), names, list(one._callbacks.on_data), list(one._callbacks.on_loss)


@pytest.mark.parametrize(("event", "repeat"), [(nothing, 2), (failing, 1)])
def test_options_and_callbacks_are_what_they_were(event: Callable[[], None], repeat: int) -> None:
    """Those left open are open again, however the test ended; each run had what it needs."""
    flow = bare()
    seen: list[float] = []
    flow.receivers[0].register_on_data_callback(lambda told: seen.append(told["interval_end"]))
    before = [state_of(one) for one in flow.instances]
    test = ConvergenceTest([flow], event, **QUICK)
    if event is failing:
        with pytest.raises(ConvergenceError):
            test.run()
    else:
        test.run(repeat)
    assert before == [state_of(one) for one in flow.instances]
    assert test.report is not None
    for run in test.report.runs:
        (told,) = run.flows
        assert 0.1 <= told.interval_s < 0.6, "iperf's own is 1 s"
        assert 1000 == told.offered_pps
    assert seen, "the user's own callback was called"


def test_what_the_user_has_set_is_used_and_stays() -> None:
    """Neither the interval nor the rate is replaced."""
    flow = bare(report_interval=0.2, bandwidth="500pps")
    before = [state_of(one) for one in flow.instances]
    report = ConvergenceTest([flow], nothing, **QUICK | {"steady": 0.4, "recovery": 0.4}).run()
    assert before == [state_of(one) for one in flow.instances]
    assert 500 == report.flows[0].offered_pps


def test_ctrl_c_leaves_options_as_they_were() -> None:
    """In the middle of the recovery."""
    flow = bare()
    before = [state_of(one) for one in flow.instances]
    test = ConvergenceTest([flow], nothing, **QUICK | {"recovery": 5.0})
    interrupted_in(test, "recovery")
    assert before == [state_of(one) for one in flow.instances]
    assert test.report is not None
    assert 1000 == test.report.flows[0].offered_pps


def test_a_test_that_cannot_be_run_leaves_options_as_they_were() -> None:
    """One that runs already is not touched at all: it can still be asked to start."""
    first, busy = bare("first"), bare("busy")
    before = [state_of(one) for flow in (first, busy) for one in flow.instances]
    with busy.receivers[0]:
        with pytest.raises(ConvergenceError, match="runs already"):
            ConvergenceTest([first, busy], nothing, **QUICK).run()
        assert busy.receivers[0].start(), "a StateError if its options had changed"
    assert before == [state_of(one) for flow in (first, busy) for one in flow.instances]
    odd = bare(report_interval=1e-6)
    before = [state_of(one) for one in odd.instances]
    with pytest.raises(ConvergenceError, match="report_interval") as told:
        ConvergenceTest([odd], nothing, **QUICK).run()
    assert isinstance(told.value.__cause__, OptionError)
    assert before == [state_of(one) for one in odd.instances]


def test_a_flow_without_a_rate_of_its_own_is_held_to_the_usual_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In its first run as in all others: the watch knows the rate that the test has set."""
    rates: list[float | None] = []

    class Noted(Watch):
        """A watch whose expectations are noted."""

        def __init__(self, *, expected_pps: float | None, **others: Any) -> None:
            super().__init__(expected_pps=expected_pps, **others)
            rates.append(expected_pps)

    monkeypatch.setattr(lookout, "Watch", Noted)
    ConvergenceTest([bare()], nothing, **QUICK).run(2)
    assert [1000.0, 1000.0] == rates


def test_who_was_the_sender_once_has_no_say_in_a_later_run() -> None:
    """The server is started again for another client: its account is of that one alone."""
    flow = bare()
    (server,) = flow.receivers
    ConvergenceTest([flow], nothing, **QUICK).run()
    (whole,) = server.result().streams.values()
    assert whole.packets_sent == whole.packets_received, "still told by its sender"
    other = Client(LOOPBACK, protocol="udp", port=server.port, bandwidth="200pps", num=60 * 1470)
    with server, other:
        other.wait(10)
        wait_for(lambda: bool((told := server.progress()) and told.ended), "the end")
    (told,) = server.result().streams.values()
    assert 60 <= (told.packets_received or 0) <= 62
    assert (None, 0) == (told.packets_sent, told.packets_lost), "nobody has told what was sent"
