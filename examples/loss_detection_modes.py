"""One stream, one outage, four ways to look at it. Needs root (or the right to make namespaces).

Four receivers of one multicast stream differ in the three knobs alone: which count is believed,
how many lost are too few to matter, how many first intervals raise nothing. nftables drops three
datagrams in the first second and everything for 0.5 s later; its counter is the truth.

Usage: python examples/loss_detection_modes.py
"""

from __future__ import annotations

import json
import time
from typing import Any

from demo import nft
from netlab import bring_up, cable, namespaces

from pyperf2 import Client, Server, start_all, stop_all

GROUP = "239.9.9.9"
SECONDS = 4.0
OUTAGE_S = 0.5

# Name of the mode → its knobs. `bandwidth` tells a receiver what to expect.
MODES: dict[str, dict[str, Any]] = {
    # What iperf counts, and nothing else.
    "counter": {"use_iperf_loss_counter": True},
    # Expected less arrived, whatever iperf says; five or fewer are not worth a word.
    "heuristic": {
        "use_iperf_loss_counter": False,
        "bandwidth": "1000pps",
        "loss_threshold": 5,
    },
    # Both: a shortfall is told at once, as an estimate, until iperf has counted it.
    "auto": {"bandwidth": "1000pps"},
    # The same, and silence in the first second: 4 intervals of 0.25 s.
    "warm-up": {"bandwidth": "1000pps", "warmup_intervals": 4},
}

RULES = """
add table inet modes
add counter inet modes dropped
add set inet modes dark { type inet_service; }
add chain inet modes input { type filter hook input priority 0; }
add rule inet modes input udp dport @dark counter name dropped drop
"""
A_FEW = (  # the first three of 1470 + 28 bytes from now on
    "insert rule inet modes input udp dport 5001 quota until 4500 bytes counter name dropped drop"
)


def show(event: dict[str, Any], mode: str) -> None:
    """Print one state of a loss event, as a receiver tells it."""
    lost = event["total_packets_lost_since_event_start"]
    how = "about" if event["estimated"] else "exactly"
    end = "" if event["event_end"] is None else f", ended at {event['event_end']:.2f} s"
    print(
        f"{mode:>10} | event {event['event_number']} from {event['event_begin']:.2f} s: "
        f"{event['status']}, {how} {lost} lost{end}",
        flush=True,
    )


def receivers(namespace: str) -> list[Server]:
    """Make a receiver for each mode; they share port and group."""
    made = []
    for mode, knobs in MODES.items():
        server = Server(
            name=mode,
            protocol="udp",
            bind_ip=GROUP,
            report_interval=0.25,
            use_linux_namespace=namespace,
            **knobs,
        )
        server.register_on_packetloss_callback(show, mode=mode)
        made.append(server)
    return made


def main() -> None:
    """Send, break the path, and print what each mode made of it."""
    with namespaces("modes-tx", "modes-rx") as (sender, receiver):
        cable(sender, receiver)
        bring_up(sender, "10.80.0.1")
        bring_up(receiver, "10.80.0.2")
        nft(receiver, RULES)
        print(f"{sender} -> {GROUP} -> four receivers in {receiver}, 1000 datagrams a second")
        servers = receivers(receiver)
        client = Client(
            GROUP,
            protocol="udp",
            bandwidth="1000pps",
            test_duration=SECONDS,
            ttl=4,
            use_linux_namespace=sender,
        )
        start_all([*servers, client])
        try:
            time.sleep(0.6)
            nft(receiver, A_FEW)
            time.sleep(1.3)
            nft(receiver, "add element inet modes dark { 5001 }")
            time.sleep(OUTAGE_S)
            nft(receiver, "delete element inet modes dark { 5001 }")
            client.wait(timeout=SECONDS + 5)
        finally:
            stop_all([client, *servers])

        print()
        for server in servers:
            (stream,) = server.result().streams.values()
            lengths = ", ".join(
                f"{outage.duration_s * 1000:.0f} ± {outage.duration_error_s * 1000:.0f} ms"
                for outage in stream.outages
            )
            print(
                f"{server.name:>10} | {len(stream.loss_events)} events; "
                f"{stream.packets_lost} lost, outages of {lengths}"
            )
        counters = json.loads(nft(receiver, "--json", "list", "counters"))["nftables"]
        dropped = next(one["counter"]["packets"] for one in counters if "counter" in one)
        print(f"{'nft':>10} | {dropped} dropped")


if __name__ == "__main__":
    main()
