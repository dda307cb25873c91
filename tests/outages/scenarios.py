"""Streams with any fate for each datagram, for hypothesis to draw."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import TYPE_CHECKING, Literal

from hypothesis import strategies as st

from tests.outages.simulator import DELIVERED, LOST, Fate, Scenario

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

Weather = Literal["outages", "random loss", "late and twice"]
_MOST = 6000  # datagrams in a stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A stream, and what whoever reads its server's output knows of it."""

    scenario: Scenario
    paired: bool  # with what its client says
    rate_known: bool


@st.composite
def cases(draw: DrawFn, version: str, weather: Weather) -> Case:
    """Draw a stream of a version.

    Two things that no figure tells apart are kept apart: datagrams lost before the first that
    arrived from an outage in the first interval, and a rate to be learnt from loss.
    """
    rate_known = weather == "late and twice" or draw(st.booleans())
    pps = draw(st.sampled_from((100, 250, 1000, 2000) if rate_known else (250, 1000, 2000)))
    interval = draw(st.sampled_from((0.1, 0.5, 1.0) if pps < 1000 else (0.02, 0.1, 0.5, 1.0)))
    in_interval = int(pps * interval)
    fates: list[Fate] = []
    least = 4 if rate_known else 40
    leading = draw(st.sampled_from((0, 0, 0, draw(st.integers(least, 300)))))
    fates += [LOST] * leading
    quiet = 6.0 if not rate_known else 2.1 if leading else 1.2 if version == "2.0.13a" else 0.0
    fates += [DELIVERED] * int(in_interval * quiet)
    for _ in range(draw(st.integers(0, 6))):
        fates += [DELIVERED] * draw(st.integers(1, 3 * in_interval))
        fates += draw(_trouble(weather, in_interval))
    fates += [DELIVERED] * draw(st.integers(1, 3 * in_interval))
    late = weather == "late and twice"
    return Case(
        scenario=Scenario(
            version=version,
            course=tuple((fate, len(list(some))) for fate, some in groupby(fates[:_MOST])),
            pps=pps,
            interval=interval,
            fins_lost=0 if late else draw(st.sampled_from((0, 0, 0, 1, 3, 30))),
            ending=draw(st.sampled_from(("fin", "fin", "dark"))),
            jitter=draw(st.sampled_from((0.0, 0.1, 0.2))),
            timeout_slack_s=draw(st.sampled_from((0.001, 0.002, 0.004))),
            seed=draw(st.integers(0, 2**16)),
        ),
        paired=draw(st.booleans()),
        rate_known=rate_known,
    )


@st.composite
def _trouble(draw: DrawFn, weather: Weather, in_interval: int) -> list[Fate]:
    kind = draw(st.sampled_from(("outage", "outage", weather)))
    if kind == "random loss":
        chance = draw(st.sampled_from((0.01, 0.1, 0.5)))
        dice = Random(draw(st.integers(0, 2**16)))  # noqa: S311 - no secret
        length = draw(st.integers(10, 6 * in_interval + 10))
        return [LOST if dice.random() < chance else DELIVERED for _ in range(length)]
    if kind == "late and twice":
        spoilt = draw(st.lists(_one_late(), min_size=1, max_size=40))
        return [fate for some in spoilt for fate in some]
    return [LOST] * draw(
        st.one_of(st.integers(1, 10), st.integers(1, in_interval), st.integers(1, 4 * in_interval))
    )


@st.composite
def _one_late(draw: DrawFn) -> list[Fate]:
    fate = Fate(draw(st.sampled_from(("late", "twice"))), draw(st.integers(1, 50)))
    return [fate, *[DELIVERED] * draw(st.integers(0, 10))]
