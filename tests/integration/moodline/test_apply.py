"""`moodline apply` on a database: the same again changes nothing, and an error changes nothing."""

from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import Engine, func, select, update

from analytics.scheduling.job_plans import RETENTION
from analytics.snapshots import in_snapshot
from contracts.errors import ConfigFileError
from contracts.settings import Settings
from contracts.times import utc_now
from contracts.zones.zone import ZoneKind
from moodline.as_code.alert_sections import known_targets
from moodline.as_code.applying import apply_file
from moodline.as_code.entries import Change
from moodline.as_code.exporting import export_text
from moodline.as_code.parsing import parse_file
from moodline.as_code.site import Site
from moodline.services.scheduled_jobs import scheduled_jobs
from records.alerts.rules import list_rules
from records.database import reading, transaction
from records.kept_days import stored_days, with_stored_days
from records.sources.live_sources import find_source, live_sources, pause_source
from records.tables.faces import Face
from records.tables.operations import AuditEntry
from records.tables.runs import Run
from records.watched_folders import handled_files, save_handled_files, watched_folders
from tests.rows import FaceSpec, write_run

DOOR_URL = "rtsp://me:s3cret@10.0.0.9/hidden/path"
FULL = """
    version: 1
    sources:
      door:
        address: {env: DOOR}
        fps: 10
        tags: [front, "50%"]
        rotate: 90
        zones:
          mask:
            - {name: window, points: [[0, 0], [0.3, 0], [0.3, 0.5]]}
          include:
            - points: [[0, 0], [1, 0], [1, 1]]
        min_face: 40
        keep_static: true
      desk:
        address: rtsp://camera.local/live
        user: someone
        password: {file: desk-password}
        transport: udp
        paused: true
    folders:
      archive:
        path: FOLDER
        every: 10m
        fps: 2
      nightly:
        path: FOLDER
        cron: "0 20 * * mon-fri"
        source: nights
    retention:
      faces: 30d
      frames: 8w
      rollups: forever
    targets:
      house:
        url: mqtt://me:br0ker@broker.local/home/alerts
      hooks:
        url: https://127.0.0.1:9/hook
        secret: {env: HOOK_SECRET}
        private: true
    alerts:
      Away:
        when: away > 2m
        severity: critical
        sources: [door]
        to: [house]
      Angry:
        when: angry > 30%
        for: 10m
        clears_at: 20%
        cooldown: 1h
        tags: [front]
        hours: mon-fri 08:00-18:00
        zone: Europe/Berlin
      Crowd:
        when: people > 5
        clears_at: 3
        min_person_seconds: 10
        min_coverage: 80%
    """
SECRETS = ("s3cret", "hidden", "br0ker", "pa55word", "whsec_")


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> Site:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "desk-password").write_text("pa55word\n")
    return Site(Settings(home=tmp_path / "home"), engine, "tester@here")


def apply(
    site: Site, tmp_path: Path, text: str, *, prune: bool = False, dry_run: bool = False
) -> list[Change]:
    document = dedent(text).replace("FOLDER", str(tmp_path / "recordings"))
    environment = {"DOOR": DOOR_URL, "HOOK_SECRET": "whsec_" + "A" * 43 + "="}
    parsed = parse_file(document, "m.yaml", tmp_path, environment)
    return [*apply_file(site, parsed, prune=prune, dry_run=dry_run)]


def marks(changes: list[Change]) -> list[str]:
    return [f"{one.step}{one.section} {one.name}" for one in changes]


