"""Criteria for both ends of streams that have really run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import Client, OptionError, Server
from pyperf2.traffic import (
    Stream,
    max_asymmetry,
    max_jitter,
    max_latency,
    max_loss,
    max_lost,
    max_outage,
    max_retransmits,
    min_bitrate,
    min_intervals,
    no_gap,
)
from tests.live.support import LOOPBACK
from tests.traffic.pairs import PORT, QUICK, stream

if TYPE_CHECKING:
    from pyperf2.core.results import Result

pytestmark = pytest.mark.slow


def moved(result: Result, least: int) -> bool:
    """Tell whether all streams together moved so many bytes."""
    return sum(one.bytes or 0 for one in result.streams.values()) >= least


def role_is(result: Result, role: str) -> bool:
    """Tell whose result it is."""
    return result.role == role


@pytest.fixture(scope="module")
def voice() -> Stream:
    """Give a stream that has run: 0.5 s of UDP at 1000 datagrams a second."""
    one = stream("voice")
    one.run(0.5)
    return one


COMBINATIONS: list[dict[str, Any]] = [
    {},
    {"common_validation_criteria": {moved: {"least": 1000}}},
    {"server_validation_criteria": {role_is: {"role": "server"}}},
    {"clients_validation_criteria": {role_is: {"role": "client"}}},
    {
        "server_validation_criteria": [(role_is, {"role": "server"}), (moved, {"least": 1})],
        "clients_validation_criteria": [(moved, {"least": 1}), (moved, {"least": 2})],
    },
]


@pytest.mark.parametrize(
    ("given", "server", "client"),
    [
        (COMBINATIONS[n], *counts)
        for n, counts in enumerate([(0, 0), (1, 1), (1, 0), (0, 1), (2, 2)])
    ],
)
def test_criteria_go_to_the_ends_they_are_for(
    voice: Stream, given: dict[str, Any], server: int, client: int
) -> None:
    """None, common ones, those of the server, of the clients, of both; one may be there twice."""
    report = voice.validate(**given)
    assert report, str(report)
    of_roles = [one.role for one in report.findings if one.criterion != "traffic"]
    assert [server, client] == [of_roles.count("server"), of_roles.count("client")]
    assert {"voice"} == {one.stream for one in report.findings}


@pytest.mark.parametrize("side", ["server_validation_criteria", "clients_validation_criteria"])
def test_common_criteria_exclude_others(voice: Stream, side: str) -> None:
    """Even empty ones: who gives both means something else."""
    with pytest.raises(ValueError, match="common criteria are for both sides"):
        voice.validate({}, **{side: {}})
    wrong: dict[str, Any] = {side: [5]}
    with pytest.raises(OptionError, match="no criterion"):
        voice.validate(**wrong)


def test_one_that_fails_is_told_with_its_reason(voice: Stream) -> None:
    """A false one, one that raises, one that has no data; the others are evaluated."""
    report = voice.validate(
        server_validation_criteria=[
            (moved, {"least": 10**12}),
            (moved, {"most": 1}),
            max_retransmits(10**6),
            max_loss("2%"),
            max_outage("100ms"),
        ]
    )
    assert report.passed is False
    told = {one.criterion: one for one in report.failures}
    raised = [one for one in report.failures if "it raised TypeError" in one.reason]
    assert {"moved", "max_retransmits"} == set(told)
    assert 1 == len(raised)
    assert "no data: only the sender of TCP" in told["max_retransmits"].reason
    assert [True, True] == [one.passed for one in report.findings[4:6]]


UDP = [max_loss("2%"), max_lost(20), max_jitter("50ms"), max_outage("100ms"), no_gap()]


@pytest.mark.quiet
@pytest.mark.parametrize(
    ("options", "of_server", "of_client"),
    [
        ({}, [*UDP, max_latency("200ms"), min_intervals(9)], [min_bitrate("10M")]),
        ({"tool": "iperf3"}, [*UDP, min_intervals(9)], [min_bitrate("10M")]),
        (
            {"protocol": "tcp", "bandwidth": "200M"},
            [min_bitrate("10M"), max_outage("900ms"), no_gap()],
            [max_retransmits(10**6)],
        ),
        (
            {"tool": "iperf3", "protocol": "tcp", "bandwidth": "200M", "bidir": True},
            [min_bitrate("1M")],
            [max_asymmetry("99.9%"), max_retransmits(10**6)],
        ),
    ],
    ids=["iperf2 udp", "iperf3 udp", "iperf2 tcp", "iperf3 bidir"],
)
def test_ready_made_criteria_read_what_iperf_told(
    options: dict[str, Any], of_server: list[Any], of_client: list[Any]
) -> None:
    """Every one of them passes where the figure is there, whichever tool told it."""
    options = {**QUICK, **options}
    client = Client(LOOPBACK, name="tx", **options)
    for of_clients in ("bandwidth", "bidir"):
        options.pop(of_clients, None)
    one = Stream([client], Server(name="rx", **options), "any", PORT)
    one.run(1)
    report = one.validate(
        server_validation_criteria=of_server, clients_validation_criteria=of_client
    )
    assert report, str(report)
    assert 2 + len(of_server) + len(of_client) == len(report.findings)
