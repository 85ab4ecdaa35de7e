"""Changes by the API: sources, runs, uploads, markers, exports; and requests that are repeated."""

import csv
import io
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from analytics.audit import audit_entries
from analytics.export.exporter import csv_text
from analytics.export.record_pages import Selection
from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from analytics.snapshots import in_snapshot
from contracts.errors import RequestInProgressError, RequestKeyReusedError
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.commands.services.dashboard import dashboard_backend
from records.users.accounts import add_user
from records.users.api_requests import (
    KeptAnswer,
    begin_request,
    drop_request,
    finish_request,
    request_digest,
)
from records.users.roles import Role, TokenScope
from tests.api_program import Program, Site, make_site
from tests.e2e.commands import poll
from tests.http_client import PASSWORD
from tests.pages import serving

URI = "rtsp://user:secret@192.0.2.7/live"


@pytest.fixture(scope="module")
def site(shared_engine: Engine) -> Site:
    add_user(shared_engine, "mara", Role.ADMIN, PASSWORD, actor="test")
    return make_site(shared_engine)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def writer(site: Site, home: Path) -> Iterator[Program]:
    backend = dashboard_backend(Settings(home=home), site.engine)
    with serving(backend, sign_in=True) as address:
        yield Program(address, site.token("writer", TokenScope.ADMIN))


@pytest.fixture(scope="module")
def limited(site: Site, writer: Program) -> Program:
    return Program(writer.address, site.token("own", TokenScope.ADMIN, "door", "gate"))


