"""The ingest process: publishes the recordings of the runs that its parent names.

Standard input: `PublishRun` orders; its end means stop. Standard output: a `ProgressReport` each
second while a run is published, and one at its end. If a decoder crashes or hangs, only this
process is lost. Its memory is limited: a recording that needs more fails.
"""

import sys
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from broker.entries.entry_writer import StreamLimits
from contracts.errors import DatabaseError, MoodlineError, SourceError
from contracts.settings import Settings
from ingest.decoding_limits import DecodingLimits
from ingest.files.progress_reports import SHARES_MEMORY, ProgressReporter, PublishRun
from ingest.files.publisher import FilePublisher, PublishStep
from records.broker_key import read_broker_key_when_up
from records.database import open_engine
from records.runs.state_changes import fail_run
from runtime.backoff import retry_until_stopped
from runtime.decoding.memory_limit import limited_memory
from runtime.failpoints import arm
from runtime.logs import configure_logs
from runtime.pipes import MessageReader
from runtime.stall_guard import StallGuard
from runtime.stop_signal import StopSignal

log = structlog.get_logger()
_POLL_S: Final = 0.2


def main() -> None:
    """Publish runs until standard input ends or SIGTERM comes."""
    settings = Settings.read()
    configure_logs(settings.log_level)
    if settings.failpoint:
        arm(settings.failpoint)
    stop = StopSignal()
    guard = StallGuard(settings.stall_s)
    engine = open_engine(settings.effective_database_url)
    bus = Bus.connect_when_up(settings.redis_url, read_broker_key_when_up(engine, stop), stop)
    reporter = ProgressReporter(sys.stdout.fileno())

    def note_step(step: PublishStep) -> None:
        guard.reset()
        reporter.note(step.sent_bytes, step.trouble)

    publisher = FilePublisher(
        engine,
        bus,
        StreamLimits(settings.stream_max_frames, settings.stream_max_bytes),
        settings.shared_folders,
        stop.is_set,
        note_step,
        DecodingLimits(settings.max_source_megapixels),
        shares_memory=SHARES_MEMORY in sys.argv[1:],
    )
    orders = MessageReader(sys.stdin.fileno(), PublishRun)
    while not (stop.is_set() or orders.ended):
        for order in orders.read(_POLL_S):
            reporter.begin(order.run_id)
            guard.reset()
            error = _publish(publisher, engine, order, settings.decoder_memory_mb, stop)
            guard.disarm()
            reporter.end(error)
    engine.dispose()
    bus.close()


def _publish(
    publisher: FilePublisher, engine: Engine, order: PublishRun, memory_mb: int, stop: StopSignal
) -> str:
    """Publish the run; return why it failed, or "". memory_mb: as for `limited_memory`."""
    try:
        with limited_memory(memory_mb):
            publisher.publish(order.run_id, singly=order.singly)
    except SourceError as exc:
        _fail(engine, order.run_id, exc.line(), stop)
        return exc.line()
    except MoodlineError as exc:
        return exc.line()
    return ""


def _fail(engine: Engine, run_id: str, error: str, stop: StopSignal) -> None:
    """Store why the run failed, as soon as the database is available."""
    with structlog.contextvars.bound_contextvars(run=run_id):
        try:
            retry_until_stopped(
                partial(fail_run, engine, run_id, error), DatabaseError, stop, action="end the run"
            )
        except DatabaseError as exc:
            log.warning("the run was not ended", reason=exc.line())


if __name__ == "__main__":
    main()
