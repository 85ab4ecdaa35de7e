"""The checks of `moodline doctor`."""

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.health.reading import existing_folder
from analytics.health.verdict import Level
from broker.broker_info import BrokerInfo
from broker.bus import Bus
from contracts.errors import MoodlineError, RiskError
from contracts.parsing.addresses import is_loopback
from contracts.redaction import redact
from contracts.settings import Settings
from records.database import open_engine
from records.schema import known_revisions, schema_revision

_MIN_FREE_BYTES: Final = 2**30
_MQTT_WAIT_S: Final = 10.0
_MIN_BROKER: Final = (6, 2)


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. hint: what to do if it failed.

    level: healthy, degraded if moodline works all the same, or down.
    """

    name: str
    ok: bool
    text: str
    hint: str = ""
    level: Level = Level.HEALTHY

    @property
    def mark(self) -> str:
        """A word for the terminal, with its colour as rich's markup."""
        return {
            Level.HEALTHY: "[green]  ok[/]",
            Level.DEGRADED: "[yellow]warn[/]",
        }.get(self.level, "[red]FAIL[/]")


def check_installation(settings: Settings) -> list[Check]:
    """Run all checks."""
    checks: dict[str, Callable[[Settings], str]] = {
        "model": _check_model,
        "detector": _check_detector,
        "decoder": _check_decoder,
        "database": _check_database,
        "broker": _check_broker,
        "disk": _check_disk,
    }
    if settings.mqtt_server is not None:
        checks["mqtt"] = check_mqtt
    return [_run(name, check, settings) for name, check in checks.items()]


def _run(name: str, check: Callable[[Settings], str], settings: Settings) -> Check:
    try:
        return Check(name, True, check(settings))
    except RiskError as exc:
        return Check(name, False, redact(str(exc)), exc.hint, Level.DEGRADED)
    except MoodlineError as exc:
        return Check(name, False, redact(str(exc)), exc.hint, Level.DOWN)
    except ImportError as exc:
        text, hint = f"{exc.name} is not installed", "Install moodline[all]"
        return Check(name, False, text, hint, Level.DOWN)


def _check_model(settings: Settings) -> str:
    from inference_worker.faces.classify import LiteRTClassifier
    from inference_worker.faces.model_choice import chosen_model

    classifier = LiteRTClassifier(chosen_model(settings.model), settings.model_head)
    side = classifier.card.framing.side
    probabilities = classifier.classify(np.full((1, side, side), 128, np.uint8))
    if abs(float(probabilities.sum()) - 1.0) > 1e-6:
        raise MoodlineError(f"the outputs of model {classifier.card.id} do not sum to 1")
    return f"{classifier.card.version}, head {classifier.card.record_head}"


def _check_detector(settings: Settings) -> str:
    from inference_worker.faces.detectors.choice import chosen_detector
    from runtime.decoding.opencv import cv2

    detector = chosen_detector(settings)
    detector.search(np.zeros((120, 160), np.uint8), 24, thorough=True)
    return f"{detector.id}, OpenCV {cv2.__version__}"


def _check_decoder(_settings: Settings) -> str:
    import av

    return f"PyAV {av.__version__}"


def check_mqtt(settings: Settings) -> str:
    """Return how the MQTT broker is reached. Raises RiskError if it is not."""
    from runtime.mqtt.connection import MqttConnection

    server = settings.mqtt_server
    assert server is not None
    with MqttConnection(server, f"moodline-{secrets.token_hex(4)}") as connection:
        if not connection.wait_tried(_MQTT_WAIT_S):
            raise RiskError(
                f"sources are not published: {connection.trouble}",
                hint="Check MOODLINE_MQTT_URL, MOODLINE_MQTT_PASSWORD and MOODLINE_MQTT_CA",
            )
    is_open = server.password and not server.tls and not is_loopback(server.host)
    return f"{server}{', password not encrypted: use mqtts://' if is_open else ''}"


def _check_database(settings: Settings) -> str:
    engine = open_engine(settings.effective_database_url)
    url = redact(str(engine.url))
    try:
        revision, known = schema_revision(engine), known_revisions()
    finally:
        engine.dispose()
    if revision is None:
        return f"{url}, empty; the first command creates the tables"
    if revision not in known:
        raise MoodlineError(
            f"{url} has schema {revision} of a newer version", hint="Upgrade moodline on this host"
        )
    if revision != known[0]:
        raise MoodlineError(
            f"{url} has schema {revision}; this version needs {known[0]}",
            hint="Back up the database, then run `moodline db upgrade`",
        )
    return f"{url}, schema {revision}"


def _check_broker(settings: Settings) -> str:
    from broker.embedded import EmbeddedBroker

    if settings.redis_url:
        return f"{redact(settings.redis_url)}, {_check_broker_facts(settings.redis_url)}"
    with EmbeddedBroker() as broker:
        return f"embedded, {_check_broker_facts(broker.url)}; each command starts its own"


def _check_broker_facts(url: str) -> str:
    """Describe the broker. Raises MoodlineError if frames are not safe or not private in it."""
    bus = Bus.connect(url)
    try:
        facts = BrokerInfo.fetch(bus)
    finally:
        bus.close()
    name = f"{facts.server} {facts.version}"
    if tuple(int(part) for part in facts.version.split(".")[:2]) < _MIN_BROKER:
        oldest = ".".join(map(str, _MIN_BROKER))
        raise MoodlineError(f"{name} is too old", hint=f"Use Redis {oldest} or later, or Valkey")
    if facts.policy != "noeviction":
        raise RiskError(
            f"{name} may evict frames: its maxmemory-policy is {facts.policy}",
            hint="Set maxmemory-policy noeviction",
        )
    if not facts.max_memory:
        raise RiskError(f"{name} has no memory limit", hint="Set maxmemory, for example 512mb")
    if facts.persists:
        raise RiskError(
            f"{name} writes frames, which are pictures of people, to disk",
            hint='Set save "" and appendonly no',
        )
    return f"{name}, {facts.policy}, {facts.max_memory / 2**20:.0f} MiB"


def _check_disk(settings: Settings) -> str:
    folder = settings.home_path
    if settings.database_url:
        return "not checked: MOODLINE_DATABASE_URL names another place for the records"
    place = existing_folder(folder)
    hint = "Set MOODLINE_HOME to another folder"
    if not place.is_dir():
        raise MoodlineError(f"cannot use {folder}: Not a directory", hint=hint)
    try:
        free = shutil.disk_usage(place).free
    except OSError as exc:
        raise MoodlineError(f"cannot use {folder}: {exc.strerror}", hint=hint) from exc
    if not os.access(place, os.W_OK | os.X_OK):
        raise MoodlineError(f"cannot write into {place}", hint=hint)
    if free < _MIN_FREE_BYTES:
        raise RiskError(
            f"only {free / 2**30:.1f} GiB free in {folder}",
            hint="Free some space, or set MOODLINE_HOME to a folder on another disk",
        )
    new = "" if place == folder else ", which the first command creates"
    return f"{free / 2**30:.0f} GiB free in {folder}{new}"
