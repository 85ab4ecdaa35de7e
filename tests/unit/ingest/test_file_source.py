"""FileSource: the frames of a file and their times, for files with known times."""

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from contracts.frames import Counters
from ingest.files.source import FileSource
from ingest.frame_source import SourceFrame
from tests.media import VideoSpec, number_of, numbered_picture, spoil_packet, steady, varying
from tests.media import write_video as write

AVI = Fraction(1, 25)

HEALTHY = [
    pytest.param("a.mp4", steady(50), VideoSpec(), id="mp4"),
    pytest.param("a.mp4", steady(50, 30), VideoSpec(rate=30), id="mp4-30fps"),
    pytest.param("a.mp4", varying(50), VideoSpec(b_frames=2), id="mp4-vfr-b-frames"),
    pytest.param("a.mov", varying(50), VideoSpec(b_frames=3), id="mov-vfr-b-frames"),
    pytest.param("a.mkv", varying(50), VideoSpec(b_frames=2), id="mkv-vfr-b-frames"),
    pytest.param("a.mkv", steady(50, 24), VideoSpec(rate=24), id="mkv-24fps-rounded-to-ms"),
    pytest.param("a.webm", varying(50), VideoSpec(codec="libvpx-vp9"), id="webm-vp9"),
    pytest.param("a.avi", steady(50), VideoSpec(codec="mpeg4", time_base=AVI), id="avi-mpeg4"),
    pytest.param(
        "a.avi", steady(50), VideoSpec(codec="mpeg4", time_base=AVI, b_frames=2), id="avi-mpeg4-b"
    ),
    pytest.param("a.avi", steady(50), VideoSpec(time_base=AVI, b_frames=2), id="avi-h264-b"),
    pytest.param("a.ts", varying(50), VideoSpec(b_frames=2), id="mpegts"),
    pytest.param(
        "a.mpg", steady(50), VideoSpec(codec="mpeg2video", time_base=AVI, b_frames=2), id="mpg"
    ),
    pytest.param(
        "a.mkv",
        varying(50),
        VideoSpec(b_frames=2, container_options={"live": "1"}),
        id="mkv-without-duration",
    ),
    pytest.param(
        "a.mp4",
        varying(50),
        VideoSpec(b_frames=2, container_options={"movflags": "frag_keyframe+empty_moov"}),
        id="mp4-fragmented",
    ),
    pytest.param("a.h264", steady(50), VideoSpec(b_frames=2), id="raw-h264-without-timestamps"),
    pytest.param("a.mp4", varying(50), VideoSpec(b_frames=2, open_gop=True), id="open-gop"),
]


def read(path: Path, fps: float | None = None, max_side: int = 1280) -> list[SourceFrame]:
    with FileSource(path, fps=fps, max_side=max_side) as source:
        return list(source.frames())


def numbers(frames: list[SourceFrame]) -> list[int]:
    return [number_of(frame.luma, frame.width, frame.height) for frame in frames]


def times(frames: list[SourceFrame]) -> list[int]:
    return [frame.media_time_us for frame in frames]


def is_close_to(expected: list[int]) -> object:
    """Return a value equal to times within half a millisecond, as some containers store."""
    return pytest.approx(expected, abs=500)


@pytest.mark.parametrize(("name", "times_us", "spec"), HEALTHY)
def test_every_frame_is_yielded_once_in_order_at_its_time(
    tmp_path: Path, name: str, times_us: list[int], spec: VideoSpec
) -> None:
    write(tmp_path / name, times_us, spec)

    with FileSource(tmp_path / name, fps=None, max_side=1280) as source:
        frames = list(source.frames())
        totals = source.totals

    assert numbers(frames) == list(range(len(times_us)))
    assert [frame.frame_index for frame in frames] == list(range(len(times_us)))
    assert times(frames) == is_close_to(times_us)
    assert [frame.counters.captured for frame in frames] == list(range(1, len(times_us) + 1))
    assert totals.frames_total == len(times_us)
    assert totals.counters == Counters(captured=len(times_us))
    assert totals.error == ""


@pytest.mark.parametrize("name", ["late.mp4", "late.mkv", "late.ts"])
def test_a_stream_that_starts_late_in_its_container_starts_at_zero(
    tmp_path: Path, name: str
) -> None:
    write(tmp_path / name, [t + 3_000_000 for t in varying(20)], VideoSpec(b_frames=2))

    assert times(read(tmp_path / name)) == is_close_to(varying(20))


