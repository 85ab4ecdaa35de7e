"""Annotated copies: colour, sound, times and orientation are those of the recording."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import Engine, update

from contracts.analysis_spec import AnalysisOptions
from contracts.zones.zone import Zone, ZoneKind
from ingest.files.content_hash import read_content
from moodline.analysis.annotation import annotate_recording
from records.json_columns import RunOptions, encode_file_run_options
from records.tables.runs import Run
from runtime.files.free_space import FreeSpace
from tests.media import SoundSpec, write_coloured_video
from tests.rows import write_run

STRIPES = ((200, 40, 40), (40, 170, 60), (50, 60, 200), (220, 180, 140))
OPTIONS = AnalysisOptions(0.4, None, 24, 640)
SILENT = SoundSpec(codec=None)


def copy_of(
    engine: Engine, clip: Path, out: Path, options: AnalysisOptions = OPTIONS, frames: int = 3
) -> Path:
    """Write the annotated copy of a run that found no face in the clip."""
    run_pk = write_run(engine, "run", {number: [] for number in range(frames)})
    content = read_content(clip)
    with engine.begin() as connection:
        connection.execute(
            update(Run)
            .where(Run.id == run_pk)
            .values(
                content_hash=content.digest,
                file_state=content.file_state,
                options=encode_file_run_options(RunOptions(options)),
            )
        )
    annotate_recording(engine, "run", clip, out, FreeSpace(0))
    return out


def pictures(path: Path) -> tuple[list[Fraction], list[npt.NDArray[np.uint8]]]:
    """The times in seconds, and the pictures in RGB as a player shows them."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        times = [frame.pts * frame.time_base for frame in frames]
        shown = [frame.to_ndarray(format="rgb24") for frame in frames]
    return times, shown


def tone_begins_s(path: Path) -> float:
    """The time at which the sound becomes loud."""
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = np.abs(frame.to_ndarray().astype(float))
            samples /= 32768 if samples.max() > 2 else 1
            loud = np.flatnonzero(samples.max(axis=0) > 0.2)
            if loud.size:
                return float(frame.pts * frame.time_base) + loud[0] / frame.sample_rate
    raise AssertionError("there is no tone")


