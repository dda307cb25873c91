"""What an option takes, refuses and says; and that a copy is faithful."""

from __future__ import annotations

from typing import Any

import pytest

from pyperf2.core.options import OPTIONS
from pyperf2.core.optionset import OptionSet
from pyperf2.errors import OptionError

REFUSED: list[tuple[str, Any, str]] = [
    ("port", 0, "from 1 to 65535"),
    ("port", 70000, "from 1 to 65535"),
    ("port", "http", "a number is wanted"),
    ("port", True, "not a bool"),
    ("protocol", "sctp", "one of tcp, udp"),
    ("dscp", 184, "the TOS byte 184 is DSCP 46"),
    ("dscp", "gold", "a DSCP name"),
    ("server_ip", "-rf", "begins with '-'"),
    ("server_ip", "a b", "a host name or an IP address"),
    ("bind_ip", "10.0.0.1\n-D", "control characters"),
    ("name", "a\0b", "control characters"),
    ("use_linux_namespace", "../etc", "holds no path"),
    ("bandwidth", "fast", "1000pps"),
    ("bandwidth", "0pps", "more than 0"),
    ("bandwidth", "-1M", "bandwidth"),
    ("packet_len", "long", "length"),
    ("test_duration", "soon", "a number is wanted"),
    ("test_duration", -1, "at least 0"),
    ("test_duration", float("nan"), "finite"),
    ("report_interval", float("inf"), "finite"),
    ("loss_threshold", -1, "at least 0"),
    ("warmup_intervals", "x", "a number is wanted"),
    ("warmup_intervals", 1.5, "whole number"),
    ("isochronous", "60", "60:5m,0"),
    ("tcp_congestion", "cubic; rm", "congestion control"),
    ("extra_args", "-l 500", "a list of arguments"),
    ("extra_args", ["a\nb"], "control characters"),
    ("realtime", "perhaps", "True or False"),
    ("parallel", 0, "from 1 to"),
]


@pytest.mark.parametrize(("name", "value", "says"), REFUSED)
def test_a_bad_value_is_refused_in_words(name: str, value: Any, says: str) -> None:
    """The error names the option, repeats the value, and says what would work."""
    options = OptionSet()
    with pytest.raises(OptionError) as refusal:
        options.set(name, value)
    assert f"{name}={value!r}" in str(refusal.value)
    assert says in str(refusal.value)
    assert not options.is_set(name)


def test_an_unknown_name_gets_the_nearest_right_one() -> None:
    """A misspelt option is refused, not stored."""
    with pytest.raises(OptionError, match="did you mean 'bandwidth'"):
        OptionSet().set("bandwith", "1M")
    with pytest.raises(OptionError, match="extra_args"):
        OptionSet().set("xyzzy", 1)


def test_all_or_none_is_set() -> None:
    """One bad value among good ones leaves the set as it was."""
    options = OptionSet()
    with pytest.raises(OptionError):
        options.set_all({"port": 5202, "protocol": "carrier pigeon"})
    assert options["port"] == 5001


def test_text_and_number_mean_the_same() -> None:
    """Scripts for 0.x gave everything as text."""
    options = OptionSet()
    options.set_all({"port": "5202", "test_duration": "0.5", "realtime": "False", "ttl": "4"})
    assert [5202, 0.5, False, 4] == [
        options[name] for name in ("port", "test_duration", "realtime", "ttl")
    ]


@pytest.mark.parametrize("name", OPTIONS)
def test_none_unsets(name: str) -> None:
    """None gives the default back, for every option; so does an empty text."""
    options = OptionSet()
    for nothing in (None, ""):
        options.set(name, nothing)
        assert options[name] == OPTIONS[name].default
        assert not options.is_set(name)


def test_a_copy_is_faithful() -> None:
    """Getting and setting all gives the same; a default length does not become a request."""
    first, second = OptionSet(), OptionSet()
    first.set_all({"protocol": "tcp", "server_ip": "192.0.2.1", "dscp": "ef", "parallel": 2})
    second.set_all(first.as_dict())
    assert first.as_dict() == second.as_dict()
    assert second["packet_len"] == 1470
    assert not second.is_set("packet_len")


def test_what_old_scripts_hand_back_is_ignored() -> None:
    """get_options() of 0.x held state, too."""
    options = OptionSet()
    options.set_all({"status": "running", "type": "client", "currently_has_loss": {}, "port": 7})
    assert options["port"] == 7


def test_every_option_is_told() -> None:
    """Each row of the table has a help text and a kind with a name: the docs are made of it."""
    assert [] == [
        name for name, option in OPTIONS.items() if not option.help or not option.kind.name
    ]
