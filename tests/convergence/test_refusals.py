"""What a convergence test refuses before anything is started, and how it calls events."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from pyperf2 import AsyncServer, Client, OptionError, Server, StateError
from pyperf2.convergence import ConvergenceTest, Flow
from pyperf2.convergence.calls import call
from pyperf2.convergence.events import name_of, now, stamped
from pyperf2.core.endpoints import LOCAL, Endpoint
from pyperf2.lab import naming

SAME = Server()


def make(name: str, *, client: Client | None = None, **server: Any) -> Flow:
    """Return a flow that is never started."""
    server = {"protocol": "udp", "port": 6001, **server}
    return Flow(name, server=Server(**server), client=client or Client("192.0.2.1"))


def nothing() -> None:
    """Be an event."""


def test_no_flow_is_refused() -> None:
    """There is nothing to measure."""
    with pytest.raises(OptionError, match="at least one flow"):
        ConvergenceTest([], nothing)


@pytest.mark.parametrize("flows", [None, 7, "a", ["a"], [None], make("a"), [[make("a")]]])
def test_what_are_no_flows_is_refused(flows: Any) -> None:
    """A flow that stands where a list of them has to; an instance is none."""
    with pytest.raises(OptionError, match=r"flows=.*: a list of flows and nothing else is wanted"):
        ConvergenceTest(flows, nothing)


async def coroutine() -> None:
    """Be one."""


@pytest.mark.parametrize("event", [(), [3], [nothing, None], None, 7, "cut", {nothing: 1}, {}])
def test_no_event_is_refused(event: Any) -> None:
    """Nor is what cannot be called one."""
    with pytest.raises(OptionError, match="something to call"):
        ConvergenceTest([make("a")], event)


def test_a_coroutine_is_no_event_but_its_function_is() -> None:
    """It could be awaited once only."""
    called = coroutine()
    with pytest.raises(OptionError, match="something to call"):
        ConvergenceTest([make("a")], called)  # type: ignore[arg-type]
    called.close()
    assert (coroutine,) == ConvergenceTest([make("a")], coroutine).events


@pytest.mark.parametrize("event", [lambda link: link, name_of])
def test_an_event_that_wants_arguments_is_refused(event: Any) -> None:
    """Not when all flows have become steady; what says nothing of its arguments is believed."""
    with pytest.raises(OptionError, match=r"event .* is called without arguments: missing"):
        ConvergenceTest([make("a")], [nothing, event])
    assert 1 == len(ConvergenceTest([make("a")], dict).events)


@pytest.mark.parametrize("name", ["steady", "recovery", "timeout", "report_interval"])
def test_a_time_that_is_none_is_refused(name: str) -> None:
    """Zero seconds, less, or not a number."""
    times: dict[str, Any] = {}
    for seconds in (0.0, -1.0, float("nan"), float("inf"), "soon", None, True, [1]):
        with pytest.raises(OptionError, match=rf"{name}=.* in seconds"):
            ConvergenceTest([make("a")], nothing, **times | {name: seconds})


def test_a_time_is_read_as_those_of_options_are() -> None:
    """A number in a text is one."""
    times: dict[str, Any] = {"steady": "1", "recovery": "0.5", "timeout": "1e1"}
    test = ConvergenceTest([make("a")], nothing, **times)
    assert (1.0, 0.5, 10.0) == (test.steady, test.recovery, test.timeout)


@pytest.mark.parametrize("repeat", [0, -1, 1.5, "some", None, True])
def test_a_number_of_runs_that_is_none_is_refused(repeat: Any) -> None:
    """Before anything is started; the test may be run then."""
    test = ConvergenceTest([make("a")], nothing)
    for _ in range(2):
        with pytest.raises(OptionError, match=r"repeat=.*number .*wanted"):
            test.run(repeat)


@pytest.mark.parametrize("name", ["steady", "recovery"])
def test_a_time_that_cannot_be_over_before_the_timeout_is_refused(name: str) -> None:
    """No flow would ever be steady, or have recovered."""
    times = {"steady": 1.0, "recovery": 1.0, "timeout": 2.0}
    ConvergenceTest([make("a")], nothing, **times)
    with pytest.raises(OptionError, match=rf"{name}=2 .* timeout=2; take a longer"):
        ConvergenceTest([make("a")], nothing, **times | {name: 2.0})


def test_two_flows_of_one_name_are_refused() -> None:
    """The report could not tell them apart."""
    with pytest.raises(OptionError, match="two flows 'a'"):
        ConvergenceTest([make("a"), make("a", port=6002)], nothing)


def test_an_instance_in_two_flows_is_refused() -> None:
    """It can run once."""
    client = Client("192.0.2.1")
    with pytest.raises(OptionError, match=r"flow 'b': .* is in flow 'a' too"):
        ConvergenceTest([make("a", client=client), make("b", client=client, port=6002)], nothing)


@pytest.mark.parametrize(
    "both",
    [
        ({}, {}),
        ({"use_linux_namespace": "x"}, {"use_linux_namespace": "x"}),
        ({"bind_ip": "192.0.2.1"}, {}),
        ({"bind_ip": "192.0.2.1"}, {"bind_ip": "192.0.2.1"}),
        ({"bind_ip": "239.1.1.1"}, {"bind_ip": "239.1.1.1"}),
        ({"protocol": "tcp"}, {"tool": "iperf3"}),
    ],
)
def test_two_flows_on_one_port_are_refused(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """One would receive the other's datagrams; the error names both, the port and the place."""
    one, other = both
    with pytest.raises(OptionError, match=r"flow 'b': \w+ port 6001 .* is flow 'a''s"):
        ConvergenceTest([make("a", **one), make("b", **other)], nothing)


