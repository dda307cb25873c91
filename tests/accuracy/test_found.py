"""What live runs against the kernel's counters have brought to light, as recordings."""

from __future__ import annotations

from pathlib import Path

from pyperf2 import Result, replay

FOUND = Path(__file__).parents[1] / "recordings" / "accuracy"


def found(name: str, version: str, **options: str) -> Result:
    """Replay a server's recording with its client's."""
    return replay(
        FOUND / f"{name}-{version}.server.txt",
        peer=FOUND / f"{name}-{version}.client.txt",
        version=version,
        **options,
    )


def test_a_fin_that_closes_the_last_interval_is_no_datagram() -> None:
    """60 % lost at random, 592 by nft's counter; the FIN came in the last interval, and counts."""
    (stream,) = found("fin-in-last-interval", "2.1.8").streams.values()
    assert (1002, 410, 592) == (stream.packets_sent, stream.packets_received, stream.packets_lost)
    assert 0 == stream.packets_lost_error
