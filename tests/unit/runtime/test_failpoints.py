"""Failpoints: refused names, and the pass at which a process dies."""

import signal
import subprocess
import sys

import pytest

from runtime.failpoints import arm, failpoint


@pytest.mark.parametrize(
    ("specification", "wrong"), [("nowhere:1", "nowhere"), ("roll-up:1:explode", "explode")]
)
def test_an_unknown_name_or_action_is_refused(specification: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        arm(specification)


def test_a_failpoint_that_is_not_armed_does_nothing() -> None:
    failpoint("roll-up")


def test_a_process_dies_at_the_pass_that_was_armed() -> None:
    code = (
        "from runtime.failpoints import arm, failpoint\n"
        "arm('roll-up:3')\n"
        "for number in range(1, 6):\n"
        "    print(number, flush=True)\n"
        "    failpoint('roll-up')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "1\n2\n3\n")
