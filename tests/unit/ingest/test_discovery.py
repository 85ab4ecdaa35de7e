"""Discovery: the recordings that paths of a command line name."""

import os
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import SourceError
from contracts.media_types import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from ingest.files.content_hash import read_content
from ingest.files.discovery import (
    LINKED_FOLDER,
    OTHER_SUFFIX,
    NotRead,
    Recording,
    RefusedPath,
    discover,
    discover_allowed,
)
from records.uploads.names import safe_name
from runtime.files.allowed_folders import AllowedFolders


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """clips/ with recordings, other files and hidden files; its parent is the working folder."""
    for name in ("b.mp4", "a.MKV", "notes.txt", ".hidden.mp4", "day2/c.avi", ".cache/d.mp4"):
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "clips"


def names(results: list[Recording | RefusedPath]) -> list[str]:
    return [result.name for result in results if isinstance(result, Recording)]


def test_a_named_file_is_taken_whatever_its_suffix(clips: Path) -> None:
    assert discover(["clips/notes.txt"]) == [Recording(clips / "notes.txt", "notes.txt")]


def test_a_folder_names_the_recordings_below_it(clips: Path) -> None:
    assert names(discover(["clips"])) == ["clips/a.MKV", "clips/b.mp4", "clips/day2/c.avi"]
    assert names(discover([str(clips) + "/"])) == names(discover(["clips"]))


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_folders_and_uploads_take_the_same_video_suffixes(tmp_path: Path, suffix: str) -> None:
    for name in (f"take{suffix}", f"take{suffix.upper()}"):
        (tmp_path / name).write_bytes(b"x")
        assert [Path(found).name for found in names(discover([str(tmp_path)]))] == [name]
        assert safe_name(name) == f"take{suffix}"
        (tmp_path / name).unlink()


def test_folders_take_images_too(tmp_path: Path) -> None:
    for suffix in IMAGE_SUFFIXES:
        (tmp_path / f"still{suffix}").write_bytes(b"x")
    assert len(names(discover([str(tmp_path)]))) == len(IMAGE_SUFFIXES)


def test_a_pattern_is_expanded(clips: Path) -> None:
    assert names(discover(["clips/*.mp4"])) == ["b.mp4"]
    assert names(discover(["clips/**/*.avi"])) == ["c.avi"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(clips: Path) -> None:
    (clips / "take[1].mp4").write_bytes(b"x")
    assert names(discover(["clips/take[1].mp4"])) == ["take[1].mp4"]


def test_each_file_comes_once_in_the_order_of_its_first_mention(clips: Path) -> None:
    (clips / "link.mp4").symlink_to(clips / "b.mp4")
    assert names(discover(["clips/b.mp4", "clips", "clips/link.mp4"])) == [
        "b.mp4",
        "clips/a.MKV",
        "clips/day2/c.avi",
    ]


@pytest.mark.parametrize("path", ["gone.mp4", "empty", "clips/*.wmv"])
def test_a_path_without_recordings_is_refused_and_the_others_are_taken(
    clips: Path, path: str
) -> None:
    refused, found = discover([path, "clips/b.mp4"])

    assert isinstance(found, Recording)
    assert isinstance(refused, RefusedPath)
    assert refused.path == path
    assert path in str(refused.error)
    assert refused.error.hint


def test_members_of_a_folder_that_are_not_read_are_named(clips: Path) -> None:
    (clips / "linked").symlink_to(clips / "day2")
    not_read: list[NotRead] = []

    assert len(names(discover(["clips"], not_read.append))) == 3

    assert sorted(not_read, key=lambda one: one.path) == [
        NotRead(str(clips / "linked"), LINKED_FOLDER),
        NotRead(str(clips / "notes.txt"), OTHER_SUFFIX),
    ]


def test_a_folder_that_cannot_be_read_is_refused(
    clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("day2"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr("os.scandir", refuse)
    for results in (discover(["clips"]), discover_allowed(clips, AllowedFolders((clips,)))):
        (refused,) = (one for one in results if isinstance(one, RefusedPath))
        assert refused.path == str(clips / "day2")
        assert "Permission denied" in refused.error.line()
        assert len(names(results)) == 2


def test_a_name_that_is_not_utf8_is_refused_and_the_others_are_taken(clips: Path) -> None:
    (clips / "caf\udce9.mp4").write_bytes(b"x")
    for results in (discover(["clips"]), discover_allowed(clips, AllowedFolders((clips,)))):
        (refused,) = (one for one in results if isinstance(one, RefusedPath))
        assert "is not UTF-8" in refused.error.line()
        assert len(names(results)) == 3


def test_each_of_two_empty_files_is_named_in_its_own_error(tmp_path: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        (tmp_path / name).touch()
        with pytest.raises(SourceError, match=f"{name} is empty"):
            read_content(tmp_path / name)
