"""A recording's frames stand for all of its time, at any rate and sampling, but not for gaps."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dwell import Dwell
from ingest.files.source import FileSource
from ingest.frame_source import SourceFrame
from tests.media import VideoSpec, write_video

NTSC = Fraction(30_000, 1001)
FILM = Fraction(24_000, 1001)


def times(count: int, rate: Fraction) -> list[int]:
    return [round(1_000_000 * number / rate) for number in range(count)]


def read(path: Path, fps: float | None) -> list[SourceFrame]:
    with FileSource(path, fps=fps, max_side=1280) as source:
        return list(source.frames())


def seconds(frames: list[SourceFrame]) -> float:
    return sum(frame.dwell_us for frame in frames) / 1_000_000


def reach_each_other(frames: list[SourceFrame]) -> bool:
    ends = [frame.media_time_us + frame.dwell_us for frame in frames]
    return ends[:-1] == [frame.media_time_us for frame in frames[1:]]


@pytest.mark.parametrize("fps", [None, 7, 1, 0.9, 0.5, 0.2, 0.03])
@pytest.mark.parametrize(
    ("rate", "count"), [(Fraction(25), 150), (NTSC, 180), (FILM, 144), (Fraction(60), 360)]
)
def test_the_dwells_are_as_long_as_the_recording(
    tmp_path: Path, rate: Fraction, count: int, fps: float | None
) -> None:
    write_video(tmp_path / "a.mp4", times(count, rate), VideoSpec(rate=round(rate)))
    frames = read(tmp_path / "a.mp4", fps)
    assert seconds(frames) == pytest.approx(float(count / rate), abs=0.0001)
    assert reach_each_other(frames)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts"])
@pytest.mark.parametrize("fps", [None, 5.0])
def test_a_slow_recording_counts_whole(tmp_path: Path, name: str, fps: float | None) -> None:
    """Given a picture every five seconds, then no time between two of them is a gap."""
    spec = VideoSpec(
        codec="mpeg4" if name == "a.avi" else "libx264",
        gop=1 if name == "a.avi" else 8,
        rate=Fraction(1, 5),
        time_base=Fraction(5) if name in {"a.avi", "a.ts"} else Fraction(1, 1000),
    )
    write_video(tmp_path / name, [5_000_000 * number for number in range(12)], spec)
    assert seconds(read(tmp_path / name, fps)) == pytest.approx(60)


@pytest.mark.parametrize(("fps", "analyzed_s"), [(None, 9.0), (2, 9.0), (0.2, 9.0), (0.01, 9.0)])
def test_a_gap_is_not_analysed_time(tmp_path: Path, fps: float | None, analyzed_s: float) -> None:
    """Given 4 s, a pause of 100 s and 4 s, then the last frame before it stands for one second."""
    steady = times(200, Fraction(25))
    paused = [at if number < 100 else at + 100_000_000 for number, at in enumerate(steady)]
    write_video(tmp_path / "a.mp4", paused)
    frames = read(tmp_path / "a.mp4", fps)
    assert seconds(frames) == pytest.approx(analyzed_s - 0.04)


def test_frames_of_varying_distance_count_whole(tmp_path: Path) -> None:
    gaps = [33, 40, 41, 120, 900, 17, 500, 33, 250, 1000] * 3
    at, moments = 0, [0]
    for gap in gaps:
        at += gap * 1000
        moments.append(at)
    write_video(tmp_path / "a.mkv", moments)
    for fps in (None, 3, 0.7):
        frames = read(tmp_path / "a.mkv", fps)
        assert reach_each_other(frames)
        assert seconds(frames) == pytest.approx(at / 1e6 + 0.04, abs=0.002)


def test_a_picture_stands_for_no_time(tmp_path: Path) -> None:
    write_video(tmp_path / "a.png", [0], VideoSpec(codec="png", format="image2", pix_fmt="rgb24"))
    write_video(tmp_path / "a.mp4", [0])
    assert [seconds(read(tmp_path / name, None)) for name in ("a.png", "a.mp4")] == [0, 0]


def test_frames_and_dwells_do_not_depend_on_where_reading_begins(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", times(80, NTSC), VideoSpec(b_frames=2))
    with FileSource(tmp_path / "a.mp4", fps=3.0, max_side=1280) as source:
        whole = list(source.frames())
        cursors = [(place, frame.cursor) for place, frame in enumerate(whole) if frame.cursor]
        assert len(cursors) > 3
        for place, cursor in cursors:
            assert list(source.frames(cursor)) == whole[place:]


@given(
    st.lists(st.integers(0, 30_000_000), min_size=1, max_size=60),
    st.fractions(Fraction(1000), Fraction(20_000_000)),
)
def test_dwells_and_gaps_add_up_to_the_duration(gaps: list[int], pace_us: Fraction) -> None:
    dwell, left_out = Dwell(pace_us, 0), 0
    longest_us = max(1_000_000, round(1.5 * float(pace_us)) + 1)
    for gap in gaps:
        before = dwell.us
        dwell.note(dwell.reached_us + gap)
        assert dwell.us - before <= longest_us
        assert gap > 1_000_000 or dwell.us - before == gap
        left_out += gap - (dwell.us - before)
    assert dwell.us + left_out == sum(gaps)
