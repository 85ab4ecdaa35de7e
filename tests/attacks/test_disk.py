"""A full disk: uploads, copies and exports stop at the floor; signing in and reading go on."""

import errno
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from analytics.export.exporter import export_records
from analytics.export.record_pages import Selection
from contracts.errors import DiskFullError, UploadError
from contracts.settings import Settings
from moodline.analysis.annotation import annotate_recording
from records.uploads.room import Room
from records.uploads.uploads import Uploads
from runtime.files.free_space import FreeSpace
from tests.attacks.recordings_dashboard import (
    RecordingsDashboard,
    recordings_dashboard,
    small_clip,
)
from tests.http_client import PASSWORD, ask, cookie_of, sign_in
from tests.requirements import lacking
from tests.rows import FaceSpec, write_run

MB = 10**6
FULL = FreeSpace(10**18)
"""A floor that no disk has."""


@dataclass
class Disk:
    """A disk of which so many bytes are free."""

    free: int

    def measure(self, _folder: Path) -> int:
        return self.free


def uploads_on(engine: Engine, folder: Path, disk: Disk, **quotas: int) -> Uploads:
    """Uploads of at most 500 MB each, on a disk of which 1 GB must stay free."""
    room = Room(FreeSpace(1000 * MB, disk.measure), **quotas)
    return Uploads(engine, folder / "uploads", 500 * MB, 7, room)


@pytest.mark.both_databases
def test_uploads_reserve_what_they_announce(engine: Engine, tmp_path: Path) -> None:
    """Given 1.3 GB free, of which 1 GB must stay, two uploads of 150 MB fit and no third."""
    disk = Disk(1300 * MB)
    uploads = uploads_on(engine, tmp_path, disk)
    first = uploads.start("1.mp4", 150 * MB, "", "ola")
    uploads.start("2.mp4", 150 * MB, "", "otto")
    with pytest.raises(DiskFullError, match=r"1\.0 GB must stay free"):
        uploads.start("3.mp4", 150 * MB, "", "ola")
    assert uploads.start("1.mp4", 150 * MB, "", "ola").id == first.id, "it can be resumed"
    uploads.remove(first.id)
    uploads.start("3.mp4", 150 * MB, "", "ola")


