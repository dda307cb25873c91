"""What really became of a flow's datagrams: the ground truth that a recording holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyperf2.selftest.truth import Gap, Truth

if TYPE_CHECKING:
    from collections.abc import Mapping


def of_recording(told: Mapping[str, Any], packet_s: float) -> Truth:
    """Read the ground truth that a recording holds of one of its flows."""
    leading = trailing = 0
    gaps = []
    for one in told["outages"]:
        packets = one["packets"] - one["delivered_late"]
        if not packets:
            continue
        if one["t_last_received_ns"] is None:
            leading += packets
        elif one["t_first_received_ns"] is None:
            trailing += packets
        else:
            gaps.append(
                Gap(
                    packets=packets,
                    begin_ns=one["t_last_received_ns"],
                    end_ns=one["t_first_received_ns"],
                    uneven_s=max(one["sender_max_gap_ms"] / 1000 - packet_s, 0.0),
                )
            )
    return Truth(
        sent=told["data_packets_sent"],
        lost=told["distinct_lost"],
        late=told["delivered_late"],
        duplicates=told["duplicates_delivered"],
        leading=leading,
        trailing=trailing,
        first_ns=told["first_packet_received_ns"],
        gaps=tuple(gaps),
    )