def stripes_in(picture: npt.NDArray[np.uint8]) -> Sequence[npt.NDArray[np.int64]]:
    """The colour in the middle of each of four vertical stripes."""
    height, width = picture.shape[:2]
    return [picture[height // 2, width * (2 * n + 1) // 8].astype(int) for n in range(4)]


def assert_colours(
    found: Sequence[npt.NDArray[np.int64]], expected: Sequence[tuple[int, int, int]]
) -> None:
    for one, colour in zip(found, expected, strict=True):
        assert np.abs(one - colour).max() <= 12, (found, expected)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuvj420p", "yuv420p10le"])
def test_a_copy_has_the_colours_and_times_of_the_recording(
    sqlite_engine: Engine, tmp_path: Path, pix_fmt: str
) -> None:
    clip = tmp_path / "clip.mp4"
    write_coloured_video(clip, STRIPES, pix_fmt=pix_fmt, sound=SILENT)
    times, shown = pictures(copy_of(sqlite_engine, clip, tmp_path / "copy.mp4"))

    assert times == [Fraction(n, 25) for n in range(50)]
    with av.open(str(tmp_path / "copy.mp4")) as container:
        video = container.streams.video[0]
        assert video.duration is not None
        assert video.duration * video.time_base == 2, (
            "the last frame is shown as long as the others"
        )
    assert_colours(stripes_in(shown[20]), STRIPES)


@pytest.mark.parametrize(
    ("name", "sound", "kept"),
    [
        ("clip.mp4", SoundSpec("aac"), "aac"),
        ("clip.mp4", SoundSpec("mp3", layout="mono"), "mp3"),
        ("clip.mkv", SoundSpec("libopus", rate=48000), "aac"),
        ("clip.avi", SoundSpec("pcm_s16le", rate=22050, layout="mono"), "aac"),
        ("clip.mkv", SoundSpec("ac3", rate=48000, layout="5.1"), "aac"),
        ("clip.ts", SoundSpec("aac"), "aac"),
        ("clip.mkv", SoundSpec("aac", late_s=3.0), "aac"),
        ("clip.mp4", SoundSpec("aac", late_s=1.0, lead_s=0.5), "aac"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(dataclasses.astuple(value)),
)
def test_a_copy_has_the_sound_at_its_time(
    sqlite_engine: Engine, tmp_path: Path, name: str, sound: SoundSpec, kept: str
) -> None:
    clip = tmp_path / name
    write_coloured_video(clip, STRIPES, sound=sound)
    out = copy_of(sqlite_engine, clip, tmp_path / "copy.mp4")

    with av.open(str(out)) as container:
        (audio,) = container.streams.audio
        assert audio.codec_context.codec.canonical_name == kept
    times, _ = pictures(out)
    assert times[0] == 0
    assert tone_begins_s(out) == pytest.approx(1.0, abs=0.04)


def test_sound_after_the_last_frame_is_left_out(sqlite_engine: Engine, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mkv"
    write_coloured_video(clip, STRIPES, seconds=1, sound=SILENT)
    long = tmp_path / "long.mkv"
    write_coloured_video(long, STRIPES, seconds=4)
    mixed = tmp_path / "mixed.mkv"
    with (
        av.open(str(clip)) as video,
        av.open(str(long)) as audio,
        av.open(str(mixed), "w") as out,
    ):
        streams = [out.add_stream_from_template(one.streams[0]) for one in (video,)]
        sound = out.add_stream_from_template(audio.streams.audio[0])
        packets = [
            (p, streams[0]) for p in video.demux(video.streams.video[0]) if p.dts is not None
        ]
        packets += [(p, sound) for p in audio.demux(audio.streams.audio[0]) if p.dts is not None]
        for packet, stream in packets:
            packet.stream = stream
            out.mux(packet)

    copy = copy_of(sqlite_engine, mixed, tmp_path / "copy.mp4")
    with av.open(str(copy)) as container:
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(1.0, abs=0.1)


def test_a_recording_without_sound_has_a_copy_without_sound(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    write_coloured_video(clip, STRIPES, sound=SILENT)
    with av.open(str(copy_of(sqlite_engine, clip, tmp_path / "copy.mp4"))) as container:
        assert not container.streams.audio


def test_a_turned_recording_has_a_turned_copy(sqlite_engine: Engine, tmp_path: Path) -> None:
    """The container turns it by 90 degrees to the left; its owner mirrors what is displayed."""
    clip = tmp_path / "clip.mp4"
    write_coloured_video(clip, STRIPES, rotation=90, sound=SILENT)
    options = dataclasses.replace(OPTIONS, rotate=90, mirror=True)
    _, shown = pictures(copy_of(sqlite_engine, clip, tmp_path / "copy.mp4", options))
    assert shown[0].shape == (120, 160, 3)
    assert_colours(stripes_in(shown[20]), STRIPES[::-1])


def test_a_mask_is_black_in_the_copy(sqlite_engine: Engine, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_coloured_video(clip, STRIPES, sound=SILENT)
    left = Zone(ZoneKind.MASK, "left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
    options = dataclasses.replace(OPTIONS, zones=(left,))
    _, shown = pictures(copy_of(sqlite_engine, clip, tmp_path / "copy.mp4", options))
    assert_colours(stripes_in(shown[20]), [(0, 0, 0), (0, 0, 0), *STRIPES[2:]])


@pytest.mark.parametrize("size", [(161, 121), (16, 400), (2, 2)])
def test_odd_sizes_can_be_copied(
    sqlite_engine: Engine, tmp_path: Path, size: tuple[int, int]
) -> None:
    clip = tmp_path / "clip.mkv"
    write_coloured_video(clip, STRIPES[:1], size=size, pix_fmt="yuv444p", sound=SILENT)
    _, shown = pictures(copy_of(sqlite_engine, clip, tmp_path / "copy.mp4"))
    assert shown[0].shape[:2] == (max(size[1] & ~1, 2), max(size[0] & ~1, 2))
    assert_colours([shown[0][0, 0].astype(int)], STRIPES[:1])
