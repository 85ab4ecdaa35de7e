"""Opening: refused files, and files that end early; one line with the cause and a hint."""

from fractions import Fraction
from pathlib import Path

import pytest

from contracts.errors import SourceError
from ingest.files.opening import pinned
from ingest.files.source import FileSource
from tests.media import VideoSpec, number_of, numbered_picture, steady, write_sound, write_video


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        FileSource(path, fps=None, max_side=1280)
    assert caught.value.hint
    line = caught.value.line()
    assert "\n" not in line
    assert path.name in line
    return line


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "gone.mp4")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clips.mp4").mkdir()
    assert "folder" in refusal(tmp_path / "clips.mp4")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert "empty" in refusal(tmp_path / "empty.mp4")


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "secret.mp4", steady(3))

    # Tests may run as root, who may read every file.
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ingest.files.opening.open_regular", forbidden)
    assert "no permission" in refusal(tmp_path / "secret.mp4")


@pytest.mark.parametrize(
    "text",
    [
        "These are my notes on the recording.\n" * 50,
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\nhttp://127.0.0.1:1/a.ts\n",
        "ffconcat version 1.0\nfile other.mp4\n",
        "1\n00:00:01,000 --> 00:00:02,000\nA subtitle\n\n",
    ],
)
def test_a_text_file_named_as_a_video_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes.mp4").write_text(text)
    refusal(tmp_path / "notes.mp4")


def test_noise_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise.mp4").write_bytes(numbered_picture(7).tobytes() * 9)
    refusal(tmp_path / "noise.mp4")


def test_audio_without_video_is_refused(tmp_path: Path) -> None:
    write_sound(tmp_path / "sound.mp4")
    assert "only audio" in refusal(tmp_path / "sound.mp4")


def test_a_recording_without_its_index_is_refused(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.mp4", steady(50))
    content = (tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 2])
    assert "cut off" in refusal(tmp_path / "cut.mp4")


def test_a_recording_without_a_decodable_frame_is_refused(tmp_path: Path) -> None:
    spec = VideoSpec(codec="mpeg4", time_base=Fraction(1, 25), gop=1)
    packets = write_video(tmp_path / "bad.mp4", steady(5), spec)
    content = (tmp_path / "bad.mp4").read_bytes()
    for packet in packets:
        content = content.replace(packet, b"\xff" * len(packet))
    (tmp_path / "bad.mp4").write_bytes(content)
    assert "no frame" in refusal(tmp_path / "bad.mp4")


def test_an_image_that_is_too_large_is_refused(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("runtime.decoding.opencv").cv2
    cv2.imwrite(str(tmp_path / "wide.png"), numbered_picture(1, (8200, 12)))
    assert "8200x12" in refusal(tmp_path / "wide.png")


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("a.mp4", VideoSpec(container_options={"movflags": "faststart"})),
        ("a.mkv", VideoSpec()),
        ("a.webm", VideoSpec(codec="libvpx-vp9")),
        ("a.avi", VideoSpec(codec="mpeg4", time_base=Fraction(1, 25))),
    ],
)
def test_a_truncated_file_yields_its_frames_and_reports_the_truncation(
    tmp_path: Path, name: str, spec: VideoSpec
) -> None:
    write_video(tmp_path / name, steady(50), spec)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) * 6 // 10])

    with FileSource(tmp_path / name, fps=None, max_side=1280) as source:
        frames = list(source.frames())
        totals = source.totals

    assert 15 <= len(frames) <= 35
    kept = [number_of(frame.luma, frame.width, frame.height) for frame in frames[:-1]]
    assert kept == list(range(len(frames) - 1))
    assert totals.error.startswith(f"{name} ends early: {len(frames)} frames of about 50 were read")


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi", "a.webm"])
def test_a_complete_file_reports_no_truncation(tmp_path: Path, name: str) -> None:
    codec = "libvpx-vp9" if name == "a.webm" else "mpeg4"
    write_video(tmp_path / name, steady(50), VideoSpec(codec=codec, time_base=Fraction(1, 25)))

    with FileSource(tmp_path / name, fps=None, max_side=1280) as source:
        list(source.frames())

    assert source.totals.error == ""


def test_a_pinned_path_stays_that_of_the_file_that_is_exchanged(tmp_path: Path) -> None:
    for name, frames in (("a.mp4", 5), ("secret.mp4", 9)):
        write_video(tmp_path / name, steady(frames), VideoSpec())
    path = tmp_path / "a.mp4"
    with pinned(path) as place:
        path.unlink()
        path.symlink_to(tmp_path / "secret.mp4")
        with FileSource(place, fps=None, max_side=64, name=path.name) as source:
            assert len(list(source.frames())) == 5
            assert len(list(source.frames())) == 5, "it is opened again"


def test_errors_of_a_pinned_path_have_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no film")
    with (
        pinned(path) as place,
        pytest.raises(SourceError, match=r"^notes\.mp4 is not a recording"),
    ):
        FileSource(place, fps=None, max_side=64, name=path.name)
    with (
        pytest.raises(SourceError, match=r"^gone\.mp4 does not exist"),
        pinned(tmp_path / "gone.mp4"),
    ):
        pass
