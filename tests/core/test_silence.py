"""A TCP stream's silences, interval by interval."""

from __future__ import annotations

from pyperf2.core.silence import SilenceEstimator


def outages(*sizes: int) -> list[tuple[float, float, float, bool]]:
    """Feed one-second intervals; give (begin, end, error of the duration, complete)."""
    estimator = SilenceEstimator()
    for second, size in enumerate(sizes):
        estimator.feed(float(second), second + 1.0, size)
    return [(o.begin_s, o.end_s, o.duration_error_s, o.complete) for o in estimator.outages()]


def test_a_silence_is_known_to_half_an_interval_at_each_end() -> None:
    """Two silent seconds: an outage of two to four seconds."""
    assert [(1.5, 4.5, 1.0, True)] == outages(9, 9, 0, 0, 9)


def test_a_silence_at_the_end_is_not_over() -> None:
    """The stream ended, or will go on: nobody knows."""
    assert [(0.5, 2.0, 0.5, False)] == outages(9, 0)


def test_before_the_first_byte_there_is_no_outage() -> None:
    """A server waits for its client; so does a stream that never starts."""
    assert [] == outages(0, 0, 9, 9)
    assert [] == outages(0, 0)


def test_two_silences_are_two_outages() -> None:
    """One flowing interval between them is enough."""
    assert [(0.5, 2.5, 1.0, True), (2.5, 4.5, 1.0, True)] == outages(9, 0, 9, 0, 9)