@pytest.mark.both_databases
def test_uploads_started_at_once_do_not_share_a_reservation(engine: Engine, tmp_path: Path) -> None:
    uploads = uploads_on(engine, tmp_path, Disk(1300 * MB))
    together = threading.Barrier(20)
    results: list[str] = []

    def start(number: int) -> None:
        together.wait()
        try:
            uploads.start(f"{number}.mp4", 150 * MB, "", f"user{number}")
            results.append("started")
        except DiskFullError:
            results.append("full")

    threads = [threading.Thread(target=start, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["full"] * 18 + ["started"] * 2


def test_a_user_s_quota_does_not_touch_other_users(sqlite_engine: Engine, tmp_path: Path) -> None:
    uploads = uploads_on(
        sqlite_engine,
        tmp_path,
        Disk(10**13),
        user_quota_bytes=700 * MB,
        quota_bytes=1500 * MB,
    )
    for who in ("ola", "otto"):
        uploads.start("a.mp4", 400 * MB, "", who)
        with pytest.raises(DiskFullError, match=r"your uploads have 0\.4 of 0\.7 GB"):
            uploads.start("b.mp4", 400 * MB, "", who)
        uploads.start("b.mp4", 300 * MB, "", who)
    with pytest.raises(DiskFullError, match=r"all uploads have 1\.4 of 1\.5 GB"):
        uploads.start("c.mp4", 200 * MB, "", "mara")


def test_one_user_s_unfinished_uploads_do_not_shut_out_others(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    uploads = uploads_on(sqlite_engine, tmp_path, Disk(10**13))
    for number in range(20):
        uploads.start(f"{number}.mp4", MB, "", "ola")
    with pytest.raises(UploadError, match="unfinished"):
        uploads.start("one-more.mp4", MB, "", "ola")
    uploads.start("mine.mp4", MB, "", "otto")


def test_a_part_is_refused_when_others_filled_the_disk(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    disk = Disk(1300 * MB)
    uploads = uploads_on(sqlite_engine, tmp_path, disk)
    line = uploads.start("a.mp4", 2000, "", "ola")
    assert uploads.append(line.id, 0, bytes(1000)) == 1000
    disk.free = 1000 * MB + 999
    with pytest.raises(DiskFullError):
        uploads.append(line.id, 1000, bytes(1000))
    assert uploads.get(line.id).received == 1000
    disk.free += 1
    assert uploads.append(line.id, 1000, bytes(1000)) == 2000


def test_an_export_stops_at_the_floor_and_leaves_no_part(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    write_run(sqlite_engine, "one", {0: [FaceSpec(1, "happy")]})
    out = tmp_path / "out"
    out.mkdir()
    for suffix in ("csv", "jsonl", "parquet"):
        with pytest.raises(DiskFullError):
            export_records(sqlite_engine, Selection(), out / f"a.{suffix}", FULL)
    assert not list(out.iterdir())


# -- the page -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordingsDashboard]:
    """A dashboard that must leave more free than any disk has."""
    folder = tmp_path_factory.mktemp("disk")
    with recordings_dashboard(folder, min_free_gb=10_000.0, user_upload_quota_gb=1.0) as one:
        yield one


def test_the_page_answers_507_when_there_is_no_room(site: RecordingsDashboard) -> None:
    answer = site.ask("ola", "POST", "/upload", {"name": "a.mp4", "size": 10 * MB})
    assert answer.status == 507
    assert "must stay free" in json.loads(answer.read())["error"]
    answer = site.ask("ola", "POST", "/upload", {"name": "a.mp4", "size": 1001 * MB})
    assert answer.status == 507
    assert "your uploads have 0.0 of 1.0 GB" in json.loads(answer.read())["error"]


def test_an_annotated_copy_leaves_the_floor_free(site: RecordingsDashboard, tmp_path: Path) -> None:
    clip = small_clip(site.allowed / "clip.mp4")
    site.analysed("clip", clip)
    assert site.status("ola", "POST", "/run/clip/annotate") == 507
    with site.engine.begin() as connection:
        options = '{"analysis": {"smoothing_s": 0.4, "uncertain_below": null, '
        options += '"min_face_px": 24, "max_frame_side": 640}}'
        connection.exec_driver_sql("UPDATE runs SET options = ?", (options,))
    with pytest.raises(DiskFullError):
        annotate_recording(site.engine, "clip", clip, tmp_path / "copy.mp4", FULL)
    assert not list(tmp_path.iterdir())


# -- a disk that is full ------------------------------------------------------------


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of 12 MB in memory."""
    place = tmp_path_factory.mktemp("small-disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        lacking("root", "only root may mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> None:
    """Write until the disk is full."""
    with (place / "ballast").open("ab", buffering=0) as file:
        for size in (2**16, 2**10, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError as exc:
                assert exc.errno == errno.ENOSPC


def test_on_a_full_disk_people_sign_in_and_read_and_uploads_get_507(small_disk: Path) -> None:
    with recordings_dashboard(small_disk, min_free_gb=0.0) as site:
        site.analysed("seen", small_clip(site.allowed / "seen.mp4"), frames=40)
        half = site.library.uploads.start("half.mp4", MB, "", "ola")
        fill(small_disk)
        part = site.ask("ola", "PUT", f"/upload/{half.id}?offset=0", "x" * 100_000)
        assert part.status == 507
        cookie = cookie_of(sign_in(site.address, "ola", PASSWORD))
        assert cookie
        fresh = replace(site, cookies={"ola": cookie})
        assert fresh.answer("ola", "GET", "/run/seen")["playable"]
        assert fresh.status("ola", "GET", "/run/seen/media") == 200
        assert fresh.status("ola", "GET", "/run/seen/csv") == 200
        assert fresh.answer("ola", "GET", "/list")["runs"]
        (small_disk / "ballast").unlink()
        assert fresh.answer("ola", "GET", "/run/seen")["playable"], "the session stays"
        assert ask(site.address, "/logout", "POST", Cookie=cookie).status == 303
        assert fresh.status("ola", "GET", "/run/seen") == 401


def test_the_floor_of_the_settings_is_the_floor_of_the_uploads() -> None:
    assert Settings(min_free_gb=2.5).min_free_bytes == 2_500_000_000
