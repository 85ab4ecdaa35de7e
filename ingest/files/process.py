"""The ingest process: publishes the recordings that its parent names, one line each.

Standard input: one run id a line; its end means stop. Standard output: JSON lines, one a second
while a run is published and one at its end; see `ingest.files.progress_reports`. A decoder that crashes, or gets
stuck, takes only this process along.
"""

import select
import signal
import sys
import time
from types import FrameType
from typing import Final

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from broker.publishing import StreamLimits
from contracts.errors import DatabaseError, MoodlineError, SourceError
from contracts.settings import Settings
from contracts.shared_folders import SharedFolders
from ingest.files.progress_reports import News, Reporter
from ingest.files.publisher import FilePublisher, Turn
from records.database import open_engine
from records.runs.queue import fail_run
from runtime.failpoints import arm
from runtime.logs import configure_logs
from runtime.stall_guard import StallGuard

log = structlog.get_logger()

_LOOK_S: Final = 0.2
_RETRY_S: Final = 1.0


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
    guard = StallGuard(settings.stall_s)
    engine = open_engine(settings.effective_database_url)
    bus = Bus.connect_when_up(settings.redis_url, lambda: stop.asked)
    reporter = Reporter(sys.stdout)

    def note_turn(turn: Turn) -> None:
        guard.turn()
        reporter.note(turn.sent_bytes, turn.trouble)

    publisher = FilePublisher(
        engine,
        bus,
        StreamLimits(settings.stream_max_frames, settings.stream_max_bytes),
        SharedFolders.parse(settings.shared_folders),
        lambda: stop.asked,
        note_turn,
    )
    while not stop.asked:
        if not select.select([sys.stdin], [], [], _LOOK_S)[0]:
            continue
        run_id = sys.stdin.readline().strip()
        if not run_id:
            break
        reporter.begin(run_id)
        guard.turn()
        error = ""
        try:
            publisher.publish(run_id)
        except SourceError as exc:
            error = exc.line()
            _fail(engine, run_id, error, stop)
        except MoodlineError as exc:
            error = exc.line()
        guard.rest()
        reporter.say(News(run_id, ended=True, error=error))
    engine.dispose()
    bus.close()


def _fail(engine: Engine, run_id: str, error: str, stop: _Stop) -> None:
    """Write down why the run ended, once the database takes it."""
    while not stop.asked:
        try:
            fail_run(engine, run_id, error)
            return
        except DatabaseError as exc:
            log.warning("cannot end the run", run=run_id, reason=exc.line(), retry_in_s=_RETRY_S)
            time.sleep(_RETRY_S)


if __name__ == "__main__":
    main()
