"""A page of a real run: iperf, a lab, a blackout."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pyperf2.convergence import ConvergenceTest, Flow
from pyperf2.lab import Blackout, Lab
from tests.live.support import nothing_leaks
from tests.report.samples import mixed
from tests.report.test_page import Page
from tests.report.test_picture import bars, curve, shades

if TYPE_CHECKING:
    from pathlib import Path

    from pyperf2.lab import Hit
    from tests.report.browser import Browser


__all__ = ["nothing_leaks"]


@pytest.fixture(scope="module")
def fonts() -> None:
    """Draw one of each kind: matplotlib keeps the files of its fonts open for good."""
    mixed().to_html()


@pytest.mark.usefixtures("fonts")
@pytest.mark.netns
@pytest.mark.slow
@pytest.mark.alone
def test_a_blackout_is_on_the_page_where_it_was(browser: Browser, tmp_path: Path) -> None:
    """200 ms without a datagram: shaded from the event on, as long as the lab made it."""
    with Lab() as lab:
        a, b = lab.hosts("a", "b")
        link = lab.link(a, b)

        def cut() -> Hit:
            with link.impair(Blackout()) as hit:
                test.mark("dark")
                time.sleep(0.2)
            return hit

        flows = [
            Flow.between("udp", a, b, port=5001, protocol="udp"),
            Flow.between("tcp", a, b, port=5002, protocol="tcp", bandwidth="10M", packet_len=4096),
        ]
        test = ConvergenceTest(flows, cut, steady=0.5, recovery=1.0, timeout=20)
        report = test.run()
    path = tmp_path / "report.html"
    verdict = report.check(max_outage_ms=10_000)
    words = Page(report.to_html(path, verdict=verdict)).words
    udp = report.flows[0]
    assert udp.loss_of_connectivity_s is not None
    period = udp.loss_of_connectivity_s.told(1000)
    for told in (
        period,
        "event: cut",
        "mark: dark",
        "passed",
        "step: steady state",
        *report.environment,
    ):
        assert told in words
    assert any(one.startswith("iperf2 ") for one in report.environment)
    whole, _ = report.plot(flows=["udp"]).axes
    times, rates = curve(whole)
    assert 1000 == pytest.approx(float(rates[-1]), rel=0.2)
    begin, end = bars(whole)
    assert begin[0] <= 0.05
    assert end[1] >= 0.15
    ((first, last),) = shades(whole)
    assert rates[(times > first) & (times < last)].min() < 500
    browser.show(path, width=1280)
    assert ([], []) == (browser.complaints, browser.requests)
    assert "passed" == browser.value("document.querySelector('.verdict strong').textContent")