@pytest.mark.parametrize("b_frames", [0, 2])
def test_frames_that_an_edit_list_trims_are_not_yielded(tmp_path: Path, b_frames: int) -> None:
    # The MP4 muxer writes an edit list that trims everything before timestamp 0.
    write(tmp_path / "a.mp4", [t - 200_000 for t in steady(30)], VideoSpec(b_frames=b_frames))

    frames = read(tmp_path / "a.mp4")

    assert numbers(frames) == list(range(5, 30))
    assert [frame.frame_index for frame in frames] == list(range(25))
    assert times(frames) == steady(25)


@pytest.mark.parametrize(
    ("name", "spec", "spoiled"),
    [
        ("a.mp4", VideoSpec(gop=1), 20),
        ("a.mkv", VideoSpec(gop=1), 20),
        ("a.mov", VideoSpec(gop=1), 20),
        ("a.avi", VideoSpec(codec="mpeg4", time_base=AVI, gop=1), 20),
        ("a.webm", VideoSpec(codec="libvpx-vp9", gop=1), 20),
        ("a.mp4", VideoSpec(codec="mpeg4", time_base=AVI, gop=1), 0),
        ("a.avi", VideoSpec(codec="mpeg4", time_base=AVI, gop=1), 0),
    ],
)
def test_a_corrupt_packet_is_skipped_and_counted_and_the_rest_decodes(
    tmp_path: Path, name: str, spec: VideoSpec, spoiled: int
) -> None:
    packets = write(tmp_path / name, steady(30), spec)
    spoil_packet(tmp_path / name, packets[spoiled])

    with FileSource(tmp_path / name, fps=None, max_side=1280) as source:
        frames = list(source.frames())
        totals = source.totals

    kept = [number for number in range(30) if number != spoiled]
    assert numbers(frames) == kept
    assert times(frames) == is_close_to([steady(30)[number] for number in kept])
    assert totals.frames_total == 29
    assert totals.counters == Counters(30, 0, {"corrupt": 1})
    assert totals.error == ""
    assert frames[0].counters.dropped == ({} if spoiled else {"corrupt": 1})
    assert frames[-1].counters.dropped == {"corrupt": 1}


def test_sampling_yields_the_first_frame_at_or_after_each_grid_point(tmp_path: Path) -> None:
    write(tmp_path / "a.mkv", varying(50), VideoSpec(b_frames=2))

    frames = read(tmp_path / "a.mkv", fps=5)

    grid = range(0, varying(50)[-1] + 1, 200_000)
    expected = [next(i for i, t in enumerate(varying(50)) if t >= point) for point in grid]
    assert [frame.frame_index for frame in frames] == expected
    assert numbers(frames) == expected
    last = frames[-1].counters
    assert last.captured == frames[-1].frame_index + 1
    assert last.sampled_out == last.captured - len(frames)


@pytest.mark.parametrize("fps", [30, 1000])
def test_sampling_at_the_frame_rate_or_above_yields_every_frame(tmp_path: Path, fps: float) -> None:
    write(tmp_path / "a.mkv", steady(60, 30), VideoSpec(rate=30))

    assert numbers(read(tmp_path / "a.mkv", fps=fps)) == list(range(60))


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_frames_are_turned_upright(tmp_path: Path, rotation: int) -> None:
    write(tmp_path / "a.mp4", steady(20), VideoSpec(rotation=rotation))

    with FileSource(tmp_path / "a.mp4", fps=None, max_side=1280) as source:
        frames = list(source.frames())

    shown = (128, 96) if rotation == 180 else (96, 128)
    assert numbers(frames) == list(range(20))
    assert (frames[0].width, frames[0].height) == shown
    assert (source.info.display_width, source.info.display_height) == shown
    assert source.info.rotation == 360 - rotation