def test_a_source_is_added_changed_paused_and_removed(site: Site, writer: Program) -> None:
    new = {"name": "shop", "uri": URI, "fps": 3, "tags": ["floor"], "rotate": 90}
    answer = writer.ask("/sources", "POST", json=new)
    assert answer.status_code == 201, answer.text
    added = answer.json()
    assert (added["uri"], added["rotate"], added["fps_limit"]) == (
        "rtsp://192.0.2.7",
        90,
        3.0,
    )
    assert "secret" not in answer.text
    assert writer.ask("/sources", "POST", json=new).status_code == 409
    changed = writer.ask("/sources/shop", "PATCH", json={"fps": 2, "name": "store"}).json()
    assert (changed["name"], changed["fps_limit"], changed["tags"]) == ("store", 2.0, ["floor"])
    assert changed["rotate"] == 90, "what is left out stays"
    assert writer.get("/sources/shop")["name"] == "store", "a former name will do"
    assert writer.ask("/sources/store/pause", "POST").json()["paused"] is True
    assert writer.ask("/sources/store/resume", "POST").json()["paused"] is False
    assert writer.ask("/sources/store", "DELETE").status_code == 204
    assert writer.get("/sources/store")["removed"] is True
    assert writer.ask("/sources/store", "DELETE").status_code == 404
    entries = in_snapshot(site.engine, audit_entries)
    by_token = [one.action for one in entries if one.actor == "token writer"]
    assert {"source added", "source paused", "source removed"} <= set(by_token)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": "a/b", "uri": URI},
        {"name": "x", "uri": URI, "fps": 0},
        {"name": "x", "uri": URI, "colour": "red"},
        {"name": "x\u0000", "uri": URI},
        {"name": "\ud800", "uri": URI},
        {"name": "x", "uri": "file:///etc/passwd"},
        [],
        None,
    ],
)
def test_a_wrong_source_is_refused(writer: Program, body: object) -> None:
    answer = writer.ask("/sources", "POST", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "urn:moodline:problem:invalid-request"


def test_a_limited_token_adds_no_source_and_changes_its_own(limited: Program) -> None:
    assert limited.ask("/sources", "POST", json={"name": "x", "uri": URI}).status_code == 403
    assert limited.ask("/sources/gate", "PATCH", json={"fps": 4}).json()["fps_limit"] == 4.0
    assert limited.ask("/sources/yard", "PATCH", json={"fps": 4}).status_code == 404


def test_a_repeated_request_is_carried_out_once(writer: Program) -> None:
    note = {"begin": "2026-03-02T09:30:00Z", "text": "new menu"}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = writer.ask("/markers", "POST", json=note, headers=key)
    again = writer.ask("/markers", "POST", json=note, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = writer.ask("/markers", "POST", json=note | {"text": "x"}, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "urn:moodline:problem:key-reused")
    wrong = writer.ask("/markers", "POST", json=note, headers={"Idempotency-Key": "x" * 256})
    assert wrong.status_code == 422
    failed = {"Idempotency-Key": "fails"}
    for _ in range(2):
        answer = writer.ask("/markers", "POST", json={}, headers=failed)
        assert answer.status_code == 422 and "idempotency-replayed" not in answer.headers


@pytest.mark.both_databases
def test_a_request_that_was_lost_is_carried_out_again(engine: Engine) -> None:
    now, digest = utc_now(), request_digest("me", "/markers", "k")
    assert begin_request(engine, digest, b"a", now=now) is None
    with pytest.raises(RequestInProgressError):
        begin_request(engine, digest, b"a", now=now + timedelta(seconds=1))
    with pytest.raises(RequestKeyReusedError):
        begin_request(engine, digest, b"b", now=now)
    later = now + timedelta(minutes=3)
    assert begin_request(engine, digest, b"a", now=later) is None
    with pytest.raises(RequestInProgressError):
        begin_request(engine, digest, b"a", now=later)
    finish_request(engine, digest, KeptAnswer(201, b"{}"))
    assert begin_request(engine, digest, b"a", now=later) == KeptAnswer(201, b"{}")
    assert begin_request(engine, digest, b"b", now=now + timedelta(hours=25)) is None
    drop_request(engine, digest)
    assert begin_request(engine, digest, b"c") is None


@pytest.mark.both_databases
def test_markers(writer: Program, limited: Program) -> None:
    def write(by: Program, **more: object) -> int:
        note = {"begin": "2026-04-01T10:00:00+02:00", "text": "note"} | more
        return by.ask("/markers", "POST", json=note).status_code

    assert write(writer, source="hall", tags=["a"]) == 201
    assert write(writer, source="door", end="2026-04-01T09:00:00Z") == 201
    assert write(writer, end="2026-03-31T00:00:00Z") == 422, "it ends before it begins"
    assert write(writer, begin="2026-04-01T10:00:00") == 422, "without a zone"
    assert write(limited) == 403 and write(limited, source="hall") == 404
    span = {"from": "2026-04-01T08:30:00Z", "to": "2026-04-02T00:00:00Z"}
    (own,) = limited.pages("/markers", **span)
    assert (own["source"], own["begin"]) == ("door", "2026-04-01T08:00:00Z")
    assert own["created_by"] == "token writer"
    april = {"from": "2026-04-01T00:00:00Z", "to": "2026-04-02T00:00:00Z"}
    found = list(writer.pages("/markers", **april, limit=1))
    assert [one["source"] for one in found] == ["hall", "door"]
    for by, marker, status in ((limited, found[0], 404), (writer, found[0], 204)):
        assert by.ask(f"/markers/{marker['id']}", "DELETE").status_code == status


def test_a_recording_is_sent_and_refused_if_it_is_none(writer: Program, limited: Program) -> None:
    begun = writer.ask("/uploads", "POST", json={"name": "talk.mp4", "size": 6}).json()
    place = f"/uploads/{begun['id']}"
    assert writer.ask(place, "PUT", params={"offset": 0}, data=b"abc").json()["received"] == 3
    early = writer.ask("/runs", "POST", json={"upload": begun["id"]})
    assert (early.status_code, early.json()["hint"]) == (409, "Continue at byte 3")
    assert writer.ask(place, "PUT", params={"offset": 0}, data=b"abc").status_code == 409
    assert writer.ask(place, "PUT", params={"offset": 3}, data=b"def").json()["received"] == 6
    assert limited.ask(place).status_code == 404, "it is another program's"
    answer = writer.ask("/runs", "POST", json={"upload": begun["id"]})
    assert answer.status_code == 422, "it is no video"
    assert writer.ask(place, "DELETE").status_code == 204
    assert writer.ask(place).status_code == 404
    for body in ({}, {"path": "/x", "upload": "y"}, {"path": "/nowhere/a.mp4"}):
        assert writer.ask("/runs", "POST", json=body).status_code in {400, 422}


def test_a_run_is_deleted_by_an_admin_alone(site: Site, writer: Program, limited: Program) -> None:
    run_id = site.runs["door"][2].run_id
    assert writer.ask(f"/runs/{run_id}/cancel", "POST").json()["state"] == "done"
    assert limited.ask(f"/runs/{run_id}", "DELETE").status_code == 204
    assert writer.ask(f"/runs/{run_id}").status_code == 404


def exported(program: Program, **asked: object) -> dict[str, object]:
    """Ask for an export and wait for its end."""
    begun = program.ask("/exports", "POST", json=asked)
    assert begun.status_code == 202, begun.text
    place = f"/exports/{begun.json()['id']}"
    poll(lambda: program.get(place)["state"] in {"done", "failed"})
    found: dict[str, object] = program.get(place)
    return found


@pytest.mark.both_databases
def test_an_export_has_the_rows_of_the_command(
    site: Site, writer: Program, limited: Program, home: Path
) -> None:
    run = site.runs["door"][0].run_id
    expected = "".join(csv_text(site.engine, Selection(run_ids=(run,))))
    found = exported(writer, runs=[run])
    assert (found["state"], found["error"]) == ("done", "")
    answer = writer.ask(f"/exports/{found['id']}/file")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text == expected
    rows = list(csv.DictReader(io.StringIO(expected)))
    assert found["rows"] == len(rows)
    lines = exported(writer, runs=[run], format="jsonl")
    text = writer.ask(f"/exports/{lines['id']}/file").text
    assert [json.loads(one)["track_id"] for one in text.splitlines()] == [
        int(row["track_id"]) for row in rows
    ]
    listed = writer.get("/exports")
    assert listed["next"] is None and len(listed["items"]) > 1
    assert [*writer.pages("/exports", limit=1)] == listed["items"], "newest first, page by page"
    own = exported(limited)
    text = limited.ask(f"/exports/{own['id']}/file").text
    assert {row["source"] for row in csv.DictReader(io.StringIO(text))} == {"door"}
    assert writer.ask(f"/exports/{own['id']}").status_code == 404, "it is another program's"
    hall = site.runs["hall"][0].run_id
    for asked in ({"sources": ["hall"]}, {"runs": [hall]}):
        assert limited.ask("/exports", "POST", json=asked).status_code == 404
    erase(site.engine, ErasureScope(run_id=hall), actor="test")
    gone = writer.ask(f"/exports/{found['id']}/file")
    assert (gone.status_code, gone.json()["hint"]) == (409, "Export again")
    assert not (home / "exports" / f"{found['id']}.csv").exists()
    assert writer.ask(f"/exports/{found['id']}", "DELETE").status_code == 204
    assert str(found["id"]) not in [one["id"] for one in writer.get("/exports")["items"]]
