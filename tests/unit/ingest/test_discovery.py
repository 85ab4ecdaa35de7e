"""Which files a command line's paths mean."""

from pathlib import Path

import pytest

from ingest.files.discovery import Found, Refused, discover


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """clips/ with recordings, other files and hidden things; the working directory above it."""
    for name in ("b.mp4", "a.MKV", "notes.txt", ".hidden.mp4", "day2/c.avi", ".cache/d.mp4"):
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "clips"


def names(results: list[Found | Refused]) -> list[str]:
    return [result.name for result in results if isinstance(result, Found)]


def test_a_file_is_taken_whatever_its_suffix(clips: Path) -> None:
    assert discover(["clips/notes.txt"]) == [Found(clips / "notes.txt", "notes.txt")]


def test_a_directory_means_its_recordings_below_named_from_it(clips: Path) -> None:
    assert names(discover(["clips"])) == ["clips/a.MKV", "clips/b.mp4", "clips/day2/c.avi"]
    assert names(discover([str(clips) + "/"])) == names(discover(["clips"]))


def test_a_pattern_is_expanded(clips: Path) -> None:
    assert names(discover(["clips/*.mp4"])) == ["b.mp4"]
    assert names(discover(["clips/**/*.avi"])) == ["c.avi"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(clips: Path) -> None:
    (clips / "take[1].mp4").write_bytes(b"x")
    assert names(discover(["clips/take[1].mp4"])) == ["take[1].mp4"]


def test_each_file_comes_once_in_the_order_it_was_first_named(clips: Path) -> None:
    (clips / "link.mp4").symlink_to(clips / "b.mp4")
    assert names(discover(["clips/b.mp4", "clips", "clips/link.mp4"])) == [
        "b.mp4",
        "clips/a.MKV",
        "clips/day2/c.avi",
    ]


@pytest.mark.parametrize("path", ["gone.mp4", "empty", "clips/*.wmv"])
def test_what_means_no_recording_is_refused_beside_the_others(clips: Path, path: str) -> None:
    refused, found = discover([path, "clips/b.mp4"])

    assert isinstance(found, Found)
    assert isinstance(refused, Refused)
    assert refused.path == path
    assert path in str(refused.error)
    assert refused.error.hint