@pytest.mark.both_databases
def test_a_file_is_applied_once_and_an_export_of_it_changes_nothing(
    site: Site, tmp_path: Path
) -> None:
    engine = site.engine
    dry = apply(site, tmp_path, FULL, dry_run=True)
    assert live_sources(engine) == [] and watched_folders(engine) == []

    done = apply(site, tmp_path, FULL)
    assert (
        marks(done)
        == marks(dry)
        == [
            *("+sources desk", "+sources door", "+folders archive", "+folders nightly"),
            *("+retention faces", "+retention frames", "+retention rollups"),
            *("+targets hooks", "+targets house", "+alerts Angry", "+alerts Away", "+alerts Crowd"),
        ]
    )
    assert [line for one in done for line in one.lines if any(s in line for s in SECRETS)] == []

    door = find_source(engine, "door")
    assert site.sealer.unseal(door.uri) == DOOR_URL and DOOR_URL not in door.uri
    assert (door.sampling_fps, door.tags, door.rotate) == (10, ("front", "50%"), 90)
    assert {zone.kind for zone in door.zones} == {ZoneKind.MASK, ZoneKind.INCLUDE}
    desk = find_source(engine, "desk")
    assert site.sealer.unseal(desk.uri) == (
        "rtsp://someone:pa55word@camera.local/live#transport=udp"
    )
    assert desk.paused and not door.paused
    assert [(one.name, one.every_s, one.cron) for one in watched_folders(engine)] == [
        ("archive", 600, None),
        ("nightly", None, "0 20 * * mon-fri"),
    ]
    assert in_snapshot(engine, stored_days) == {"faces": 30, "frames": 56, "rollups": 0}
    assert known_targets(site)["house"].address == "mqtt://me:br0ker@broker.local/home/alerts"
    assert {one.rule.name for one in in_snapshot(engine, list_rules)} == {"Angry", "Away", "Crowd"}

    assert apply(site, tmp_path, FULL) == []
    exported = export_text(site)
    assert [secret for secret in SECRETS if secret in exported] == []
    assert apply(site, tmp_path, exported, prune=True) == []
    assert export_text(site) == exported


def test_one_wrong_entry_keeps_all_others_out(site: Site, tmp_path: Path) -> None:
    for wrong, message in (
        ("      Bad: {when: awayy > 2m}", "m.yaml:61: alerts.Bad: there is no measure 'awayy'"),
        ("      Bad: {when: away > 2m, to: [nobody]}", "m.yaml:61: alerts.Bad: there is no target"),
        ("      Bad: {when: away > 2m, sources: [x]}", "m.yaml:61: alerts.Bad: there is no source"),
    ):
        with pytest.raises(ConfigFileError) as error:
            apply(site, tmp_path, FULL.rstrip() + "\n" + wrong + "\n")
        assert message in str(error.value)
        assert live_sources(site.engine) == []
        assert in_snapshot(site.engine, list_rules) == []
        assert in_snapshot(site.engine, stored_days) == {}
    with reading(site.engine) as connection:
        assert connection.execute(select(AuditEntry.id)).all() == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: {door: {fps: 5}}", "m.yaml:2: the source door is new and has no address"),
        ("sources: {door: {address: {env: NONE}}}", "m.yaml:2: NONE is not set"),
        ("sources: {door: {address: {file: none}}}", "m.yaml:2: cannot read the secret file"),
        ("sources: {door: {address: ftp://x}}", "m.yaml:2: sources.door: ftp:// is not a supp"),
        (
            "sources: {door: {address: /none.mp4}}",
            "m.yaml:2: sources.door: /none.mp4 is not a file",
        ),
        ("sources: {'1': {address: rtsp://x}}", "m.yaml:2: sources.1: invalid source name"),
        ("sources: {d: {address: rtsp://x, password: p}}", "m.yaml:2: a password needs a user"),
        (
            "sources: {d: {address: rtsp://x, zones: {mask: [{points: [[0, 0], [2, 0]]}]}}}",
            "m.yaml:2: sources.d: ",
        ),
        ("folders: {a: {path: /none, every: 1h}}", "m.yaml:2: /none is not a folder"),
        ("folders: {a: {path: /tmp}}", "m.yaml:2: folders.a: give either every or cron"),
        ("folders: {a: {path: /tmp, every: 1s}}", "m.yaml:2: folders.a: every 1s is too short"),
        ("folders: {a: {path: /tmp, cron: x}}", "m.yaml:2: folders.a: "),
        ("retention: {faces: 99999d}", "m.yaml:2: 99999d is too long"),
        ("targets: {a: {}}", "m.yaml:2: the target a is new and has no url"),
        ("targets: {a: {url: 'https://127.0.0.1/x', private: true}}", "m.yaml:2: the webhook a is"),
        ("targets: {a: {url: 'mqtt://x/a/#'}}", "m.yaml:2: targets.a: 'a/#' is not a topic"),
        ("alerts: {a: {when: away}}", "m.yaml:2: alerts.a: 'away' is not a condition"),
    ],
)
def test_each_wrong_entry_is_named_with_its_line(
    sqlite_engine: Engine, tmp_path: Path, text: str, message: str
) -> None:
    site = Site(Settings(home=tmp_path), sqlite_engine, "tester")
    with pytest.raises(ConfigFileError) as error:
        apply(site, tmp_path, f"version: 1\n{text}\n")
    assert message in str(error.value)
    assert "Traceback" not in error.value.line()


