"""The metrics of worker processes, collected by the service that started them."""

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from inference_worker.metrics import SHARED_FOLDER
from moodline.metrics.worker_metrics import WorkerFiles

WORK = """
import sys
from prometheus_client import CollectorRegistry
from inference_worker.metrics import WorkerMetrics, share_metrics
share_metrics(sys.argv[1])
metrics = WorkerMetrics(CollectorRegistry())
metrics.frames.inc(int(sys.argv[2]))
metrics.lag.set(int(sys.argv[2]))
metrics.latency_seconds.observe(0.2)
metrics.failed_turns.labels("broker").inc()
"""


def test_the_metrics_of_all_workers_are_served_and_continue_after_a_restart(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "metrics"
    registry = CollectorRegistry()
    registry.register(WorkerFiles(folder))
    assert generate_latest(registry) == b"", "before the first worker"

    def work(name: str, frames: int) -> None:
        command = [sys.executable, "-c", WORK, name, str(frames)]
        subprocess.run(command, env=os.environ | {SHARED_FOLDER: str(folder)}, check=True)

    work("vm:1:7/0", 3)
    work("vm:1:7/1", 4)
    work("vm:1:7/0", 5)
    found = generate_latest(registry).decode()
    assert "moodline_worker_frames_total 12.0" in found
    assert "moodline_worker_lag_frames 9.0" in found, "what waits now, not what waited before"
    assert 'moodline_worker_latency_seconds_bucket{le="0.2"} 3.0' in found
    assert 'moodline_worker_troubles_total{server="broker"} 3.0' in found
    assert len([*folder.iterdir()]) == 6, "a restarted worker continues its files"
