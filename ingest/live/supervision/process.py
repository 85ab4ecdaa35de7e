"""The process of one live source: reads it, and publishes its newest frame.

If a camera hangs or crashes FFmpeg, only this process is lost. Its memory is limited.
"""

import os
import sys
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from contracts.analysis_spec import AnalysisSpec
from contracts.errors import (
    BrokerError,
    DatabaseError,
    DecodingLimitError,
    MoodlineError,
    SourceError,
    SourceNotFoundError,
)
from contracts.live_sources import LiveSource, LiveState
from contracts.parsing.addresses import HostPort
from contracts.settings import LiveView, Settings
from contracts.times import utc_now
from ingest.decoding_limits import DecodingLimits
from ingest.live.opening import open_live
from ingest.live.publisher import LivePublisher
from ingest.live.reader import LiveReader
from ingest.live.run_stream import LiveClaim
from ingest.live.supervision.status_reports import SourceStatus, StatusBuilder
from ingest.picture_view import PictureView
from records.broker_key import read_broker_key_when_up
from records.database import open_engine
from records.sources.allowed_places import allowed_places
from records.sources.live_sources import find_source
from records.sources.sealing import Sealer
from runtime.backoff import Backoff, retry_until_stopped
from runtime.decoding.memory_limit import OUT_OF_MEMORY_STATUS, limited_memory
from runtime.failpoints import arm
from runtime.pipes import send
from runtime.process_identity import claimant_name
from runtime.stall_guard import StallGuard
from runtime.stop_signal import StopSignal

log = structlog.get_logger()

_TURN_S: Final = 0.1
_REPORT_S: Final = 0.5
_RETRY_KEY_S: Final = 10.0
_STOP_S: Final = 0.3
_HUNG_S: Final = 30.0


def run_source(settings: Settings, name: str, spec: AnalysisSpec) -> int:
    """Read and publish the source until SIGTERM or the end of its file; return the exit status."""
    try:
        with limited_memory(settings.source_memory_mb):
            return _run_source(settings, name, spec)
    except DecodingLimitError as exc:  # The reader survives its own; this one was another thread's.
        log.error("source process ends", source=name, reason=exc.line())
        return OUT_OF_MEMORY_STATUS


def _run_source(settings: Settings, name: str, spec: AnalysisSpec) -> int:
    stop = StopSignal()
    structlog.contextvars.bind_contextvars(source=name)
    threading.excepthook = _log_thread_death
    if settings.failpoint:
        arm(settings.failpoint)
    guard = StallGuard(settings.stall_s)
    guard.reset()
    engine = open_engine(settings.effective_database_url)
    source = _find_source(engine, name, stop)
    if source is None:
        return 0
    bus = Bus.connect_when_up(settings.redis_url, read_broker_key_when_up(engine, stop), stop)
    own = _allowed_places(engine, stop)
    reader = _open_reader_when_possible(settings, source, spec, guard, stop, own)
    if reader is None:
        return 0
    claim = LiveClaim(claimant_name(), settings.lease_s)
    publisher = LivePublisher(engine, bus, source, spec, reader, claim, settings.home_path / "live")
    reader.start()
    status = 0
    try:
        _publish(StatusBuilder(name, reader), reader, publisher, guard, stop)
    except SourceError as exc:
        log.error("source process ends", reason=exc.line())
        status = 1
    reader.close(_STOP_S)  # A reader that hangs in FFmpeg ends with the process.
    publisher.close()
    return status


def _find_source(engine: Engine, name: str, stop: StopSignal) -> LiveSource | None:
    """Return the source as soon as the database is up; None if it was removed, or at a stop."""
    try:
        return retry_until_stopped(
            partial(find_source, engine, name), DatabaseError, stop, action="read the source"
        )
    except (SourceNotFoundError, DatabaseError):
        return None


def _allowed_places(engine: Engine, stop: StopSignal) -> list[HostPort]:
    """Return the ports of this host that may be cameras; none at a stop."""
    try:
        return retry_until_stopped(
            partial(allowed_places, engine), DatabaseError, stop, action="read the allowed places"
        )
    except DatabaseError:
        return []


def _open_reader_when_possible(  # noqa: PLR0913, PLR0917  (what the process has)
    settings: Settings,
    source: LiveSource,
    spec: AnalysisSpec,
    guard: StallGuard,
    stop: StopSignal,
    own: Sequence[HostPort] = (),
) -> LiveReader | None:
    """Return the reader of the source; None if there is a stop before that.

    own: ports of this host that may be cameras.
    While its address cannot be read, for example for want of its key, report why, and try again.
    """
    since = utc_now()
    while True:
        try:
            reader = _open_reader(settings, source, spec, own)
        except MoodlineError as exc:
            guard.disarm()
            failure = SourceStatus(source.name, LiveState.FAILED, exc.line(), since)
        else:
            guard.reset()
            return reader
        retry_s = time.monotonic() + _RETRY_KEY_S
        while time.monotonic() < retry_s:
            send(sys.stdout.fileno(), failure)
            if stop.wait(_REPORT_S):
                return None


def _open_reader(
    settings: Settings, source: LiveSource, spec: AnalysisSpec, own: Sequence[HostPort]
) -> LiveReader:
    uri = Sealer(settings.secret_key, settings.home_path).resolve(source.uri, os.environ)
    wants_colour = settings.live_colour and settings.live_view is not LiveView.OFF
    return LiveReader(
        uri,
        fps=source.sampling_fps,
        max_side=spec.options.max_frame_side,
        view=PictureView.of(spec.options, colour=wants_colour),
        retry_missing=True,
        looped=source.looped,
        opener=partial(
            open_live,
            allowed=settings.source_hosts,
            limits=DecodingLimits(settings.max_source_megapixels),
            own=own,
        ),
    )


def _log_thread_death(death: threading.ExceptHookArgs) -> None:
    """Log the exception through `runtime.logs`; Python's own hook would print credentials."""
    log.error("a thread died", thread=death.thread and death.thread.name, exc_info=death.exc_value)


def _publish(
    statuses: StatusBuilder,
    reader: LiveReader,
    publisher: LivePublisher,
    guard: StallGuard,
    stop: StopSignal,
) -> None:
    """Publish frames until a stop or the end of the file. Raises SourceError if reading hangs."""
    trouble, backoff, next_try_s = "", Backoff(), 0.0
    lock = threading.Lock()

    def report() -> None:
        # In its own thread: a broker that hangs must not make the source look hung.
        while not stop.wait(_REPORT_S):
            with lock:
                waiting_since_s = publisher.waiting_since_s
                status = statuses.build(publisher.run_id, trouble, waiting_since_s=waiting_since_s)
                send(sys.stdout.fileno(), status)

    threading.Thread(target=report, name="status", daemon=True).start()
    while not stop.is_set() and not reader.ended:
        guard.reset()
        if reader.hung_s > _HUNG_S:
            raise SourceError("the reader hangs; its process restarts")
        if time.monotonic() < next_try_s:
            stop.wait(_TURN_S)
            continue
        try:
            publisher.step(_TURN_S)
        except (BrokerError, DatabaseError) as exc:
            pause_s = backoff.next_pause_s()
            log.warning("cannot publish", reason=exc.line(), retry_in_s=round(pause_s, 1))
            trouble, next_try_s = exc.line(), time.monotonic() + pause_s
        else:
            if trouble:
                backoff.reset()
            trouble = ""
    if reader.ended:
        with lock:
            send(sys.stdout.fileno(), statuses.build(publisher.run_id, trouble, ended=True))
        stop.set()
