"""No value of an option becomes another option, and nothing of it is read by a shell."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyperf2 import Client, OptionError, Server
from pyperf2.core.argv import compose
from pyperf2.core.options import OPTIONS
from pyperf2.core.optionset import OptionSet
from tests.core.test_argv import BANNERS, build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyperf2.core.spelling import Role

# The one door for arguments as they are; what would take iperf out of our hands stays shut.
THE_EXCEPTION = "extra_args"
# The hostile, and what a careless reader might make them of.
HOSTILE = st.one_of(
    st.sampled_from(("-D", "--daemon", " -D", "[-D]", "-", "--", "\t-D", "\x85-D", "\ud800")),
    st.builds("{}{}".format, st.sampled_from(("-", "--", " -", "[-", "\n-")), st.text()),
    st.builds("{}{}{}".format, st.text(), st.sampled_from("\0\n\r\x1b\x7f\x9b"), st.text()),
    st.text(),
)


def command_lines(**options: Any) -> Iterator[list[str]]:
    """Give what each build, in each role, would be started with; refusals give no words."""
    chosen = OptionSet()
    chosen.set_all(options)
    roles: tuple[Role, ...] = ("client", "server")
    for version in BANNERS:
        for role in roles:
            try:
                yield list(compose(chosen, role, build(version), "iperf").argv[1:])
            except OptionError:
                yield []


@cache
def plain_lines(protocol: str) -> tuple[list[str], ...]:
    """Give the command lines with nothing but what every client needs."""
    return tuple(command_lines(protocol=protocol, server_ip="192.0.2.1"))


def flags_in(words: list[str]) -> list[str]:
    """Give what getopt takes for options: ``--window=1M`` is ``--window``."""
    return [word.partition("=")[0] for word in words if word.startswith("-")]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OPTIONS if name != THE_EXCEPTION])
@given(value=HOSTILE)
@settings(max_examples=40)
@example("-D")
@example(" -D")
@example("[-D]")
@example("x\x9b31m")
def test_no_value_becomes_a_flag(name: str, value: str) -> None:
    """Refused where it is set, or one word that is no flag; never a control character."""
    try:
        OptionSet().set(name, value)
    except OptionError:
        return
    own = {one.flag for one in (*OPTIONS[name].iperf2, *OPTIONS[name].iperf3)}
    for protocol in ("tcp", "udp"):
        plain = {"protocol": protocol, "server_ip": "192.0.2.1"}
        with_it = command_lines(**{**plain, name: value})
        for before, words in zip(plain_lines(protocol), with_it, strict=True):
            assert not {*"".join(words)} & {*map(chr, [*range(32), *range(127, 160)])}, words
            assert {*flags_in(words)} <= {*flags_in(before), *own}, words


@pytest.mark.parametrize("argument", ["-D", "--daemon", "-eD", "-o", "--output=/etc/x", "-s", "-c"])
def test_the_exception_has_limits(argument: str) -> None:
    """``extra_args`` go through as they are, but for those that end our hold on iperf."""
    chosen = OptionSet()
    chosen.set_all({"extra_args": ["-z", argument]})
    with pytest.raises(OptionError, match="not possible"):
        compose(chosen, "server", build("2.1.8"), "iperf")


@pytest.mark.parametrize("name", ["../x", "a/b", "..", ".", "/var/run/netns/x", "x\0", "-x"])
def test_no_namespace_is_a_path(name: str) -> None:
    """The name of a namespace cannot leave the folder of namespaces."""
    for face in (Client, Server):
        with pytest.raises(OptionError):
            face(use_linux_namespace=name)
