"""Prometheus' series of sources and expressions, from the records and the heartbeats."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, update

from analytics.history.rollups import roll_up_all
from analytics.lifetime_sums import lifetime_sums
from analytics.snapshots import in_snapshot
from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.live_view import FaceReading, SourceView
from broker.presence import Presence
from broker.reports import SourceReport, WorkerReport
from contracts.expressions import EXPRESSIONS, LABELS
from contracts.frame_results import TrackMark
from contracts.settings import Settings
from contracts.times import to_micros, utc_now
from moodline.metrics.source_metrics import RECORDINGS, SourceMetrics, read_source_facts
from records.broker_key import read_broker_key
from records.database import transaction
from records.sources.live_sources import SourceSettings, add_source, remove_source
from records.tables.rollups import LABEL_SUMS
from records.tables.sources import Source
from tests.history import expected_sums, write_history_run

BEGIN = to_micros(datetime(2026, 3, 4, 5, 6, tzinfo=UTC))
PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "metrics.md").read_text()
Samples = dict[tuple[str, ...], float]


def add_live(engine: Engine, *names: str) -> None:
    for name in names:
        add_source(
            engine,
            name,
            SourceSettings(f"rtsp://{name}.local", f"rtsp://{name}.local", None, 5, 720),
        )


def scraped(registry: CollectorRegistry) -> Samples:
    """Return the samples by name, source and other label, as Prometheus reads them."""
    text = generate_latest(registry).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            others = [value for name, value in sample.labels.items() if name != "source"]
            found[sample.name, sample.labels["source"], *others] = sample.value
    return found


def register(settings: Settings, engine: Engine, *, active: bool = True) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(SourceMetrics(read_source_facts(settings, engine), lambda: active))
    return registry


def reading(track: int, emotion: str | None, mark: TrackMark = TrackMark.PERSON) -> FaceReading:
    shares = tuple(0.4 if one == emotion else 0.1 for one in EXPRESSIONS)
    return FaceReading(track, 0, 0, 0.1, 0.1, emotion, 0.4, shares, mark)


@pytest.mark.both_databases
def test_lifetime_sums_are_those_of_all_rows(engine: Engine) -> None:
    add_live(engine, "door", "gone")
    chance = random.Random(1)
    runs = [write_history_run(engine, name, BEGIN, 400, chance) for name in ("a.mp4", "b.mp4")]
    with transaction(engine) as connection:  # A live source has rows as a recording has.
        connection.execute(update(Source).where(Source.name == "a.mp4").values(kind="live"))
    roll_up_all(engine)
    day = 86_400
    expected = {name: sums for (name, width, _), sums in expected_sums(runs, (day,)).items()}

    found = in_snapshot(engine, lifetime_sums)

    for name, measures in (("a.mp4", found.live["a.mp4"]), ("b.mp4", found.recordings)):
        person_ms = {label: expected[name][column] for label, column in LABEL_SUMS.items()}
        assert {label: round(measures.person_s[label] * 1000) for label in LABELS} == person_ms
        assert measures.frames == expected[name]["frames"]


def test_series_show_states_people_and_growing_counters(
    sqlite_engine: Engine, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    engine = sqlite_engine
    add_live(engine, "door", "desk")
    settings = Settings(home=tmp_path, redis_url=broker.url)
    chance = random.Random(2)
    write_history_run(engine, "a.mp4", BEGIN, 50, chance)
    roll_up_all(engine)
    registry = register(settings, engine)
    bus = Bus.connect(broker.url, read_broker_key(engine))
    now = utc_now()
    report = SourceReport("door", "streaming", "", now.isoformat(), "here", "run1", 12.5, 0.25)
    Presence(bus, SourceReport).send_heartbeat(report, alive_for_s=60)
    worker = WorkerReport("w", "here", 1, "cpu", "m", runs=("run1",))
    Presence(bus, WorkerReport).send_heartbeat(worker, alive_for_s=60)
    faces = (reading(1, "happy"), reading(2, None), reading(3, "sad", TrackMark.STATIC))
    SourceView("door", "run1", to_micros(now), 64, 48, faces).publish(bus)

    first = scraped(registry)
    assert first["moodline_source_up", "door"] == 1
    assert first["moodline_source_up", "desk"] == 0
    assert first["moodline_source_state", "door", "streaming"] == 1
    assert sum(first[key] for key in first if key[:2] == ("moodline_source_state", "desk")) == 1
    assert first["moodline_source_fps", "door"] == 12.5
    assert first["moodline_source_last_frame_age_seconds", "door"] == 0.25
    assert ("moodline_source_last_frame_age_seconds", "desk") not in first
    assert first["moodline_source_people", "door"] == 2
    assert ("moodline_source_people", "desk") not in first
    assert first["moodline_person_seconds_total", RECORDINGS, "happy"] == 0
    bus.close()

    run = write_history_run(engine, "b.mp4", BEGIN, 300, chance)
    roll_up_all(engine)
    collector = next(iter(registry._collector_to_names))
    assert isinstance(collector, SourceMetrics)
    collector._facts._known = None  # As two seconds later.
    later = scraped(registry)
    (sums,) = expected_sums([run], (86_400,)).values()
    for label, column in LABEL_SUMS.items():
        seconds = later["moodline_person_seconds_total", RECORDINGS, label]
        assert seconds == pytest.approx(sums[column] / 1000)
    frames = {
        key[2]: later[key]
        for key in later
        if key[:2] == ("moodline_source_frames_total", RECORDINGS)
    }
    assert frames == {
        "analyzed": 300,
        "sampled_out": sums["sampled_out"],
        "dropped": sums["corrupt"],
    }
    assert later["moodline_source_drops_total", RECORDINGS, "corrupt"] == sums["corrupt"]


def test_removed_sources_and_inactive_services_have_no_series(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    add_live(sqlite_engine, "door", "desk")
    remove_source(sqlite_engine, "desk")
    settings = Settings(home=tmp_path)

    assert {key[1] for key in scraped(register(settings, sqlite_engine))} == {"door", RECORDINGS}
    assert scraped(register(settings, sqlite_engine, active=False)) == {}


def test_every_series_is_documented(sqlite_engine: Engine, tmp_path: Path) -> None:
    for metric in SourceMetrics(
        read_source_facts(Settings(home=tmp_path), sqlite_engine)
    ).describe():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        assert f"`{name}`" in PAGE, name
