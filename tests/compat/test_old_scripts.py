"""Scripts as they were written for 0.x run unchanged, each in an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.live.support import ROOT, free_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

# What a receiver and a sender were; every value a string, as from a command line.
PAIR = """
from pyperf2 import Server, Client
from time import sleep
import sys

port = sys.argv[1]

receiver = Server()
receiver.set_options(protocol='udp', server_ip='127.0.0.1', port=port,
                     report_interval='0.5', name='receiver', packet_len='1470', dscp='cs0')
sender = Client()
sender.set_options(protocol='udp', server_ip='127.0.0.1', port=port, bandwidth='200pps',
                   test_duration='1', report_interval='0.5', ttl='255', name='sender',
                   packet_len='1470', dscp='0', status='configured')
"""


def run_script(text: str, *arguments: str, cwd: Path | None = None) -> list[str]:
    """Run a script to its end, without a complaint; return the lines it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text, *arguments],
        cwd=cwd or ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.splitlines()


def test_receiver_and_sender_with_callbacks_and_a_waiting_loop() -> None:
    """Callbacks with keyword arguments, the misspelt registration, and every script's wait."""
    told = run_script(
        PAIR
        + """
def on_data(message, label, factor=1):
    print('data', label, message['stream_name'], int(message['packets_received']) * factor >= 0,
          float(message['interval_end']))

def on_loss(message, label):
    print('loss', label, message['status'])

receiver.register_on_data_callback(on_data, label='rx', factor=2)
receiver.register_on_packtetloss_callback(on_loss, label='rx')

print(receiver.status, sender.status)
print(receiver.start(), sender.start())
print(receiver.status, sender.status)
while sender.status != "stopped":
    sleep(1)
print(receiver.stop(), sender.stop(), receiver.stop())
print(receiver.status, sender.status)
print(sorted(receiver.get_results()) != [], receiver.get_result_events())
""",
        str(free_port()),
    )
    data = [line for line in told if line.startswith("data")]
    assert data[0] == "data rx receiver True 0.5"
    assert len(data) >= 2
    assert ["configured configured", "True True", "running running"] == told[:3]
    assert ["True True True", "stopped stopped", "True []"] == told[-3:]


def test_restarting_the_same_objects() -> None:
    """Results start afresh; a second round is no more and no less than the first."""
    told = run_script(
        PAIR
        + """
for round in range(2):
    receiver.start()
    sender.start()
    while sender.status != "stopped":
        sleep(0.1)
    receiver.stop()
    for stream_id, stream in receiver.get_results().items():
        print(type(stream_id).__name__, len(stream['detail']), sorted(stream),
              stream['info']['local_port'] == int(port))
    print(len(receiver.get_results()))
""",
        str(free_port()),
    )
    fields = "['detail', 'events', 'info', 'summary', 'timestamp']"
    first, count, again, recount = told
    assert first.endswith(f"{fields} True")
    assert first.startswith("str ")
    assert (first, count) == (again, recount)
    assert "1" == count


@pytest.mark.quiet
def test_numbers_as_scripts_wrap_them() -> None:
    """int(), float() and Decimal() of every figure, as when they were text."""
    told = run_script(
        PAIR
        + """
from decimal import Decimal
receiver.start(); sender.start()
while sender.status != "stopped":
    sleep(0.1)
receiver.stop()
for side in (receiver, sender):
    for stream in side.get_results().values():
        for message in stream['detail'] + [stream['summary']]:
            Decimal(message['interval_begin']), Decimal(message['interval_end'])
            float(message['bandwidth']), Decimal(message['bandwidth'])
for stream in receiver.get_results().values():
    for message in stream['detail']:
        lost, received = int(message['packets_lost']), int(message['packets_received'])
        print(lost, 90 <= received <= 120, Decimal(message['jitter']) >= 0,
              float(message['latency_avg']) > 0, message['jitter_unit'], message['interval_unit'])
""",
        str(free_port()),
    )
    assert {"0 True True True ms sec"} == set(told[:2])


def test_a_script_that_forgets_to_stop_ends() -> None:
    """The receiver still runs when the last line is reached: the interpreter exits."""
    assert ["True"] == run_script(PAIR + "print(receiver.start())", str(free_port()))


def test_a_tcp_script() -> None:
    """The defaults are TCP; the keys of both sides are there."""
    told = run_script(
        """
from pyperf2 import Server, Client, IPerfInstance, NameSpaceNotFoundError
from time import sleep
import sys
receiver, sender = Server(), Client()
options = {'port': sys.argv[1], 'server_ip': '127.0.0.1', 'test_duration': '1', 'realtime': False}
sender.set_options(bandwidth='10M', **options)
receiver.set_options(**options)
receiver.start()
sender.start()
while sender.status != "stopped":
    sleep(0.1)
receiver.stop()
(sent,), (received,) = sender.get_results().values(), receiver.get_results().values()
message = sent['detail'][0]
print(message['retry'] >= 0, message['cwnd'] > 0, int(message['rtt']) >= 0, message['var_unit'])
message = received['detail'][0]
print(message['received'] > 1, message['received_unit'], message['bandwidth_unit'])
print(issubclass(Server, IPerfInstance), issubclass(NameSpaceNotFoundError, Exception))
""",
        str(free_port("tcp")),
    )
    assert told[0].startswith("True True True us")
    assert ["True MBytes Mbits/sec", "True True"] == told[1:]


def test_raw_logs_and_names(tmp_path: Path) -> None:
    """``get_name`` is a property; a raw log's name tells the time, the instance and the role."""
    told = run_script(
        PAIR
        + """
import os
receiver.set_raw_log_path(os.getcwd())
sender.set_raw_log_path('.')
print(receiver.get_name, sender.get_name)
receiver.start(); sender.start()
while sender.status != "stopped":
    sleep(0.1)
receiver.stop()
for name in sorted(os.listdir('.')):
    print(name.split('_', 1)[1], os.path.getsize(name) > 100)
""",
        str(free_port()),
        cwd=tmp_path,
    )
    assert ["receiver sender", "receiver_server_raw.log True", "sender_client_raw.log True"] == told
