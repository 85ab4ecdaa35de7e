"""Recordings are sent only if they were analysed, are media, are allowed, and are the viewer's."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from analytics.export.exporter import export_records
from analytics.export.record_pages import Selection
from contracts.errors import SourceError
from dashboard.recordings.file_response import OpenFileResponse
from records.tables.runs import Run
from tests.attacks.recordings_dashboard import (
    SECRET,
    RecordingsDashboard,
    recordings_dashboard,
    small_clip,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordingsDashboard]:
    with recordings_dashboard(tmp_path_factory.mktemp("media")) as one:
        yield one


# -- which files --------------------------------------------------------------------


def test_a_recording_in_an_allowed_folder_is_sent_as_media(site: RecordingsDashboard) -> None:
    clip = small_clip(site.allowed / "good.mp4")
    site.analysed("good", clip)
    answer = site.ask("ola", "GET", "/run/good/media")
    assert (answer.status, answer.read()) == (200, clip.read_bytes())
    assert answer.getheader("content-type") == "video/mp4"
    assert answer.getheader("x-content-type-options") == "nosniff"
    part = site.ask("ola", "GET", "/run/good/media", Range="bytes=4-9")
    assert (part.status, part.read()) == (206, clip.read_bytes()[4:10])
    assert site.answer("ola", "GET", "/run/good")["playable"]
    assert site.status("vic", "GET", "/run/good/media") == 403


def test_the_file_of_a_run_without_a_decoded_picture_is_not_sent(
    site: RecordingsDashboard,
) -> None:
    secret = site.allowed / "key.mp4"
    secret.write_bytes(SECRET)
    site.analysed("key", secret)
    with site.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE run_state SET frames_captured = 0, frames_analyzed = 0 "
            "WHERE run_pk = (SELECT id FROM runs WHERE run_id = 'key')"
        )
    for who in ("ola", "ada"):
        assert "no picture" in site.error(who, "GET", "/run/key/media")
        assert not site.answer(who, "GET", "/run/key")["playable"]


@pytest.mark.parametrize("name", ["id_rsa", "notes.txt", "page.html", "moodline.db", "a.mp4.svg"])
def test_a_file_that_is_not_media_is_not_sent(site: RecordingsDashboard, name: str) -> None:
    path = site.allowed / name
    path.write_bytes(SECRET)
    run_id = site.analysed(f"no-media-{name[:4]}", path)
    for who in ("ola", "ada"):
        site.error(who, "GET", f"/run/{run_id}/media")


def test_a_file_outside_the_allowed_folders_is_not_sent_even_to_an_admin(
    site: RecordingsDashboard,
) -> None:
    site.analysed("elsewhere", small_clip(site.outside / "cli.mp4"))
    site.analysed("in-home", small_clip(site.settings.home_path / "private.mp4"))
    for run_id in ("elsewhere", "in-home"):
        for who in ("ola", "ada"):
            assert "not in a folder" in site.error(who, "GET", f"/run/{run_id}/media")
            assert not site.answer(who, "GET", f"/run/{run_id}")["playable"]
            site.error(who, "POST", f"/run/{run_id}/annotate")


def by_link(clip: Path, secret: Path) -> None:
    clip.unlink()
    clip.symlink_to(secret)


def by_linked_folder(clip: Path, secret: Path) -> None:
    clip.unlink()
    clip.parent.rmdir()
    clip.parent.symlink_to(secret.parent)


def by_hard_link(clip: Path, secret: Path) -> None:
    clip.unlink()
    os.link(secret, clip)


def by_writing(clip: Path, secret: Path) -> None:
    clip.write_bytes(secret.read_bytes())


def by_pipe(clip: Path, _secret: Path) -> None:
    clip.unlink()
    os.mkfifo(clip)


def by_device(clip: Path, _secret: Path) -> None:
    clip.unlink()
    clip.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    "exchange", [by_link, by_linked_folder, by_hard_link, by_writing, by_pipe, by_device]
)
def test_a_recording_exchanged_after_its_analysis_is_not_sent(
    site: RecordingsDashboard, exchange: Callable[[Path, Path], None]
) -> None:
    run_id = exchange.__name__
    secret = site.outside / run_id / "clip.mp4"
    secret.parent.mkdir()
    secret.write_bytes(SECRET)
    clip = small_clip(site.allowed / run_id / "clip.mp4")
    site.analysed(run_id, clip)
    assert site.status("ola", "GET", f"/run/{run_id}/media") == 200
    exchange(clip, secret)
    for who in ("ola", "ada"):
        site.error(who, "GET", f"/run/{run_id}/media")


def test_an_exchange_after_the_check_does_not_change_what_is_sent(
    site: RecordingsDashboard,
) -> None:
    clip = small_clip(site.allowed / "race.mp4")
    content = clip.read_bytes()
    secret = site.outside / "race.mp4"
    secret.write_bytes(SECRET)
    media = site.library.open_recording(site.analysed("race", clip))
    by_link(clip, secret)
    assert body_of(OpenFileResponse(media)) == content
    assert media.file.closed


def test_a_recording_that_was_only_touched_is_still_sent(site: RecordingsDashboard) -> None:
    clip = small_clip(site.allowed / "touched.mp4")
    site.analysed("touched", clip)
    os.utime(clip, (1, 1))
    assert site.status("ola", "GET", "/run/touched/media") == 200
    # A run of an older version has no stored size and time.
    with site.engine.begin() as connection:
        connection.execute(update(Run).where(Run.run_id == "touched").values(file_state=None))
    assert site.status("ola", "GET", "/run/touched/media") == 200


def body_of(response: OpenFileResponse) -> bytes:
    """Send the response to nobody, and return its body."""
    parts: list[bytes] = []

    async def send(message: Any) -> None:
        parts.append(message.get("body", b""))

    async def receive() -> Any:
        return await asyncio.Event().wait()

    scope: Any = {"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.4"}}
    asyncio.run(response(scope, receive, send))
    return b"".join(parts)


# -- whose uploads ------------------------------------------------------------------


def test_operators_see_and_change_only_their_own_uploads(site: RecordingsDashboard) -> None:
    mine = site.library.uploads.start("mine.mp4", 10, "", "ola").id
    path = f"/upload/{mine}"
    for method, route in (
        ("GET", path),
        ("PUT", f"{path}?offset=0"),
        ("POST", f"{path}/finish"),
        ("DELETE", path),
    ):
        assert "no such upload" in site.error("otto", method, route)
    assert site.status("vic", "GET", path) == 403
    listed = {
        who: [one["id"] for one in site.answer(who, "GET", "/list")["uploads"]]
        for who in ("ola", "otto", "vic", "ada")
    }
    assert listed == {"ola": [mine], "otto": [], "vic": [], "ada": [mine]}
    assert site.ask("ola", "PUT", f"{path}?offset=0", "0123456789").status == 200
    assert site.answer("ada", "GET", path)["received"] == 10
    assert site.status("ola", "DELETE", path) == 200


def test_the_recording_of_an_upload_is_for_its_owner_and_admins(
    site: RecordingsDashboard, tmp_path: Path
) -> None:
    clip = small_clip(tmp_path / "own.mp4")
    line = site.library.uploads.get(site.upload("ola", "own.mp4", clip.read_bytes()))
    site.analysed("own", line.path)
    site.library.uploads.set_result(line.id, "own", "")
    for method, route in (
        ("GET", "/run/own/media"),
        ("POST", "/cancel/own"),
        ("POST", "/retry/own"),
        ("POST", "/run/own/annotate"),
        ("GET", "/run/own/annotated"),
        ("DELETE", "/run/own/annotated"),
    ):
        assert site.status("otto", method, route) == 403
    assert not site.answer("otto", "GET", "/run/own")["playable"]
    shared = site.analysed("shared", small_clip(site.allowed / "shared.mp4"))
    for who, own in (("otto", {shared}), ("ola", {"own", shared}), ("vic", set())):
        runs = site.answer(who, "GET", "/list")["runs"]
        assert {one["run_id"] for one in runs if one["is_own"]} & {"own", shared} == own
    for who in ("ola", "ada"):
        assert site.status(who, "GET", "/run/own/media") == 200
        assert site.answer(who, "GET", "/run/own")["playable"]
    site.library.uploads.remove(line.id)
    assert site.status("otto", "GET", "/run/own/media") == 403
    site.error("ola", "GET", "/run/own/media")


def test_results_and_times_are_changed_only_by_those_who_may(
    site: RecordingsDashboard, tmp_path: Path
) -> None:
    clip = small_clip(tmp_path / "sent.mp4")
    line = site.library.uploads.get(site.upload("ola", "sent.mp4", clip.read_bytes()))
    sent = site.analysed("sent", line.path)
    site.library.uploads.set_result(line.id, sent, "")
    there = site.analysed("there", small_clip(site.allowed / "there.mp4"))
    both, at = {"runs": [sent, there]}, {"recorded_at": "2026-03-01T09:30:00Z"}
    for action in ("delete", "again", "cancel"):
        assert site.status("vic", "POST", f"/bulk/{action}", both) == 403
    assert site.status("vic", "POST", f"/run/{there}/time", at) == 403
    assert site.status("otto", "POST", f"/run/{sent}/time", at) == 403
    assert site.status("otto", "POST", f"/run/{there}/time", at) == 200
    for action in ("again", "cancel"):
        found = site.answer("otto", "POST", f"/bulk/{action}", {"runs": [sent]})
        assert found["done"] == 0 and "uploaded by another user" in found["failed"][0]["error"]
    refused = site.answer("otto", "POST", "/bulk/delete", both)
    assert [one["run"] for one in refused["failed"]] == [sent, there]
    assert site.answer("ola", "POST", "/bulk/delete", both)["done"] == 1, "of an own upload"
    assert site.answer("ada", "POST", "/bulk/delete", {"runs": [there]})["done"] == 1
    assert site.status("vic", "POST", "/bulk/delete", {"runs": []}) in {403, 422}
    assert site.status("ada", "POST", "/bulk/delete", {"runs": ["x"] * 201}) == 422


# -- exports ------------------------------------------------------------------------


def test_a_csv_is_streamed_and_never_stands_in_a_temporary_file(
    site: RecordingsDashboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = site.analysed("table", small_clip(site.allowed / "table.mp4"), frames=50)
    export_records(site.engine, Selection(run_ids=(run_id,), frames=True), tmp_path / "a.csv")

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was made")

    for maker in ("mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryFile"):
        monkeypatch.setattr(f"tempfile.{maker}", refused)
    answer = site.ask("vic", "GET", f"/run/{run_id}/csv")
    assert (answer.status, answer.read()) == (200, (tmp_path / "a.csv").read_bytes())
    assert answer.getheader("content-type") == "text/csv; charset=utf-8"
    assert f"{run_id}.csv" in str(answer.getheader("content-disposition"))
    assert site.status("vic", "GET", "/run/none/csv") == 400


def test_a_run_that_does_not_exist_has_no_media(site: RecordingsDashboard) -> None:
    for run_id in ("none", "..%2F..%2Fid_rsa", "%00"):
        for route in ("media", "annotated"):
            assert site.status("ada", "GET", f"/run/{run_id}/{route}") in {400, 404}
    with pytest.raises(SourceError):
        site.library.open_recording("none")
