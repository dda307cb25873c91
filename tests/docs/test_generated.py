"""What the documentation draws from the code is complete, and its words fit the code."""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET

import meanings
import message_keys
import option_table
import pytest
import state_diagram

from pyperf2.core.messages import message
from pyperf2.core.options import OPTIONS
from pyperf2.core.records import Interval
from pyperf2.face import TRANSITIONS

SVG: Final = "{http://www.w3.org/2000/svg}"


def test_every_option_has_its_row() -> None:
    """The table lists the options in the order of the source, each once."""
    assert [f"``{name}``" for name in OPTIONS] == [row[0] for row in option_table.rows()]


@pytest.mark.parametrize(
    ("name", "default", "taken_by", "spelling"),
    [
        ("port", "``5001``", "", "``-p``"),
        ("bandwidth", "", "", "``-b``"),
        ("reverse", "", "client", "``-R`` from 2.0.14"),
        ("mss", "", "tcp", "``-M``"),
        ("connect_retries", "", "tcp client", "``--connect-retries`` from 2.1.0, before 2.2.0"),
        ("isochronous", "", "client", "``--isochronous=…`` from 2.0.13"),
        ("history", "", "", ""),
    ],
)
def test_a_row_tells_default_takers_and_versions(
    name: str, default: str, taken_by: str, spelling: str
) -> None:
    """Who takes an option, and which builds, is read off the table of options."""
    (row,) = [row for row in option_table.rows() if row[0] == f"``{name}``"]
    assert (default, taken_by, spelling) == row[2:5]


@pytest.mark.parametrize("column", range(len(message_keys.SIDES)))
def test_the_keys_of_each_side_are_those_of_its_messages(column: int) -> None:
    """A column says yes for the keys that a message of that side always holds, and no others."""
    protocol, direction = message_keys.SIDES[column]
    told = message(
        Interval(stream_id="1", start=0.0, end=1.0, protocol=protocol, direction=direction)
    )
    said = {row[0].strip("`") for row in message_keys.message_rows() if row[1 + column] == "yes"}
    assert set(told) == said


def test_a_key_without_words_ends_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody adds a key to the messages and forgets to say what it means."""
    monkeypatch.delitem(meanings.MESSAGE_KEYS, "packets_total")
    with pytest.raises(ValueError, match="differ in packets_total"):
        message_keys.message_rows()
    monkeypatch.setitem(meanings.EVENT_KEYS, "weather", "what it never held")
    with pytest.raises(ValueError, match="differ in weather"):
        message_keys.event_rows()


@pytest.mark.parametrize(
    "transitions", [TRANSITIONS, {**TRANSITIONS, ("stopped", "configured"): "forget <it>"}]
)
def test_the_diagram_shows_every_state_and_transition(
    transitions: dict[tuple[str, str], str],
) -> None:
    """It is well-formed, with a box for each state and an arrow with words for each transition."""
    drawing = ET.fromstring(state_diagram.svg(transitions))  # noqa: S314 - drawn by ourselves
    words = [text.text for text in drawing.iter(f"{SVG}text")]
    states = dict.fromkeys(state for pair in transitions for state in pair)
    assert [*states, *transitions.values()] == words
    arrows = [path for path in drawing.iter(f"{SVG}path") if path.get("marker-end")]
    assert len(transitions) == len(arrows)
