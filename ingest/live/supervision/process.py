"""The process of one live source: reads it, and publishes its newest picture.

A camera that hangs or crashes FFmpeg takes only this process along.
"""

import os
import signal
import sys
import threading
import time
from functools import partial
from types import FrameType
from typing import Final

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from contracts.analysis_spec import AnalysisSpec
from contracts.errors import (
    BrokerError,
    DatabaseError,
    MoodlineError,
    SourceError,
    SourceNotFoundError,
)
from contracts.live_sources import LiveSource, LiveState
from contracts.settings import Settings
from contracts.times import utc_now
from ingest.live.opening import open_live
from ingest.live.publisher import LivePublisher
from ingest.live.reader import LiveReader
from ingest.live.session import LiveClaim
from ingest.live.supervision.status_reports import LiveNews, NewsMaker
from records.database import open_engine
from records.sources.live_sources import find_source
from records.sources.sealing import Sealer
from runtime.backoff import Backoff
from runtime.failpoints import arm
from runtime.process_identity import claimant_name
from runtime.stall_guard import StallGuard

log = structlog.get_logger()

_TURN_S: Final = 0.1
_NEWS_S: Final = 0.5
_RETRY_S: Final = 1.0
_STOP_S: Final = 0.3
_HUNG_S: Final = 30.0


class _Stop:
    """Set by SIGTERM."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's to handle.

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked.set()


def run_source(settings: Settings, name: str, pins: AnalysisSpec) -> int:
    """Read and publish the source until SIGTERM, or the end of its file. The exit status."""
    stop = _Stop()
    structlog.contextvars.bind_contextvars(source=name)
    threading.excepthook = _log_death
    if settings.failpoint:
        arm(settings.failpoint)
    guard = StallGuard(settings.stall_s)
    guard.turn()
    engine = open_engine(settings.effective_database_url)
    source = _source(engine, name, stop)
    if source is None:
        return 0
    bus = Bus.connect_when_up(settings.redis_url, stop.asked.is_set)
    try:
        uri = Sealer(settings.secret_key, settings.home_path).opened(source.uri, os.environ)
        reader = LiveReader(
            uri,
            fps=source.sampling_fps,
            max_side=pins.options.max_frame_side,
            patient=True,
            looped=source.looped,
            opener=partial(open_live, allowed=settings.allowed_source_hosts),
        )
    except MoodlineError as exc:
        guard.rest()
        _wait(LiveNews(name, LiveState.FAILED, exc.line(), utc_now().isoformat()), stop)
        return 0
    claim = LiveClaim(claimant_name(), settings.lease_s)
    publisher = LivePublisher(engine, bus, source, pins, reader, claim, settings.home_path / "live")
    reader.start()
    status = 0
    try:
        _serve(NewsMaker(name, reader), reader, publisher, guard, stop)
    except SourceError as exc:
        log.error("source process ends", reason=exc.line())
        status = 1
    reader.close(_STOP_S)  # One that hangs in FFmpeg ends with the process.
    publisher.close()
    return status


def _log_death(death: threading.ExceptHookArgs) -> None:
    """Python's own would print what was raised as it is, credentials included."""
    log.error("a thread died", thread=death.thread and death.thread.name, exc_info=death.exc_value)


def _wait(news: LiveNews, stop: _Stop) -> None:
    """Say again and again why it cannot be opened, until its record is edited."""
    while True:
        _say(news)
        if stop.asked.wait(_NEWS_S):
            return


def _serve(
    maker: NewsMaker,
    reader: LiveReader,
    publisher: LivePublisher,
    guard: StallGuard,
    stop: _Stop,
) -> None:
    trouble, backoff, next_try_s = "", Backoff(), 0.0
    lock = threading.Lock()

    def tell() -> None:
        # From a thread of its own: a broker that hangs must not make the source look hung.
        while not stop.asked.wait(_NEWS_S):
            with lock:
                _say(maker.make(publisher.run_id, trouble))

    threading.Thread(target=tell, name="news", daemon=True).start()
    while not stop.asked.is_set() and not reader.ended:
        guard.turn()
        if reader.hung_s > _HUNG_S:
            raise SourceError("reading hangs; its process begins anew")
        if time.monotonic() < next_try_s:
            stop.asked.wait(_TURN_S)
            continue
        try:
            publisher.step(_TURN_S)
        except (BrokerError, DatabaseError) as exc:
            pause_s = backoff.next_pause_s()
            log.warning("publishing waits", reason=exc.line(), retry_in_s=round(pause_s, 1))
            trouble, next_try_s = exc.line(), time.monotonic() + pause_s
        else:
            if trouble:
                backoff.reset()
            trouble = ""
    if reader.ended:
        with lock:
            _say(maker.make(publisher.run_id, trouble, ended=True))
        stop.asked.set()


def _source(engine: Engine, name: str, stop: _Stop) -> LiveSource | None:
    """The source's record, once the database tells; None if it is gone or a stop was asked for."""
    while not stop.asked.is_set():
        try:
            return find_source(engine, name)
        except SourceNotFoundError:
            return None
        except DatabaseError as exc:
            log.warning("waiting for the database", reason=exc.line(), retry_in_s=_RETRY_S)
            stop.asked.wait(_RETRY_S)
    return None


def _say(news: LiveNews) -> None:
    os.write(sys.stdout.fileno(), news.encode())  # In one piece: the pipe is shared.