def test_changes_keep_what_they_do_not_name(site: Site, tmp_path: Path) -> None:
    engine = site.engine
    apply(site, tmp_path, FULL)
    pause_source(engine, "door", paused=True)
    save_handled_files(engine, "archive", {"/a.mp4": (1, 2)})
    before = find_source(engine, "door")
    text = f"""
        version: 1
        sources:
          door: {{rotate: 180, fps: 2}}
        folders:
          archive: {{path: {tmp_path / "recordings"}, every: 1h}}
        """

    changes = apply(site, tmp_path, text)

    assert marks(changes) == ["~sources door", "~folders archive"]
    assert "fps: 10 → 2" in changes[0].lines
    door = find_source(engine, "door")
    assert door.uri and site.sealer.unseal(door.uri) == DOOR_URL
    assert door.paused and door.tags == ()
    assert len(door.zones) == len(before.zones), "a mask is never uncovered by silence"
    assert handled_files(engine, "archive") == {"/a.mp4": (1, 2)}
    assert len(live_sources(engine)) == 2 and len(in_snapshot(engine, list_rules)) == 3


def test_a_pause_alone_does_not_open_a_source_again(site: Site, tmp_path: Path) -> None:
    apply(site, tmp_path, FULL)
    revision = find_source(site.engine, "desk").revision
    (change,) = apply(site, tmp_path, FULL.replace("paused: true", "paused: false"))
    assert change.lines == ("paused: yes → no",)
    assert find_source(site.engine, "desk").revision == revision + 1


def test_prune_removes_what_is_gone_from_the_sections_of_the_file(
    site: Site, tmp_path: Path
) -> None:
    apply(site, tmp_path, FULL)
    text = """
        version: 1
        sources: {desk: {}}
        alerts:
        """
    assert apply(site, tmp_path, text) == []

    changes = apply(site, tmp_path, text, prune=True)
    assert marks(changes) == ["-sources door"]
    assert len(in_snapshot(site.engine, list_rules)) == 3, "an empty section is none"
    changes = apply(site, tmp_path, "version: 1\nalerts: {}\ntargets: {}\n", prune=True)
    assert set(marks(changes)) == {
        *("-alerts Angry", "-alerts Away", "-alerts Crowd", "-targets hooks", "-targets house")
    }
    assert watched_folders(site.engine) != []


def test_the_environment_goes_before_stored_days(
    sqlite_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOODLINE_HOME", str(tmp_path))
    site = Site(Settings.read(), sqlite_engine, "tester")
    apply(site, tmp_path, "version: 1\nretention: {faces: 30d, audit: forever}\n")
    with reading(sqlite_engine) as connection:
        kept = with_stored_days(site.settings, connection)
        assert (kept.keep_faces_days, kept.keep_audit_days, kept.keep_frames_days) == (30, 0, 90)
        monkeypatch.setenv("MOODLINE_KEEP_FACES_DAYS", "7")
        strict = Settings.read()
        assert with_stored_days(strict, connection).keep_faces_days == 7
    with pytest.raises(ConfigFileError, match="MOODLINE_KEEP_FACES_DAYS is set"):
        apply(
            Site(strict, sqlite_engine, "tester"),
            tmp_path,
            "version: 1\nretention: {faces: 90d}\n",
        )


def test_the_scheduler_keeps_data_as_long_as_the_file_says(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    write_run(sqlite_engine, "run1", {0: [FaceSpec(1, "happy")]})
    with transaction(sqlite_engine) as connection:
        connection.execute(update(Run).values(finished_at=utc_now() - timedelta(days=10)))
    site = Site(Settings(home=tmp_path), sqlite_engine, "tester")
    (job,) = (one for one in scheduled_jobs(site.settings, sqlite_engine) if one.name == RETENTION)

    job.run()
    assert count_faces(sqlite_engine) == 1, "90 days is the default"
    apply(site, tmp_path, "version: 1\nretention: {faces: 1w, frames: 1w}\n")
    job.run()
    assert count_faces(sqlite_engine) == 0


def count_faces(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(Face.__table__)).scalar_one()
