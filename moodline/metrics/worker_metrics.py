"""The metrics of a service's worker processes, in the service's own /metrics.

The workers of `moodline up` have no address of their own: each writes its metrics into files of a
folder, by the number of the worker, as `inference_worker/metrics.py` says.
"""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector


class WorkerFiles(Collector):
    """Collects the metrics in a folder, added up over the workers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; none before the first worker has begun."""
        if self._folder.is_dir():
            yield from MultiProcessCollector(None, str(self._folder)).collect()  # type: ignore[no-untyped-call]
