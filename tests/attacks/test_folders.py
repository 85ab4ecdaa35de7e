"""Nobody leaves the folders that the owner allows; no path makes moodline wait for a pipe."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from analytics.runs.run_list import list_runs
from analytics.snapshots import in_snapshot
from broker.bus import Bus
from broker.entries.entry_writer import StreamLimits
from contracts.errors import SourceError
from contracts.settings import Settings
from contracts.shared_folders import SharedFolders
from ingest.files.content_hash import require_content
from ingest.files.publisher import FilePublisher
from moodline.services.folder_watch import queue_new_recordings
from records.watched_folders import add_folder, watched_folders
from runtime.files.allowed_folders import AllowedFolders
from runtime.files.regular_files import open_below
from tests.attacks.recordings_dashboard import (
    SECRET,
    RecordingsDashboard,
    recordings_dashboard,
    small_clip,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordingsDashboard]:
    """A dashboard whose allowed folder holds one recording and many traps."""
    with recordings_dashboard(tmp_path_factory.mktemp("folders")) as one:
        small_clip(one.allowed / "good.mp4")
        small_clip(one.outside / "private.mp4")
        small_clip(one.settings.home_path / "uploads" / "0" / "private.mp4")
        (one.outside / "id_rsa").write_bytes(SECRET)
        (one.outside / "private folder").mkdir()
        small_clip(one.outside / "private folder" / "inner.mp4")
        traps = one.allowed / "traps"
        traps.mkdir()
        (traps / "id_rsa").write_bytes(SECRET)
        (traps / "key.mp4").write_bytes(SECRET)
        (traps / "link.mp4").symlink_to(one.outside / "private.mp4")
        (traps / "key-link.mp4").symlink_to(one.outside / "id_rsa")
        (traps / "text-link.mp4").symlink_to(traps / "id_rsa")
        (traps / "folder").symlink_to(one.outside / "private folder")
        (traps / "proc").symlink_to("/proc/self")
        (traps / "zero.mp4").symlink_to("/dev/zero")
        (traps / "loop.mp4").symlink_to(traps / "loop.mp4")
        os.mkfifo(traps / "pipe.mp4")
        with socket.socket(socket.AF_UNIX) as listener:
            here = Path.cwd()
            os.chdir(traps)  # The path of a socket is short.
            listener.bind("socket.mp4")
            os.chdir(here)
        yield one


TRAPS = [
    "{outside}/private.mp4",
    "{outside}/id_rsa",
    "{outside}/does-not-exist.mp4",
    "{outside}",
    "{allowed}/../outside/private.mp4",
    "{allowed}/traps/id_rsa",
    "{allowed}/traps/key.mp4",
    "{allowed}/traps/link.mp4",
    "{allowed}/traps/key-link.mp4",
    "{allowed}/traps/text-link.mp4",
    "{allowed}/traps/folder",
    "{allowed}/traps/folder/inner.mp4",
    "{allowed}/traps/fold[e]r/inner.mp4",
    "{allowed}/traps/f*/*.mp4",
    "{allowed}/**/*.mp4",
    "{allowed}/go?d.mp4",
    "{allowed}/traps/proc/environ",
    "{allowed}/traps/proc/root{outside}/private.mp4",
    "{allowed}/traps/zero.mp4",
    "{allowed}/traps/loop.mp4",
    "{allowed}/traps/pipe.mp4",
    "{allowed}/traps/socket.mp4",
    "{home}/uploads/0/private.mp4",
    "{home}/uploads",
    "{home}",
    "/proc/self/environ",
    "/proc/self/root{outside}/private.mp4",
    "/proc/1/root/etc/passwd",
    "/dev/zero",
    "/dev/fd/0",
    "/sys",
    "/",
    "~",
    "~nobody-at-all/a.mp4",
    "a\0b.mp4",
    "{allowed}/\0.mp4",
    "/" + 4000 * "a",
    "{allowed}/" + 300 * "a" + ".mp4",
    40 * "../" + "etc/passwd",
]


@pytest.mark.parametrize("trap", TRAPS)
def test_no_path_leads_out_of_the_allowed_folders(site: RecordingsDashboard, trap: str) -> None:
    path = trap.format(allowed=site.allowed, outside=site.outside, home=site.settings.home_path)
    for who in ("ola", "ada"):
        error = site.error(who, "POST", "/folder", {"path": path})
        assert "private key" not in error.lower()
    assert site.runs() == 0


def test_errors_do_not_say_what_exists_outside(site: RecordingsDashboard) -> None:
    texts = {
        site.error("ola", "POST", "/folder", {"path": str(site.outside / name)}).replace(name, "X")
        for name in ("private.mp4", "id_rsa", "does-not-exist.mp4", "private folder")
    }
    assert len(texts) == 1


def test_a_folder_queues_its_own_recordings_and_refuses_links_that_lead_out(
    site: RecordingsDashboard,
) -> None:
    folder = site.allowed / "day"
    clip = small_clip(folder / "first.mp4")
    (folder / "same.mp4").symlink_to(clip)
    (folder / "out.mp4").symlink_to(site.outside / "private.mp4")
    (folder / "below").symlink_to(site.outside / "private folder")
    os.mkfifo(folder / "pipe.mp4")
    answer = site.answer("ola", "POST", "/folder", {"path": str(folder)})
    assert answer["queued"] == 1
    assert len(answer["refused"]) == 2
    (run,) = in_snapshot(site.engine, list_runs)
    assert run.source == "day/first.mp4"
    site.answer("ada", "POST", f"/cancel/{run.run_id}")
    with site.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM runs")


def test_a_watched_folder_queues_its_own_recordings_only(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    settings, folder = Settings(home=tmp_path / "home"), tmp_path / "watched"
    secret = small_clip(tmp_path / "outside" / "private.mp4")
    small_clip(folder / "good.mp4")
    (folder / "notes.txt").write_bytes(SECRET)
    (folder / "out.mp4").symlink_to(secret)
    (folder / "below").symlink_to(secret.parent)
    os.mkfifo(folder / "pipe.mp4")
    add_folder(
        sqlite_engine, "w", str(folder), every_s=60, cron=None, sampling_fps=None, source=None
    )
    (watched,) = watched_folders(sqlite_engine)
    line = queue_new_recordings(settings, sqlite_engine, watched, wait=lambda _: None)
    assert line.startswith("1 queued, 0 still growing, 2 refused: ")
    assert [run.source for run in in_snapshot(sqlite_engine, list_runs)] == ["watched/good.mp4"]


def test_a_recording_exchanged_after_it_was_queued_is_not_analysed(
    site: RecordingsDashboard,
) -> None:
    clip = small_clip(site.allowed / "swap.mp4")
    site.answer("ola", "POST", "/folder", {"path": str(clip)})
    (run,) = in_snapshot(site.engine, list_runs)
    clip.unlink()
    clip.symlink_to(site.outside / "private folder" / "inner.mp4")
    with (site.outside / "private folder" / "inner.mp4").open("ab") as file:
        file.write(b"other content")
    publisher = FilePublisher(
        site.engine,
        cast(Bus, None),  # Nothing is published.
        StreamLimits(64, 2**20),
        SharedFolders(),
        lambda: False,
        lambda _: None,
    )
    with pytest.raises(SourceError, match="changed or exchanged"):
        publisher.publish(run.run_id)
    with site.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM runs")


def test_a_recording_exchanged_after_its_check_is_not_read(
    site: RecordingsDashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FFmpeg opens files by path: the path must stay that of the file that was checked."""
    clip = small_clip(site.allowed / "late.mp4")
    site.answer("ola", "POST", "/folder", {"path": str(clip)})
    (run,) = in_snapshot(site.engine, list_runs)
    content, read = clip.read_bytes(), []
    secret = site.outside / "another.mp4"
    secret.write_bytes(b"another film")

    def check(path: Path, *arguments: Any, **named: Any) -> None:
        require_content(path, *arguments, **named)
        clip.unlink(missing_ok=True)
        clip.symlink_to(secret)

    def source(path: Path, **_: Any) -> None:
        read.append(path.read_bytes())
        raise SourceError("enough")

    monkeypatch.setattr("ingest.files.publisher.require_content", check)
    monkeypatch.setattr("ingest.files.publisher.FileSource", source)
    limits = StreamLimits(64, 2**20)
    publisher = FilePublisher(
        site.engine, cast(Bus, None), limits, SharedFolders(), lambda: False, lambda _: None
    )
    with pytest.raises(SourceError, match="enough"):
        publisher.publish(run.run_id)
    assert read == [content]
    with site.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM runs")


