"""The audit records everything that a user does to the data of others."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text, update
from structlog.testing import capture_logs

import dashboard
from analytics.audit import audit_entries, remove_old_entries
from analytics.snapshots import in_snapshot
from contracts.settings import Settings
from contracts.times import utc_now
from dashboard.web.audit.sign_ins import SignInAudit
from ingest.files.content_hash import read_content
from moodline.commands.services.dashboard import dashboard_backend
from records.audit import set_actor_address, write_audit_entry
from records.audit_actions import Action, Kind
from records.database import open_engine, reading, transaction
from records.tables.operations import AuditEntry
from records.tables.runs import Run
from records.users.accounts import add_user
from records.users.roles import Role
from serving.audit_trail import AuditTrail
from tests.e2e.commands import Installation
from tests.http_client import PASSWORD, ask, cookie_of, sign_in
from tests.media import steady, write_video
from tests.pages import serving
from tests.rows import FaceSpec, write_run

HERE = "127.0.0.1"
NAME_THAT_STEERS = "\x1b[2Jroot\n" + "x" * 10_000


@dataclass(frozen=True)
class Site:
    """A dashboard with the users ada (admin) and vic (viewer)."""

    home: Path
    engine: Engine
    address: str

    def ask(self, cookie: str, method: str, path: str, body: object = None, **more: str) -> Any:
        """Send a request, which must succeed; return its body."""
        sent = "" if body is None else json.dumps(body)
        headers = {"Content_Type": "application/json"} if body is not None else {}
        answer = ask(self.address, path, method, sent, Cookie=cookie, **headers, **more)
        found = answer.read()
        assert answer.status in {200, 206, 303}, (path, answer.status, found)
        return json.loads(found) if found[:1] == b"{" else found

    def entries(self, *actions: Action) -> list[Any]:
        """The entries of these actions, oldest first."""
        found = in_snapshot(self.engine, audit_entries, limit=10_000)
        return [one for one in reversed(found) if one.action in actions]


@contextmanager
def opened_site(folder: Path, sqlite_with_schema: Path) -> Iterator[Site]:
    (home := folder / "home").mkdir()
    (allowed := folder / "videos").mkdir()
    shutil.copyfile(sqlite_with_schema, home / "moodline.db")
    settings = Settings(home=home, recording_folders=(allowed,), dashboard_password="")
    engine = open_engine(settings.effective_database_url)
    add_user(engine, "ada", Role.ADMIN, PASSWORD, actor="test")
    add_user(engine, "vic", Role.VIEWER, PASSWORD, actor="test")
    clip = allowed / "clip.mp4"
    write_video(clip, steady(4))
    write_run(engine, "run-1", {n: [FaceSpec(1, "happy")] for n in range(4)})
    content = read_content(clip)
    values = {"uri": str(clip), "content_hash": content.digest, "file_state": content.file_state}
    with transaction(engine) as connection:
        connection.execute(update(Run).values(**values))
    with serving(dashboard_backend(settings, engine), sign_in=True) as address:
        yield Site(home, engine, address)
    engine.dispose()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sqlite_with_schema: Path) -> Iterator[Site]:
    with opened_site(tmp_path_factory.mktemp("site"), sqlite_with_schema) as one:
        yield one


@pytest.fixture(scope="module")
def admin(site: Site) -> str:
    """The cookie of a session of ada."""
    return cookie_of(sign_in(site.address, "ada", PASSWORD))


@pytest.fixture
def engine(sqlite_engine: Engine) -> Engine:
    return sqlite_engine


def test_sign_ins_and_sign_outs_are_audited_with_the_address(site: Site) -> None:
    sign_in(site.address, "vic", "not the password")
    cookie = cookie_of(sign_in(site.address, "vic", PASSWORD))
    site.ask(cookie, "POST", "/logout")
    (failed,) = [one for one in site.entries(Action.SIGN_IN_FAILED) if one.details["user"] == "vic"]
    assert (failed.actor, failed.address) == ("not signed in", HERE)
    opened, closed = (
        [(one.actor, one.address) for one in site.entries(action)][-1]
        for action in (Action.SIGNED_IN, Action.SIGNED_OUT)
    )
    assert opened == closed == ("vic", HERE)


def test_views_and_exports_of_faces_are_audited_once_each(site: Site, admin: str) -> None:
    """Given a video that a browser asks for in parts, there is one entry for it."""
    before = len(site.entries(Action.EXPORTED))
    for begin in range(0, 300, 100):
        span = f"bytes={begin}-{begin + 99}"
        site.ask(admin, "GET", "/api/recordings/run/run-1/media", Range=span)
    for name in ("csv", "summary"):
        site.ask(admin, "GET", f"/api/recordings/run/run-1/{name}")
    site.ask(admin, "GET", "/api/trends/csv")
    (opened,) = site.entries(Action.RECORDING_OPENED)
    assert (opened.actor, opened.address, opened.details) == ("ada", HERE, {"run": "run-1"})
    assert [one.details.get("file", "")[:8] for one in site.entries(Action.EXPORTED)[before:]] == [
        "csv",
        "summary",
        "moodline",
    ]


def test_changes_over_the_web_are_audited_with_their_user(
    site: Site, admin: str, tmp_path: Path
) -> None:
    actions = [
        Action.SOURCE_ADDED,
        Action.SOURCE_EDITED,
        Action.SOURCE_PAUSED,
        Action.SOURCE_RESUMED,
        Action.SOURCE_REMOVED,
        Action.UPLOADED,
        Action.RUN_CANCELLED,
        Action.UPLOAD_DELETED,
        Action.ERASED,
    ]
    before = len(site.entries(*actions))
    door = {"name": "gate", "uri": "rtsp://192.0.2.1/live"}
    site.ask(admin, "POST", "/api/sources/add", door)
    for change in ("edit", "pause", "resume", "remove"):
        site.ask(admin, "POST", f"/api/sources/{change}", {"name": "gate"})
    film = tmp_path / "film.mp4"
    write_video(film, steady(3))
    size = film.stat().st_size
    new = {"name": "film.mp4", "size": size, "mark": ""}
    upload = site.ask(admin, "POST", "/api/recordings/upload", new)["id"]
    place = f"/api/recordings/upload/{upload}"
    answer = _put(site, admin, f"{place}?offset=0", film.read_bytes())
    assert answer == size
    run = site.ask(admin, "POST", f"{place}/finish")["run"]
    site.ask(admin, "POST", f"/api/recordings/cancel/{run}")
    site.ask(admin, "DELETE", place)
    site.ask(admin, "POST", "/api/system/erase", {"run": run, "dry_run": False})
    found = site.entries(*actions)[before:]
    assert [one.action for one in found] == actions
    assert {(one.actor, one.address) for one in found} == {("ada", HERE)}


def _put(site: Site, cookie: str, path: str, data: bytes) -> int:
    import http.client
    from urllib.parse import urlsplit

    place = urlsplit(site.address)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
    connection.request("PUT", path, data, {"Cookie": cookie})
    return int(json.loads(connection.getresponse().read())["received"])


def test_commands_are_audited_with_the_user_of_the_host(site: Site, tmp_path: Path) -> None:
    moodline = Installation(site.home)
    for words, typed in (
        (("user", "add", "mara"), "a rather long pass phrase\n"),
        (("token", "add", "reader", "--scope", "read"), ""),
        (("source", "add", "desk", "rtsp://192.0.2.1/live"), ""),
        (("schedule", "add-folder", tmp_path, "--every", "1d", "--name", "box"), ""),
        (("schedule", "remove", "box"), ""),
        (("export", "--out", tmp_path / "rows.csv"), ""),
    ):
        done = moodline.run(*words, typed=typed)
        assert done.returncode == 0, done.stderr
    done = moodline.run("audit", "--json", "--limit", "6")
    lines = json.loads(done.stdout)["audit"]
    assert [one["action"] for one in reversed(lines)] == [
        "user added",
        "token added",
        "source added",
        "folder added",
        "folder removed",
        "exported",
    ]
    assert all("@" in one["actor"] and not one["address"] for one in lines)
    tokens = moodline.run("audit", "--kind", "user").stdout
    assert "scope read" in tokens and "sources all" in tokens, tokens
    only = moodline.run("audit", "--kind", "schedule")
    assert "folder removed" in only.stdout and "exported" not in only.stdout


def test_a_viewer_does_not_see_who_signed_in_from_where(site: Site, admin: str) -> None:
    viewer = cookie_of(sign_in(site.address, "vic", PASSWORD))
    seen = site.ask(viewer, "GET", "/api/system/audit?kind=sign-in")["entries"]
    assert all(one["action"] in {Action.ERASED, Action.RUN_DELETED} for one in seen)
    seen = site.ask(admin, "GET", "/api/system/audit?kind=sign-in")["entries"]
    assert "signed in" in {one["action"] for one in seen}
    assert ask(site.address, "/api/system/audit?kind=x", Cookie=admin).status == 422


def test_failed_sign_ins_over_http_are_counted_in_few_entries(
    tmp_path: Path, sqlite_with_schema: Path
) -> None:
    """Given guesses from the address of all tests here: so at a dashboard of its own."""
    with opened_site(tmp_path, sqlite_with_schema) as site:
        for _ in range(9):
            sign_in(site.address, "nobody-here", "guess")
        entries = [
            one
            for one in site.entries(Action.SIGN_IN_FAILED, Action.SIGN_IN_REFUSED)
            if one.details["user"] == "nobody-here"
        ]
    assert sum(one.details["attempts"] for one in entries) == 9
    assert len(entries) <= 4, "at most one a minute and action"


def test_an_attacker_fills_neither_the_disk_nor_a_line(engine: Engine) -> None:
    """Given thousands of names and attempts a minute, there are two dozen short entries."""
    now_s = 1000.0
    audit = SignInAudit(engine, clock=lambda: now_s)
    with capture_logs() as logs:
        for number in range(2000):
            audit.failed(f"{NAME_THAT_STEERS[:9]}{number}{NAME_THAT_STEERS}")
            audit.refused("mara")
    entries = in_snapshot(engine, audit_entries, limit=10_000)
    assert len(entries) <= 25 and len(logs) <= 25
    assert all(str(one.details["user"]).isprintable() for one in entries)
    assert max(len(str(one.details)) for one in entries) < 400
    (mara,) = [one for one in entries if one.details["user"] == "mara"]
    assert mara.details["attempts"] == 1024, "written at each doubling"
    now_s += 60
    audit.refused("mara")
    assert in_snapshot(engine, audit_entries)[0].details == {"user": "mara", "attempts": 1}


def test_up_to_64_failures_are_counted_exactly(engine: Engine) -> None:
    audit = SignInAudit(engine, clock=lambda: 1000.0)
    for _ in range(37):
        audit.failed("mara")
    (entry,) = in_snapshot(engine, audit_entries)
    assert entry.details == {"user": "mara", "attempts": 37}


def test_an_entry_is_a_log_line_if_it_is_committed(engine: Engine) -> None:
    set_actor_address("192.0.2.7")
    with capture_logs() as logs, suppress(ZeroDivisionError), transaction(engine) as connection:
        write_audit_entry(connection, "ada", Action.EXPORTED, {"run": "lost"})
        raise ZeroDivisionError
    assert not logs and not in_snapshot(engine, audit_entries)
    with capture_logs() as logs, transaction(engine) as connection:
        write_audit_entry(connection, "ada", Action.EXPORTED, {"run": "run-1"})
    set_actor_address("")
    (line,) = logs
    assert line["event"] == "audit" and line["log_level"] == "info"
    assert (line["actor"], line["address"], line["action"]) == ("ada", "192.0.2.7", "exported")


def test_people_can_read_when_the_audit_cannot_be_written(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE audit"))
    with capture_logs() as logs:
        AuditTrail(engine).write_opened(Action.RECORDING_OPENED, run="run-1")
    (line,) = logs
    assert line["log_level"] == "warning" and line["details"] == {"run": "run-1"}


def test_old_entries_are_deleted_but_receipts_stay(engine: Engine) -> None:
    now = utc_now()
    with transaction(engine) as connection:
        for action in (Action.SIGNED_IN, Action.ERASED, Action.EXPORTED):
            write_audit_entry(connection, "ada", action, {})
        connection.execute(update(AuditEntry).values(at=now - timedelta(days=400)))
        for _ in range(5):
            write_audit_entry(connection, "ada", Action.SIGN_IN_FAILED, {})
    assert remove_old_entries(engine, None, most_failed=3) == 2
    assert remove_old_entries(engine, now - timedelta(days=365)) == 2
    with reading(engine) as connection:
        counts = dict(
            connection.execute(
                select(AuditEntry.action, func.count()).group_by(AuditEntry.action)
            ).all()
        )
    assert counts == {Action.ERASED: 1, Action.SIGN_IN_FAILED: 3}


def test_the_page_offers_every_kind() -> None:
    script = Path(dashboard.__file__).parent / "assets" / "system" / "audit.js"
    table = script.read_text().partition("KINDS = {")[2].partition("}")[0]
    keys = re.findall(r'^\s*"?([\w-]*)"?:', table, re.MULTILINE)
    assert keys == ["", *Kind]
