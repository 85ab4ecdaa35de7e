"""A million hostile writes into the broker of a running `moodline up`: none is believed."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from sqlalchemy import select

from analytics.runs.run_list import list_runs
from analytics.snapshots import in_snapshot
from broker.bus import Bus
from broker.live_view import SourceView
from broker.presence import Presence
from broker.reports import ServiceReport, WorkerReport
from contracts.runs import RunState
from moodline.demo.scenes import render, scenes
from records.broker_key import read_broker_key
from records.tables.runs import RunProgress
from tests.attacks.broker_attacker import Attacker
from tests.e2e.commands import Installation, poll
from tests.e2e.live_stack import LiveStack

WRITES = 1_000_000


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_million_hostile_writes_change_no_row_and_end_nothing(tmp_path: Path) -> None:
    one_face = tmp_path / "one-face.mp4"
    render(replace(scenes()[0], seconds=4.0), one_face)
    quiet = Installation(tmp_path / "quiet")
    quiet.analyze(one_face, "--source", "clip")
    undisturbed = quiet.exported(tmp_path / "quiet.csv")

    attacked = Installation(tmp_path / "attacked")
    with LiveStack(attacked, tmp_path / "up.log", workers=1) as stack:
        stack.add("door", str(one_face), looped=True)
        poll(lambda: stack.makes_progress("door"))
        before = {one.pid for one in stack.processes()}
        done = attacked.run("analyze", one_face, "--source", "clip", "--detach")
        assert done.returncode == 0, done.stderr
        client = redis.Redis.from_url(stack.broker)
        attacker = Attacker(client, "moodline", ["none"], random.Random(1))
        poll(lambda: len(_running(stack)) == 2)
        attacker.runs = [*_running(stack), "none"]
        attacker.flood(WRITES)

        bus = Bus.connect(stack.broker, read_broker_key(stack.engine))
        poll(lambda: len(Presence(bus, WorkerReport).alive()) == 1)
        poll(lambda: len(Presence(bus, ServiceReport).alive()) == 2)
        poll(lambda: SourceView.newest(bus, "door") is not None)
        poll(lambda: stack.makes_progress("door"))
        poll(lambda: _clip_state(stack) == RunState.DONE)
        bus.close()
        assert before <= {one.pid for one in stack.processes()}, "a process ended"
        with stack.engine.connect() as connection:
            lost = connection.execute(select(RunProgress.broker_lost, RunProgress.next_seq)).all()
        assert all(one.next_seq < 10**6 and one.broker_lost < 10**5 for one in lost)
    log = (tmp_path / "up.log").read_text()
    assert "Traceback" not in log and len(log) < 5_000_000
    exported = attacked.exported(tmp_path / "attacked.csv", "--source", "clip")
    assert exported.equals(undisturbed)


def _clip_state(stack: LiveStack) -> str:
    return next(run.state for run in in_snapshot(stack.engine, list_runs) if run.source == "clip")


def _running(stack: LiveStack) -> list[str]:
    runs = in_snapshot(stack.engine, list_runs)
    return [run.run_id for run in runs if run.state == RunState.RUNNING]
