"""Stop signals, in a process of their own."""

import signal
import subprocess
import sys

import pytest

FLAG = """
import sys, threading, time
from runtime.stop_signal import StopSignal
stop = StopSignal(interrupt=len(sys.argv) > 1)
print("ready", flush=True)
begin = time.monotonic()
thread = threading.Thread(target=stop.wait, args=(30,))
thread.start()
while not stop.wait(5):
    print("still running", flush=True)
thread.join()
print("stopped", stop.is_set(), time.monotonic() - begin < 25, flush=True)
"""
LOST = """
import time
from runtime.stop_signal import raise_on_stop_signals, raise_pending_interrupt
raise_on_stop_signals()
class Dropping:
    def __del__(self):
        print("ready", flush=True)
        time.sleep(30)
dropping = Dropping()
del dropping
try:
    raise_pending_interrupt()
except KeyboardInterrupt:
    print("raised", flush=True)
raise_pending_interrupt()
print("once", flush=True)
"""


def started(code: str, *arguments: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_sigterm_wakes_every_waiting_thread() -> None:
    process = started(FLAG)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert out.endswith("stopped True True\n"), err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_stops_at_both_signals(number: signal.Signals) -> None:
    process = started(FLAG, "service")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert out.endswith("stopped True True\n"), err


def test_a_child_ignores_ctrl_c() -> None:
    process = started(FLAG)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "still running\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert out.endswith("stopped True True\n")


def test_an_interrupt_that_python_dropped_is_raised_once() -> None:
    process = started(LOST)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert out == "raised\nonce\n", err
