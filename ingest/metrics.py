"""The metrics of an ingest service; docs/reference/metrics.md describes them."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class IngestMetrics:
    """The counters of one service, summed over its decoder processes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.frames = Counter(
            "moodline_ingest_frames", "Messages published to the broker.", registry=registry
        )
        self.bytes = Counter(
            "moodline_ingest_bytes", "Bytes published to the broker.", registry=registry
        )
        self.runs = Counter(
            "moodline_ingest_runs", "Runs that ended here.", ["outcome"], registry=registry
        )
        self.crashes = Counter(
            "moodline_ingest_crashes", "Decoder processes that died.", registry=registry
        )
        self.busy = Gauge("moodline_ingest_busy", "Runs claimed now.", registry=registry)
