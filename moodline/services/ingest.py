"""`moodline ingest`: live sources and queued recordings, on any host that reaches the servers."""

from contracts.settings import Settings
from moodline.services.pipeline import serve_pipeline
from moodline.services.servers import require_servers


def run_ingest(settings: Settings, *, parallel: int) -> None:
    """Read live sources and publish queued recordings until SIGTERM or Ctrl-C.

    parallel: recordings that are published at a time.
    """
    require_servers(settings)
    serve_pipeline(settings, workers=0, parallel=parallel)
