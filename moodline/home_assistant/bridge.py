"""HomeAssistantBridge: publishes the live sources over MQTT, from the scheduler that is active."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import structlog
from sqlalchemy import Engine

from analytics.history.totals import totals
from analytics.snapshots import in_snapshot
from contracts.errors import MoodlineError
from contracts.parsing.mqtt_server import MqttServer
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.adapters.sources_now import SourceNow, SourcesNowReader
from moodline.home_assistant.publisher import SourcePublisher
from moodline.home_assistant.topics import Topics
from records.sources.live_sources import pause_source

if TYPE_CHECKING:
    from runtime.mqtt.connection import MqttConnection

log = structlog.get_logger()

_STEP_S: Final = 2.0
_COVERAGE_EVERY_S: Final = 60.0
_HOUR: Final = timedelta(hours=1)
_FOLDED_AFTER: Final = timedelta(minutes=1)
"""The rows of a minute are in the rollups by then."""
_TROUBLE_AFTER_S: Final = 60.0
_ACTOR: Final = "mqtt"


class HomeAssistantBridge:
    """Runs in a thread of its own, so that a broker that hangs blocks nothing; a context manager.

    Nothing is published without MOODLINE_MQTT_URL. is_active: whether this process is the one of
    several schedulers that publishes. step_s: time between two readings of the sources.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        is_active: Callable[[], bool],
        *,
        step_s: float = _STEP_S,
    ) -> None:
        self._server = settings.mqtt_server
        self._topics = Topics(settings.mqtt_prefix, settings.mqtt_discovery)
        self._takes_commands = settings.mqtt_commands
        self._engine = engine
        self._reader = SourcesNowReader(settings, engine)
        self._is_active = is_active
        self._step_s = step_s
        self._coverage: Mapping[str, float] = {}
        self._coverage_at_s = -_COVERAGE_EVERY_S
        self._connection: MqttConnection | None = None
        self._connected_at_s = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="home assistant", daemon=True)

    def __enter__(self) -> Self:
        if self._server is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def trouble(self) -> str:
        """Why nothing was published for a minute, without credentials; "" if something was."""
        connection = self._connection
        if connection is None or time.monotonic() - self._connected_at_s < _TROUBLE_AFTER_S:
            return ""
        return connection.trouble

    def _run(self) -> None:
        assert self._server is not None
        try:
            while not self._stop.wait(self._step_s):
                if self._is_active():
                    self._publish(self._server)
        finally:
            self._reader.close()

    def _publish(self, server: MqttServer) -> None:
        """Publish in a connection of its own until stopped, or another process takes over."""
        publisher = SourcePublisher(self._topics, commands=self._takes_commands)
        try:
            from runtime.mqtt.connection import MqttConnection

            connection = MqttConnection(
                server,
                f"moodline-{secrets.token_hex(4)}",
                will=publisher.will,
                topics=publisher.subscriptions,
                on_connected=publisher.note_connected,
                on_message=publisher.note_message,
            )
        except (MoodlineError, ModuleNotFoundError) as exc:
            hint = "paho-mqtt is not installed. Install moodline[mqtt]"
            reason = exc.line() if isinstance(exc, MoodlineError) else hint
            log.error("cannot publish over MQTT", reason=reason)
            self._stop.wait(_TROUBLE_AFTER_S)
            return
        with connection:
            self._connection, self._connected_at_s = connection, time.monotonic()
            logged = ""
            while self._is_active() and not self._stop.wait(self._step_s):
                trouble = connection.trouble or self._step(publisher, connection)
                if connection.is_connected:
                    self._connected_at_s = time.monotonic()
                if trouble != logged and trouble:
                    log.warning("cannot publish over MQTT", reason=trouble)
                logged = trouble
            self._connection = None
            if self._is_active():  # Otherwise another process has said that it is online.
                publisher.say_goodbye(connection)

    def _step(self, publisher: SourcePublisher, connection: "MqttConnection") -> str:
        """Carry out commands and publish once; return why that was not possible, or ""."""
        try:
            sources = self._reader.read()
            for name, paused in publisher.commands(sources).items():
                pause_source(self._engine, name, paused=paused, actor=_ACTOR)
            publisher.publish(connection, sources, self._coverage_of(sources))
        except MoodlineError as exc:
            return exc.line()
        return ""

    def _coverage_of(self, sources: Sequence[SourceNow]) -> Mapping[str, float]:
        """Return the coverage of the last hour by name, 0..1; read once a minute."""
        if time.monotonic() - self._coverage_at_s >= _COVERAGE_EVERY_S and sources:
            until = utc_now() - _FOLDED_AFTER
            names = [one.source.name for one in sources]
            lines = in_snapshot(self._engine, totals, until - _HOUR, until, sources=names)
            self._coverage = {one.source.name: one.coverage for one in lines if one.expected_s}
            self._coverage_at_s = time.monotonic()
        return self._coverage