def test_the_innermost_of_allowed_and_private_folders_counts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    allowed = AllowedFolders((tmp_path, home / "films"), private=(home,))
    (home / "films").mkdir(parents=True)
    assert allowed.find(tmp_path / "a.mp4") == tmp_path / "a.mp4"
    assert allowed.find(home / "films" / "a.mp4") == home / "films" / "a.mp4"
    for path in (home, home / "a.mp4", home / "films" / ".." / "a.mp4"):
        with pytest.raises(SourceError):
            allowed.find(path)


def test_the_system_s_folders_are_never_allowed() -> None:
    everything = AllowedFolders((Path("/"), Path("/proc"), Path("/dev/shm")))
    for path in ("/proc/self/environ", "/sys/kernel", "/dev/zero", "/dev/shm/a.mp4"):
        with pytest.raises(SourceError):
            everything.find(Path(path))
    assert everything.find(Path("/proc/self/root/etc")) == Path("/etc")


def test_no_part_of_an_opened_path_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.mp4").write_bytes(b"a")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "b.mp4").symlink_to(tmp_path / "real" / "a.mp4")
    with open_below(tmp_path, ["real", "a.mp4"]) as file:
        assert file.read() == b"a"
    for parts in (
        ["linked", "a.mp4"],
        ["real", "b.mp4"],
        ["real", "..", "real", "a.mp4"],
        ["real/a.mp4"],
        ["real"],
        [],
        ["."],
    ):
        with pytest.raises(OSError):
            open_below(tmp_path, parts)
