"""The restart policy, and child processes under it."""

import os
import sys
import time
from pathlib import Path

import pytest

from runtime.processes.supervisor import RestartPolicy, RestartTimer, Supervisor

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
CRASH = [sys.executable, "-S", "-c", "import sys; sys.exit(3)"]


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_new_process_is_due_at_once() -> None:
    assert RestartTimer(RestartPolicy()).is_due


def test_a_process_that_keeps_crashing_waits_longer_each_time() -> None:
    clock = Clock()
    timer = RestartTimer(RestartPolicy(), clock)
    for number in range(8):
        timer.note_start()
        clock.now_s += 1
        pause_s = timer.note_end()
        longest_s = min(0.5 * 2**number, 8.0)
        assert longest_s / 2 <= pause_s <= longest_s
        assert not timer.is_due
        clock.now_s += pause_s
        assert timer.is_due


@pytest.mark.parametrize(("ran_s", "starts_over"), [(29.0, False), (31.0, True)])
def test_back_off_starts_over_after_thirty_seconds_of_running(
    ran_s: float, starts_over: bool
) -> None:
    clock = Clock()
    timer = RestartTimer(RestartPolicy(), clock)
    for _ in range(6):
        timer.note_start()
        timer.note_end()
    timer.note_start()
    clock.now_s += ran_s
    assert (timer.note_end() <= 0.5) is starts_over


def test_failed_starts_back_off_however_long_the_process_ran_before() -> None:
    clock = Clock()
    timer = RestartTimer(RestartPolicy(), clock)
    timer.note_start()
    clock.now_s += 1000
    pauses = [timer.note_failed_start() for _ in range(6)]
    assert pauses[0] <= 0.5 and pauses[-1] >= 4.0


def test_a_reset_timer_is_due_and_has_the_shortest_pause() -> None:
    clock = Clock()
    timer = RestartTimer(RestartPolicy(), clock)
    for _ in range(6):
        timer.note_failed_start()
    timer.reset()
    assert timer.is_due
    assert timer.note_failed_start() <= 0.5


def test_a_policy_without_back_off_restarts_at_once() -> None:
    timer = RestartTimer(RestartPolicy(backs_off=False))
    for _ in range(20):
        timer.note_start()
        assert timer.note_end() == 0.0
        assert timer.is_due


def test_starts_keep_the_minimum_interval() -> None:
    clock = Clock()
    timer = RestartTimer(RestartPolicy(backs_off=False, min_interval_s=2.0), clock)
    timer.note_start()
    assert not timer.is_due
    clock.now_s += 1.5
    assert timer.note_end() == pytest.approx(0.5)
    clock.now_s += 0.5
    assert timer.is_due


def supervisor(policy: RestartPolicy, log: Path, **commands: list[str]) -> Supervisor:
    return Supervisor("worker", commands, policy, env=os.environ, log=log)


def test_a_supervisor_gives_up_after_more_crashes_than_its_policy_allows(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    command = [sys.executable, "-S", "-c", f"open({str(starts)!r}, 'a').write('x')"]
    crashing = supervisor(
        RestartPolicy(backs_off=False, max_crashes=2), tmp_path / "log", one=command
    )
    deadline = time.monotonic() + 60
    while not crashing.gave_up and time.monotonic() < deadline:
        crashing.step()
        time.sleep(0.01)
    assert crashing.gave_up
    crashing.step()
    crashing.stop()
    assert starts.read_text() == "xxx"


def test_progress_makes_earlier_crashes_not_count(tmp_path: Path) -> None:
    crashing = supervisor(
        RestartPolicy(backs_off=False, max_crashes=1), tmp_path / "log", one=CRASH
    )
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        crashing.step()
        crashing.note_progress()
        time.sleep(0.01)
    assert not crashing.gave_up
    crashing.stop()


def test_a_dead_process_is_restarted_and_all_are_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pids = tmp_path / "pids"
    note = f"import os, time; open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"
    one = supervisor(
        RestartPolicy(backs_off=False),
        tmp_path / "log",
        noting=[sys.executable, "-S", "-c", note],
        other=SLEEP,
    )
    one.step()
    first = wait_for_pids(pids, 1, one)
    os.kill(first[0], 9)
    second = wait_for_pids(pids, 2, one)
    one.stop()
    assert first[0] != second[1]
    assert not any(Path(f"/proc/{pid}").exists() for pid in second)


def wait_for_pids(path: Path, count: int, stepped: Supervisor) -> list[int]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        stepped.step()
        lines = path.read_text().splitlines() if path.exists() else []
        if len(lines) == count:
            return [int(line) for line in lines]
        time.sleep(0.01)
    raise AssertionError(f"{path} has fewer than {count} lines")
