"""The ingest process: publishes the recordings that its parent names, one line each.

Standard input: one run id a line; its end means stop. Standard output: one JSON line per
finished run, {"run_id", "error"}. A decoder that crashes takes only this process along.
"""

import json
import select
import signal
import sys
from types import FrameType

from contracts.bus import Bus, StreamLimits
from contracts.database import open_engine
from contracts.errors import MoodlineError, SourceError
from contracts.failpoints import arm
from contracts.jobs import fail_run
from contracts.logs import configure_logs
from contracts.settings import Settings
from ingest.publisher import FilePublisher


class _Stop:
    """Set by SIGTERM, or by the parent closing standard input."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle.

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked = True


def main() -> None:
    """Serve run ids from standard input until it ends or SIGTERM comes."""
    settings = Settings.read()
    configure_logs(settings.log_level)
    if settings.failpoint:
        arm(settings.failpoint)
    stop = _Stop()
    engine = open_engine(settings.effective_database_url)
    bus = Bus.connect(settings.redis_url)
    limits = StreamLimits(settings.stream_max_frames, settings.stream_max_bytes)
    publisher = FilePublisher(engine, bus, limits, lambda: stop.asked)
    while not stop.asked:
        if not select.select([sys.stdin], [], [], 0.2)[0]:
            continue
        run_id = sys.stdin.readline().strip()
        if not run_id:
            break
        error = ""
        try:
            publisher.publish(run_id)
        except SourceError as exc:
            error = exc.line()
            fail_run(engine, run_id, error)
        except MoodlineError as exc:
            error = exc.line()
        print(json.dumps({"run_id": run_id, "error": error}), flush=True)  # noqa: T201
    engine.dispose()
    bus.close()


if __name__ == "__main__":
    main()
