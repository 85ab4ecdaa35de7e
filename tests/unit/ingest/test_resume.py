"""Resuming: reading from any cursor yields the same frames as reading from the start."""

import json
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from ingest.files.source import FileSource
from ingest.frame_source import SourceFrame, SourceTotals
from tests.media import VideoSpec, spoil_packet, steady, varying, write_video

AVI = Fraction(1, 25)

SOURCES = [
    pytest.param("a.mp4", varying(60), VideoSpec(b_frames=2), id="mp4-closed-gop"),
    pytest.param("a.mp4", varying(60), VideoSpec(b_frames=2, open_gop=True), id="mp4-open-gop"),
    pytest.param("a.mp4", steady(60), VideoSpec(b_frames=3, gop=2), id="mp4-tiny-gop"),
    pytest.param(
        "a.mp4", [t - 200_000 for t in steady(60)], VideoSpec(b_frames=2), id="mp4-edit-list"
    ),
    pytest.param(
        "a.mp4",
        varying(60),
        VideoSpec(b_frames=2, container_options={"movflags": "frag_keyframe+empty_moov"}),
        id="mp4-fragmented",
    ),
    pytest.param("a.mkv", varying(60), VideoSpec(b_frames=2, open_gop=True), id="mkv-open-gop"),
    pytest.param(
        "a.mkv", varying(60), VideoSpec(b_frames=2, container_options={"live": "1"}), id="mkv-live"
    ),
    pytest.param("a.avi", steady(60), VideoSpec(codec="mpeg4", time_base=AVI), id="avi"),
    pytest.param("a.webm", varying(60), VideoSpec(codec="libvpx-vp9"), id="webm-vp9"),
]


def read(path: Path, fps: float | None, cursor: str = "") -> tuple[list[SourceFrame], SourceTotals]:
    with FileSource(path, fps=fps, max_side=1280) as source:
        return list(source.frames(cursor)), source.totals


@pytest.mark.parametrize("fps", [None, 6.0])
@pytest.mark.parametrize(("name", "times_us", "spec"), SOURCES)
def test_reading_from_a_cursor_begins_with_the_frame_that_carried_it(
    tmp_path: Path, name: str, times_us: list[int], spec: VideoSpec, fps: float | None
) -> None:
    write_video(tmp_path / name, times_us, spec)
    whole, totals = read(tmp_path / name, fps)
    carriers = [index for index, frame in enumerate(whole) if frame.cursor]
    assert len(carriers) >= 3

    for index in carriers:
        resumed, resumed_totals = read(tmp_path / name, fps, whole[index].cursor)
        assert resumed == whole[index:]
        assert resumed_totals == totals


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
@pytest.mark.parametrize("spoiled", [(5,), (19, 20, 30), (16,), (8, 25)])
def test_the_count_of_corrupt_packets_does_not_depend_on_the_cursor(
    tmp_path: Path, name: str, spoiled: tuple[int, ...]
) -> None:
    packets = write_video(
        tmp_path / name, steady(60), VideoSpec(codec="mpeg4", time_base=AVI, b_frames=2, gop=4)
    )
    for number in spoiled:
        spoil_packet(tmp_path / name, packets[number])
    whole, totals = read(tmp_path / name, None)
    assert totals.counters.dropped["corrupt"] >= 1

    for index, frame in enumerate(whole):
        if frame.cursor:
            resumed, resumed_totals = read(tmp_path / name, None, frame.cursor)
            assert resumed == whole[index:]
            assert resumed_totals == totals


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3))])
@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("a.mp4", VideoSpec(b_frames=2)),
        ("a.mkv", VideoSpec(b_frames=2, open_gop=True)),
        ("a.avi", VideoSpec(codec="mpeg4", time_base=AVI)),
    ],
)
def test_concealed_damage_does_not_depend_on_the_cursor(
    tmp_path: Path, name: str, spec: VideoSpec, seed: int
) -> None:
    packets = write_video(tmp_path / name, steady(40), spec)
    content = bytearray((tmp_path / name).read_bytes())
    chance = random.Random(seed)
    for packet in chance.sample(packets[1:], 3):
        place = content.find(packet[-40:])
        content[place + chance.randrange(40)] ^= 0x55
    (tmp_path / name).write_bytes(content)
    whole, totals = read(tmp_path / name, None)

    for index, frame in enumerate(whole):
        if frame.cursor:
            assert read(tmp_path / name, None, frame.cursor) == (whole[index:], totals)


def test_resuming_does_not_decode_the_file_from_its_start(tmp_path: Path) -> None:
    packets = write_video(tmp_path / "a.mp4", steady(60), VideoSpec(b_frames=2))
    whole, _ = read(tmp_path / "a.mp4", None)
    carrier = next(frame for frame in whole if frame.cursor and frame.frame_index > 30)

    # Nothing before the cursor's key frame is read, so it can be missing.
    for packet in packets[3:8]:
        spoil_packet(tmp_path / "a.mp4", packet)
    resumed, totals = read(tmp_path / "a.mp4", None, carrier.cursor)

    assert resumed == whole[carrier.frame_index :]
    assert totals.counters.dropped == {}


@pytest.mark.parametrize("change", [{"stamp": 1}, {"pos": 1}, {"stamp": 10**15}, {"stamp": -5}])
def test_if_the_key_frame_is_not_found_the_file_is_decoded_from_the_start(
    tmp_path: Path, change: dict[str, int]
) -> None:
    write_video(tmp_path / "a.mp4", steady(60), VideoSpec(b_frames=2))
    whole, totals = read(tmp_path / "a.mp4", None)
    carrier = next(frame for frame in whole if frame.cursor and frame.frame_index > 30)
    wrong = json.dumps(json.loads(carrier.cursor) | change)

    assert read(tmp_path / "a.mp4", None, wrong) == (whole[carrier.frame_index :], totals)


@pytest.mark.parametrize("cursor", ["nonsense", "{}", "[1]", '{"frame_index": "x"}', "null"])
def test_an_invalid_cursor_means_the_start(tmp_path: Path, cursor: str) -> None:
    write_video(tmp_path / "a.mp4", steady(20), VideoSpec())

    assert read(tmp_path / "a.mp4", None, cursor) == read(tmp_path / "a.mp4", None)


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("a.ts", VideoSpec(b_frames=2)),
        ("a.avi", VideoSpec(time_base=AVI, b_frames=2)),
        ("a.avi", VideoSpec(codec="mpeg4", time_base=AVI, b_frames=2)),
        ("a.h264", VideoSpec()),
    ],
)
def test_containers_without_reliable_timestamps_yield_no_cursor(
    tmp_path: Path, name: str, spec: VideoSpec
) -> None:
    write_video(tmp_path / name, steady(40), spec)

    frames, _ = read(tmp_path / name, None)

    assert {frame.cursor for frame in frames} == {""}


def test_a_source_can_be_read_again_after_it_was_left_in_the_middle(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mkv", steady(40), VideoSpec(b_frames=2))
    with FileSource(tmp_path / "a.mkv", fps=None, max_side=1280) as source:
        left = source.frames()
        first = [next(left), next(left)]
        again = list(source.frames())

    assert again[:2] == first
    assert len(again) == 40
    assert replace(again[0], luma=b"") == replace(first[0], luma=b"")
