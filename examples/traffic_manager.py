"""Voice, video and a bulk transfer at once, each with its own criteria, and a verdict.

Usage: python examples/traffic_manager.py [SECONDS [JUNIT_FILE]]

Exits with 1 if a criterion is not kept.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pyperf2 import Client, Server
from pyperf2.traffic import (
    Stream,
    TrafficManager,
    ValidationReport,
    loss_above,
    max_jitter,
    max_loss,
    max_outage,
    min_bitrate,
    no_gap,
)

FIRST_PORT = 5500  # each stream takes the next one that is free
LOAD: dict[str, dict[str, Any]] = {
    "voice": {"protocol": "udp", "bandwidth": "50pps", "packet_len": 160, "dscp": "ef"},
    "video": {"protocol": "udp", "bandwidth": "400pps", "packet_len": 1200, "dscp": "af41"},
    "bulk": {"protocol": "tcp"},
}


def stream(name: str, load: dict[str, Any]) -> Stream:
    """Return one stream over loopback; with namespaces it would go between hosts."""
    server = Server(name=f"{name}-rx", protocol=load["protocol"], report_interval=0.5)
    client = Client("127.0.0.1", name=f"{name}-tx", report_interval=0.5, **load)
    return Stream([client], server, name, FIRST_PORT)


def show(message: dict[str, Any], *, stream: str, role: str) -> None:
    """Print what each receiver gets, as it arrives."""
    if role == "server":
        rate = message["bits_per_second"] / 1e6
        print(f"{stream:>6}: until {message['interval_end']:.1f} s {rate:10.3f} Mbit/s")


def verdict(manager: TrafficManager) -> ValidationReport:
    """Hold each stream against what it has to keep."""
    real_time = [max_loss("0.5%"), max_outage("50ms"), max_jitter("20ms"), no_gap()]
    return ValidationReport.of(
        [
            manager.validate("voice", server_validation_criteria=real_time),
            manager.validate("video", server_validation_criteria=[*real_time, min_bitrate("3.5M")]),
            manager.validate("bulk", [min_bitrate("10M")]),
        ]
    )


def main(seconds: float = 3, junit: str | None = None) -> None:
    """Run all three at once, and judge them."""
    with TrafficManager() as manager:
        for name, load in LOAD.items():
            manager.add_stream(stream(name, load))
        manager.on_interval(show)
        manager.stop_when(loss_above("20%"))  # no use going on
        manager.run_all(seconds)

    report = verdict(manager)
    for finding in report.findings:
        print(finding)
    if junit is not None:
        Path(junit).write_text(report.to_junit(), encoding="utf-8")
    sys.exit(0 if report else 1)


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 3, *sys.argv[2:3])
