"""Prometheus metrics of a worker, served at /metrics."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable of prometheus_client that names a folder for the metrics of several processes. The
service that starts workers sets it, and serves what they write there."""


def share_metrics(worker: str) -> None:
    """Write metrics that are made from now on into SHARED_FOLDER, if there is one.

    worker: the name, which ends with the worker's number. The files are named by the number: a
    restarted worker continues its counters, and a service that runs for weeks has no more files.
    """
    if folder := os.environ.get(SHARED_FOLDER):
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        number = worker.rpartition("/")[2]
        values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]


class WorkerMetrics:
    """The metrics of one worker process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.frames = Counter(
            "moodline_worker_frames", "Frames analysed and committed.", registry=registry
        )
        self.faces = Counter(
            "moodline_worker_faces", "Faces analysed and committed.", registry=registry
        )
        self.analyze_seconds = Histogram(
            "moodline_worker_analyze_seconds", "Time to analyse a batch.", registry=registry
        )
        self.commit_seconds = Histogram(
            "moodline_worker_commit_seconds", "Time to commit a batch.", registry=registry
        )
        self.runs = Gauge(
            "moodline_worker_runs",
            "Runs that the worker holds.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.lag = Gauge(
            "moodline_worker_lag_frames",
            "Frames of the held runs that wait in the broker.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.runs_lost = Counter(
            "moodline_worker_runs_lost",
            "Runs lost to another worker after the lease ran out.",
            registry=registry,
        )
        self.rewinds = Counter(
            "moodline_worker_rewinds",
            "Requests to publish missing frames again.",
            registry=registry,
        )
        self.latency_seconds = Histogram(
            "moodline_worker_latency_seconds",
            "Time from capture to commit of a live frame.",
            buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 5, 10, 30),
            registry=registry,
        )
        self.broker_lost = Counter(
            "moodline_worker_broker_lost",
            "Live frames that the broker accepted and lost.",
            registry=registry,
        )
        self.dead_letters = Counter(
            "moodline_worker_dead_letters",
            "Frames set aside because they could not be analysed.",
            registry=registry,
        )
        self.failed_turns = Counter(
            "moodline_worker_troubles",
            "Turns that failed because the broker or the database failed.",
            ["server"],
            registry=registry,
        )
        self.refused = Counter(
            "moodline_worker_refused",
            "Values in the broker that another program wrote, and that were not believed.",
            ["kind"],
            registry=registry,
        )
        self._noted: dict[str, int] = {}

    def note_refusals(self, counts: Mapping[str, int]) -> None:
        """Take over the number of refused values by kind, as `broker.refusals` counts them."""
        for kind, count in counts.items():
            self.refused.labels(kind).inc(count - self._noted.get(kind, 0))
            self._noted[kind] = count