def test_non_square_pixels_are_stretched(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", steady(20), VideoSpec(aspect=Fraction(4, 3)))

    with FileSource(tmp_path / "a.mp4", fps=None, max_side=1280) as source:
        frames = list(source.frames())

    assert (source.info.display_width, source.info.display_height) == (171, 96)
    assert (frames[0].width, frames[0].height) == (171, 96)
    assert numbers(frames) == list(range(20))


def test_large_frames_are_scaled_down_and_keep_their_display_size(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", steady(10), VideoSpec(size=(642, 362)))

    with FileSource(tmp_path / "a.mp4", fps=None, max_side=200) as source:
        frames = list(source.frames())

    assert (frames[0].width, frames[0].height) == (200, 113)
    assert (source.info.display_width, source.info.display_height) == (642, 362)
    assert numbers(frames) == list(range(10))


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("a.mp4", VideoSpec()),
        ("a.mp4", VideoSpec(pix_fmt="yuv420p10le")),
        ("a.mp4", VideoSpec(pix_fmt="yuv444p")),
        ("a.mkv", VideoSpec(codec="ffv1", pix_fmt="bgr0")),
        ("a.mov", VideoSpec(codec="mjpeg", pix_fmt="yuvj420p")),
        ("a.gif", VideoSpec(codec="gif", pix_fmt="rgb8", time_base=Fraction(1, 100))),
    ],
)
def test_luma_uses_the_full_range_whatever_the_pixel_format(
    tmp_path: Path, name: str, spec: VideoSpec
) -> None:
    def shades(number: int, size: tuple[int, int]) -> np.ndarray:
        return np.repeat(np.repeat(np.uint8([[0, 255]]), size[1], axis=0), size[0] // 2, axis=1)

    spec = VideoSpec(**{**vars(spec), "picture": shades})
    write(tmp_path / name, steady(3), spec)

    frame = read(tmp_path / name)[0]

    picture = np.frombuffer(frame.luma, np.uint8).reshape(frame.height, frame.width)
    assert picture[:, :50].max() <= 3
    assert picture[:, -50:].min() >= 252


def test_a_change_of_resolution_changes_frames_but_not_the_display_size(
    tmp_path: Path,
) -> None:
    write(tmp_path / "small.h264", steady(10), VideoSpec())
    write(tmp_path / "large.h264", steady(10), VideoSpec(size=(256, 192)))
    joined = tmp_path / "joined.h264"
    joined.write_bytes(
        (tmp_path / "small.h264").read_bytes() + (tmp_path / "large.h264").read_bytes()
    )

    with FileSource(joined, fps=None, max_side=1280) as source:
        frames = list(source.frames())

    assert numbers(frames) == [*range(10), *range(10)]
    assert [frame.width for frame in frames] == [128] * 10 + [256] * 10
    assert (source.info.display_width, source.info.display_height) == (128, 96)


def test_media_time_continues_when_timestamps_restart(tmp_path: Path) -> None:
    write(tmp_path / "one.ts", [t + 60_000_000 for t in steady(10)])
    write(tmp_path / "two.ts", steady(10))
    joined = tmp_path / "joined.ts"
    joined.write_bytes((tmp_path / "one.ts").read_bytes() + (tmp_path / "two.ts").read_bytes())

    frames = read(joined)

    assert numbers(frames) == [*range(10), *range(10)]
    steps = {b - a for a, b in itertools.pairwise(times(frames))}
    assert steps == {40_000}


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tif"])
def test_an_image_is_one_frame_at_time_zero(tmp_path: Path, suffix: str) -> None:
    cv2 = pytest.importorskip("runtime.decoding.opencv").cv2
    path = tmp_path / f"still %03d.{suffix}"  # FFmpeg could take this name for a pattern.
    assert cv2.imwrite(str(path), numbered_picture(1234))

    frames = read(path)

    assert numbers(frames) == [1234]
    assert times(frames) == [0]


def test_totals_are_known_after_the_last_frame(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", steady(3))
    with FileSource(tmp_path / "a.mp4", fps=None, max_side=1280) as source:
        frames = source.frames()
        next(frames)
        with pytest.raises(RuntimeError):
            _ = source.totals
        list(frames)
        assert source.totals.frames_total == 3


def test_info_comes_from_the_header(tmp_path: Path) -> None:
    spec = VideoSpec(metadata={"creation_time": "2024-05-06T07:08:09Z"})
    write(tmp_path / "a.mp4", steady(50), spec)

    with FileSource(tmp_path / "a.mp4", fps=None, max_side=1280) as source:
        info = source.info

    assert info.duration_us == 2_000_000
    assert info.frames_claimed == 50
    assert info.creation_time is not None
    assert info.creation_time.isoformat() == "2024-05-06T07:08:09+00:00"
    assert info.codec == "h264"
