"""What ``make demo`` runs: a UDP stream between two namespaces, and an outage in its middle.

nftables, inside the receiver's namespace, drops every datagram for half a second and counts
them: that counter is the truth that the figures of pyperf2 stand beside. Without the right to
make namespaces the stream runs over loopback, and without an outage.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from netlab import bring_up, cable, namespaces

from pyperf2 import Client, Server

if TYPE_CHECKING:
    from pyperf2 import Result

SECONDS = 6.0
OUTAGE_S = 0.5
PACKETS_PER_SECOND = 1000
ADDRESS = "10.79.0.2"
PORT = 5001

COUNTING = "add table inet demo; add counter inet demo dropped;"
CHAIN = "add chain inet demo input { type filter hook input priority 0; };"
OUTAGE = f"add rule inet demo input udp dport {PORT} counter name dropped drop"
NO_OUTAGE = "flush chain inet demo input"


def nft(namespace: str, *words: str) -> str:
    """Run nft inside a namespace and give what it prints."""
    tool = shutil.which("nft") or shutil.which("nft", path="/usr/sbin:/sbin")
    if tool is None:
        raise SystemExit("there is no nft to make the outage with: apt-get install nftables")
    inside = ["nsenter", f"--net=/run/netns/{namespace}", tool, *words]
    return subprocess.run(inside, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - words are ours


def say(text: str) -> None:
    """Print a line at once, into a pipe as well."""
    print(text, flush=True)


def show_interval(message: dict[str, Any]) -> None:
    """Print one interval of the receiver, while the stream runs."""
    say(
        f"  {message['interval_begin']:5.2f} - {message['interval_end']:5.2f} s"
        f"  received {message['packets_received']:4}  lost {message['packets_lost']:4}"
        f"  jitter {message['jitter_ms'] or 0:.3f} ms"
    )


def show_event(event: dict[str, Any]) -> None:
    """Print one state of a loss event, while the stream runs."""
    lost = event["total_packets_lost_since_event_start"]
    how = "about" if event["estimated"] else "exactly"
    say(f"! event {event['event_number']}: {event['status']}; lost so far: {how} {lost}")


def stream(seconds: float, target: str, sender: str | None, receiver: str | None) -> Result:
    """Run the stream, break it in the middle if there are namespaces, and give the result."""
    server = Server(
        protocol="udp",
        port=PORT,
        bandwidth=f"{PACKETS_PER_SECOND}pps",  # what to expect: loss is seen as it begins
        report_interval=0.25,
        use_linux_namespace=receiver,
    )
    client = Client(
        target,
        protocol="udp",
        port=PORT,
        bandwidth=f"{PACKETS_PER_SECOND}pps",
        test_duration=seconds,
        use_linux_namespace=sender,
    )
    server.register_on_data_callback(show_interval)
    server.register_on_packetloss_callback(show_event)
    with server, client:
        say(f"server: {' '.join(server.result().argv)}")
        say(f"client: {' '.join(client.result().argv)}")
        if receiver is not None:
            time.sleep((seconds - OUTAGE_S) / 2)
            nft(receiver, OUTAGE)
            say(f"# nft drops everything from now on, for {OUTAGE_S} s")
            time.sleep(OUTAGE_S)
            nft(receiver, NO_OUTAGE)
            say("# nft lets everything pass again")
        client.wait(timeout=seconds + 5)
    if client.error is not None:
        raise client.error
    return server.result()


def report(result: Result) -> int:
    """Print what the receiver knows at the end; give the number of lost datagrams."""
    lost = sum(one.packets_lost or 0 for one in result.streams.values())
    received = sum(one.packets_received or 0 for one in result.streams.values())
    say("")
    say(f"iperf {result.version}: {received} datagrams received, {lost} lost")
    return lost


def with_outage(seconds: float, sender: str, receiver: str) -> int:
    """Run between two namespaces; give 0 if what was lost is what nft dropped."""
    cable(sender, receiver)
    bring_up(sender, "10.79.0.1")
    bring_up(receiver, ADDRESS)
    nft(receiver, COUNTING + CHAIN)
    say(f"namespaces {sender} -> {receiver}, {PACKETS_PER_SECOND} datagrams a second")

    lost = report(stream(seconds, ADDRESS, sender, receiver))

    counters = json.loads(nft(receiver, "--json", "list", "counters"))["nftables"]
    dropped = next(one["counter"]["packets"] for one in counters if "counter" in one)
    per_packet_ms = 1000 / PACKETS_PER_SECOND
    say(f"pyperf2 counted {lost} lost datagrams: an outage of {lost * per_packet_ms:.0f} ms")
    say(f"nft dropped     {dropped}: {'the same' if lost == dropped else 'they differ'}")
    return 0 if lost == dropped else 1


def main(seconds: float = SECONDS) -> int:
    """Run the demo where this machine allows it; give the exit status."""
    with contextlib.ExitStack() as stack:
        try:
            sender, receiver = stack.enter_context(namespaces("demo-tx", "demo-rx"))
        except OSError as error:
            say(f"Network namespaces cannot be made here: {error}.")
            say("So the stream runs over loopback, without an outage. Run it as root to see one.")
            report(stream(seconds, "127.0.0.1", None, None))
            return 0
        return with_outage(seconds, sender, receiver)


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:2])))
