"""What the figures are proved on: flows, and what happens to them."""

from __future__ import annotations

from typing import Final

from tests.accuracy.flows import BEFORE_THE_START, TO_THE_END, Act, Flow


def dark(*spells: tuple[float, float]) -> tuple[Act, ...]:
    """Give outages: (when, how long) in seconds."""
    return tuple(Act("dark", at, seconds) for at, seconds in spells)


# Played together: a few seconds of loss of each kind.
LOSSES: Final = (
    Flow(name="1 % at random", interval=0.1, seconds=3, percent=1),
    Flow(name="10 % at random", interval=0.1, seconds=3, percent=10),
    Flow(name="60 % at random", interval=0.1, seconds=3, percent=60),
    Flow(
        name="10 % at random, and an outage",
        interval=0.1, seconds=3, percent=10, acts=dark((1.2, 0.5)),
    ),
    Flow(
        name="900 instead of 1000 a second",
        interval=0.1, seconds=3, rates=(900,), acts=dark((1.23, 0.5)),
    ),
    Flow(name="late over a border", interval=0.1, seconds=3, acts=(Act("held", 1.46, 0.08, 0.1),)),
    Flow(name="duplicates", interval=0.1, seconds=3, acts=(Act("twice", 1.46, 0.15),)),
    Flow(
        name="an outage, and duplicates",
        interval=0.1, seconds=3, acts=(*dark((1.02, 0.06)), Act("twice", 1.46, 0.15)),
    ),
    Flow(name="nothing", interval=0.1, seconds=3),
)  # fmt: skip

# Played together: outages inside an interval and over borders.
OUTAGES: Final = (
    Flow(
        name="-i 1: 20 ms and 0.9 s inside, 20 ms over a border",
        interval=1, seconds=8, acts=dark((1.4, 0.02), (3.05, 0.9), (5.99, 0.02)),
    ),
    Flow(
        name="-i 1: 0.5 s inside, 0.5 s and 1.5 s over borders",
        interval=1, seconds=10, acts=dark((1.25, 0.5), (3.7, 0.5), (6.6, 1.5)),
    ),
    Flow(
        name="-i 1: 3 s and 0.9 s over borders",
        interval=1, seconds=9, acts=dark((1.5, 3.0), (6.6, 0.9)),
    ),
    Flow(
        name="-i 0.1: 20 ms inside and over a border, 0.5 s, 0.9 s, 3 s",
        interval=0.1, seconds=9, acts=dark((1.04, 0.02), (1.49, 0.02), (2, 0.5), (3, 0.9), (5, 3)),
    ),
    Flow(
        name="-i 0.02: 20 ms, 0.5 s, 0.9 s, 1.5 s",
        interval=0.02, seconds=7, acts=dark((1.04, 0.02), (2, 0.5), (3, 0.9), (4.4, 1.5)),
    ),
    Flow(name="from the start", interval=0.1, seconds=4, acts=dark((BEFORE_THE_START, 1.2))),
    Flow(name="until the end", interval=0.1, seconds=4, acts=dark((2.3, TO_THE_END))),
    Flow(name="-t 1 -i 1", interval=1, seconds=1, acts=dark((0.4, 0.1))),
)  # fmt: skip

# Played together: several streams into one server, one stream to several.
MANY: Final = (
    Flow(
        name="four rates into one server",
        interval=0.1, seconds=4, rates=(1000, 500, 250, 2000), announced=None,
        acts=dark((1.63, 0.7)),
    ),
    Flow(
        name="multicast, one of three receivers loses",
        interval=0.1, seconds=4, group="239.1.2.3", lossy_receiver=1,
        acts=dark((1.63, 0.33)),
    ),
    Flow(
        name="the sender itself stops in an outage",
        interval=0.1, seconds=4, acts=(*dark((1.62, 0.04)), Act("paused", 1.64, 0.3)),
    ),
    Flow(name="the sender itself stops", interval=0.1, seconds=4, acts=(Act("paused", 2, 0.3),)),
)  # fmt: skip
