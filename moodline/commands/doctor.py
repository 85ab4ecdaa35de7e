"""`moodline doctor`: what this installation has, and what to do about what it lacks."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.console import Console
from rich.markup import escape

from broker.bus import Bus
from broker.presence import BrokerFacts
from contracts.errors import MoodlineError
from contracts.redaction import redact
from contracts.settings import Settings
from records.database import open_engine, revisions, schema_revision

_LEAST_FREE_BYTES: Final = 2**30
_LEAST_BROKER: Final = (6, 2)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's answer. hint: what to do, where something is wrong."""

    name: str
    holds: bool
    text: str
    hint: str = ""


def check_installation(settings: Settings, console: Console) -> bool:
    """Run all checks and print them, one a line. Whether all hold."""
    checks: dict[str, Callable[[Settings], str]] = {
        "model": _model,
        "detector": _detector,
        "decoder": _decoder,
        "database": _database,
        "broker": _broker,
        "disk": _disk,
    }
    findings = [_find(name, check, settings) for name, check in checks.items()]
    for one in findings:
        mark = "[green]  ok[/]" if one.holds else "[red]FAIL[/]"
        console.print(f"{mark}  {one.name:9} {escape(one.text)}", highlight=False, soft_wrap=True)
        if one.hint:
            console.print(f"                {escape(one.hint)}", highlight=False, soft_wrap=True)
    return all(one.holds for one in findings)


def _find(name: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(name, True, check(settings))
    except MoodlineError as exc:
        return Finding(name, False, redact(str(exc)), exc.hint)
    except ImportError as exc:
        return Finding(name, False, f"{exc.name} is not installed", "Install moodline[all]")


def _model(settings: Settings) -> str:
    from inference_worker.faces.classify import LiteRTClassifier
    from inference_worker.faces.model_choice import chosen_model

    classifier = LiteRTClassifier(chosen_model(settings.model), settings.model_head)
    read = classifier.classify(np.full((1, 48, 48), 128, np.uint8))
    if abs(float(read.sum()) - 1.0) > 1e-6:
        raise MoodlineError(f"model {classifier.card.id} gives no probabilities")
    return f"{classifier.card.version}, records the {classifier.card.record_head} head"


def _detector(settings: Settings) -> str:
    import cv2

    from inference_worker.faces.detect import detector_id, make_detector

    pinned = detector_id(settings.detector)
    make_detector(pinned).search(np.zeros((120, 160), np.uint8), 24, thorough=True)
    return f"{pinned}, OpenCV {cv2.__version__}"


def _decoder(settings: Settings) -> str:
    del settings
    import av

    return f"PyAV {av.__version__}"


def _database(settings: Settings) -> str:
    engine = open_engine(settings.effective_database_url)
    place = redact(str(engine.url))
    try:
        revision, known = schema_revision(engine), revisions()
    finally:
        engine.dispose()
    if revision is None:
        return f"{place}, empty; the first command makes the tables"
    if revision not in known:
        raise MoodlineError(
            f"{place} has schema {revision}, of a newer moodline", hint="Upgrade moodline here"
        )
    if revision != known[0]:
        raise MoodlineError(
            f"{place} has schema {revision}, this moodline {known[0]}",
            hint="Run `moodline db upgrade`; back up first",
        )
    return f"{place}, schema {revision}"


def _broker(settings: Settings) -> str:
    from broker.embedded import EmbeddedBroker

    if settings.redis_url:
        return f"{redact(settings.redis_url)}, {_fit(settings.redis_url)}"
    with EmbeddedBroker() as broker:
        return f"embedded, {_fit(broker.url)}; each command starts its own"


def _fit(url: str) -> str:
    """What the broker is. Raises MoodlineError when frames are not safe, or not private, there."""
    bus = Bus.connect(url)
    try:
        facts = BrokerFacts.ask(bus)
    finally:
        bus.close()
    name = f"{facts.server} {facts.version}"
    if tuple(int(part) for part in facts.version.split(".")[:2]) < _LEAST_BROKER:
        least = ".".join(map(str, _LEAST_BROKER))
        raise MoodlineError(f"{name} is too old", hint=f"Use Redis {least} or later, or Valkey")
    if facts.policy != "noeviction":
        raise MoodlineError(
            f"{name} may drop frames: its policy is {facts.policy}",
            hint="Set maxmemory-policy noeviction: it is a queue, not a cache",
        )
    if not facts.max_memory:
        raise MoodlineError(
            f"{name} has no memory limit",
            hint="Set maxmemory, e.g. 512mb: producers then wait in time",
        )
    if facts.persists:
        raise MoodlineError(
            f"{name} writes what it holds to disk, and what it holds are pictures of people",
            hint='Set save "" and appendonly no',
        )
    return f"{name}, {facts.policy}, {facts.max_memory / 2**20:.0f} MiB"


def _disk(settings: Settings) -> str:
    folder = settings.home_path
    if settings.database_url:
        return "records are kept by the database server or file that you named"
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        raise MoodlineError(
            f"{free / 2**30:.1f} GiB free in {folder}",
            hint="Make room, or set MOODLINE_HOME to another disk",
        )
    if not os.access(folder, os.W_OK):
        raise MoodlineError(f"cannot write into {folder}", hint="Set MOODLINE_HOME")
    return f"{free / 2**30:.0f} GiB free in {folder}"