@pytest.mark.parametrize(
    "both",
    [
        ({}, {"port": 6002}),
        ({}, {"protocol": "tcp"}),
        ({"use_linux_namespace": "x"}, {"use_linux_namespace": "y"}),
        ({"bind_ip": "192.0.2.1"}, {"bind_ip": "192.0.2.2"}),
        ({"bind_ip": "239.1.1.1"}, {"bind_ip": "239.1.1.2"}),
    ],
)
def test_flows_that_do_not_meet_are_taken(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Another port, protocol, namespace, address or group."""
    one, other = both
    assert 2 == len(ConvergenceTest([make("a", **one), make("b", **other)], nothing).flows)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "give it server=…, or receivers=[…]"),
        ({"server": Server(), "receivers": [Server()]}, "one of the two"),
        ({"server": Client("192.0.2.1")}, "stands where a server has to be"),
        ({"server": Server(), "client": Server()}, "stands where a client has to be"),
        ({"server": Server(), "client": Client("192.0.2.1", reverse=True)}, "its client receives"),
        ({"server": None, "client": None}, "give it server=…"),
        ({"server": Server(), "client": "192.0.2.1"}, "stands where a client has to be"),
        ({"server": AsyncServer()}, "stands where a server has to be"),
        ({"receivers": Server()}, "a list of servers and nothing else is wanted"),
        ({"receivers": 7}, "a list of servers and nothing else is wanted"),
        ({"receivers": [SAME, SAME]}, "stands there twice"),
    ],
)
def test_a_flow_that_is_none_is_refused(parts: dict[str, Any], words: str) -> None:
    """Each error names the flow."""
    given = {"client": Client("192.0.2.1"), **parts}
    with pytest.raises(OptionError, match="flow 'a'") as refused:
        Flow("a", **given)
    assert words in str(refused.value)


def test_a_flow_between_hosts_has_both_ends() -> None:
    """Each has its namespace and its options; nothing is set that the test would not set."""
    a, b = Endpoint("192.0.2.1", "x"), Endpoint("192.0.2.2")
    flow = Flow.between("voice", a, b, port=5004, dscp="ef", report_interval=0.2)
    (server,) = flow.receivers
    assert ("voice", "192.0.2.2", "x", None) == (
        flow.name, flow.client.server_ip, flow.client.use_linux_namespace,
        server.use_linux_namespace,
    )  # fmt: skip
    for one in flow.instances:
        assert ("udp", 5004, 0.2) == (one.protocol, one.port, one.report_interval)
        assert not one._options.is_set("bandwidth")
    assert ("ef", None) == (flow.client.dscp, server.dscp)
    assert "tcp" == Flow.between("bulk", a, b, protocol="tcp").client.protocol


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sender": "192.0.2.1"}, "sender='192.0.2.1': Endpoint"),
        ({"receiver": None}, "receiver=None: Endpoint"),
        ({"bandwith": "1M"}, "did you mean 'bandwidth'"),
        ({"use_linux_namespace": "x"}, "the two hosts say where the ends are"),
        ({"reverse": True}, "its client receives"),
        ({"name": 7}, "line of text"),
    ],
)
def test_what_is_no_flow_between_hosts_is_refused(options: dict[str, Any], words: str) -> None:
    """Each in words."""
    given: dict[str, Any] = {"name": "a", "sender": LOCAL, "receiver": LOCAL, **options}
    with pytest.raises(OptionError, match=words):
        Flow.between(**given)


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "\0", 7, None])
def test_a_name_that_is_no_line_of_text_is_refused(name: Any) -> None:
    """It stands in tables."""
    with pytest.raises(OptionError, match="line of text"):
        make(name)


def test_receivers_are_told_apart() -> None:
    """By their names, else their namespaces, else their numbers."""
    servers = [Server(name="left"), Server(use_linux_namespace="x"), Server(), Server()]
    flow = Flow("a", receivers=servers, client=Client("192.0.2.1"))
    assert ["left", "x", "receiver 3", "receiver 4"] == [flow.name_of(one) for one in servers]
    lone = make("a")
    assert "server" == lone.name_of(lone.receivers[0])


def test_a_receiver_in_a_lab_is_named_as_its_node_is() -> None:
    """The namespace's name is another one in each lab: reports, and CI's test cases, are alike."""
    labs = [naming.next_lab() for _ in range(2)]
    names = [naming.namespace_name(node, labs[0]) for node in ("tx-1", "b")]
    flow = Flow(
        "a",
        receivers=[Server(use_linux_namespace=name) for name in names],
        client=Client("192.0.2.1"),
    )
    assert ["tx-1", "b"] == [flow.name_of(one) for one in flow.receivers]
    names[1] = naming.namespace_name("tx-1", labs[1])
    flow.receivers[1].use_linux_namespace = names[1]
    assert ["tx-1 1", "tx-1 2"] == [flow.name_of(one) for one in flow.receivers]


def test_a_coroutine_is_not_waited_for_inside_a_running_loop() -> None:
    """As in a notebook: the error says what works there; nothing is left that was never awaited."""

    async def event() -> int:
        return 7

    async def beside_a_loop() -> None:
        with pytest.raises(StateError, match=r"use: await test\.run_async\(\)"):
            call(event, "event", 5)

    asyncio.run(beside_a_loop())
    assert 7 == call(event, "event", 5).returned


def test_events_are_called_what_their_functions_are() -> None:
    """Through a partial, too; a lambda has no name of its own."""
    assert ["nothing", "nothing", None] == [
        name_of(one) for one in (nothing, partial(nothing), lambda: None)
    ]


def test_an_event_that_tells_when_it_was_is_believed_within_its_call() -> None:
    """What lies outside the call, or is no time, is not."""
    before = now()
    first = time.time_ns()
    after = now()
    told = stamped("cut", before, after, SimpleNamespace(before_ns=first, after_ns=first))
    assert (first, first) == (told.before.wall_ns, told.after.wall_ns)
    assert before.monotonic_ns <= told.before.monotonic_ns <= after.monotonic_ns
    hit = SimpleNamespace(
        began=SimpleNamespace(before_ns=1, after_ns=2),
        ended=SimpleNamespace(before_ns=first, after_ns=after.wall_ns),
    )
    ended = stamped("mend", before, after, hit)
    assert (first, after.wall_ns) == (ended.before.wall_ns, ended.after.wall_ns)
    for stranger in (None, 7, SimpleNamespace(before_ns=1, after_ns=2)):
        assert (before, after) == (
            (one := stamped("cut", before, after, stranger)).before, one.after,
        )  # fmt: skip
