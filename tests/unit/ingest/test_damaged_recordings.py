"""Damage in recordings: the frames in which it can show are dropped, and all add up."""

import random
from pathlib import Path

import av
import pytest

from ingest.files.source import FileSource
from ingest.frame_source import SourceFrame, SourceTotals
from ingest.live.opening import open_live
from ingest.reference_packets import is_reference
from tests.media import VideoSpec, spoil_packet, steady, write_video

GOP = 20


def read(
    path: Path, fps: float | None = None, cursor: str = ""
) -> tuple[list[SourceFrame], SourceTotals]:
    with FileSource(path, fps=fps, max_side=640) as source:
        return list(source.frames(cursor)), source.totals


def scratch(path: Path, packet: bytes) -> None:
    """Replace most of one packet by noise: it decodes, with errors."""
    content, payload = path.read_bytes(), packet[4:]
    assert content.count(payload) == 1
    begin = content.find(payload)
    noise = random.Random(len(payload)).randbytes(len(payload) * 2 // 3)
    path.write_bytes(
        content[: begin + len(payload) - len(noise)] + noise + content[begin + len(payload) :]
    )


def indexes(frames: list[SourceFrame]) -> list[int]:
    return [frame.frame_index for frame in frames]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_concealed_frame_and_what_is_predicted_from_it_are_dropped(
    tmp_path: Path, name: str
) -> None:
    packets = write_video(tmp_path / name, steady(60), VideoSpec(gop=GOP))
    if name == "a.ts":
        # Its packets are cut into pieces of 188 bytes.
        content = bytearray((tmp_path / name).read_bytes())
        place = content.find(packets[30][60:100])
        content[place : place + 40] = bytes(40)
        (tmp_path / name).write_bytes(content)
    else:
        scratch(tmp_path / name, packets[30])

    frames, totals = read(tmp_path / name)

    assert indexes(frames) == [*range(30), *range(40, 60)]
    counters = totals.counters
    assert counters.captured == 60 == len(frames) + counters.dropped["corrupt"]
    assert totals.frames_total == 60


def test_a_lost_packet_damages_the_frames_up_to_the_next_key_frame(tmp_path: Path) -> None:
    packets = write_video(tmp_path / "a.mp4", steady(60), VideoSpec(gop=GOP))
    spoil_packet(tmp_path / "a.mp4", packets[30])

    frames, totals = read(tmp_path / "a.mp4")

    # The frame index counts the frames that decode: 59 of 60.
    assert indexes(frames) == [*range(30), *range(39, 59)]
    assert totals.counters.captured == 60
    assert totals.counters.dropped == {"corrupt": 10}
    assert totals.frames_total == 59


def test_damage_in_a_frame_that_no_other_refers_to_does_not_spread(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    packets = write_video(path, steady(60), VideoSpec(gop=GOP, b_frames=2))
    with av.open(str(path)) as container:
        unreferenced = [
            round(packet.pts * packet.time_base * 25)
            for packet in container.demux(video=0)
            if packet.size and packet.pts is not None and not is_reference(packet)
        ]
    damaged = unreferenced[len(unreferenced) // 2]
    scratch(path, packets[damaged])

    frames, totals = read(path)

    assert indexes(frames) == [index for index in range(60) if index != damaged]
    assert totals.counters.dropped == {"corrupt": 1}


def test_a_cursor_after_damage_yields_the_same_frames_and_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    packets = write_video(path, steady(100), VideoSpec(gop=GOP))
    scratch(path, packets[30])
    scratch(path, packets[70])
    whole, totals = read(path, 10.0)
    counters = totals.counters
    assert counters.captured == len(whole) + counters.sampled_out + counters.dropped["corrupt"]

    carriers = [index for index, frame in enumerate(whole) if frame.cursor]
    assert len(carriers) == 5
    for index in carriers:
        assert read(path, 10.0, whole[index].cursor) == (whole[index:], totals)


def test_a_live_source_drops_the_same_frames_as_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    packets = write_video(path, steady(60), VideoSpec(gop=GOP, b_frames=2))
    for number in (6, 28):
        scratch(path, packets[number])
    spoil_packet(path, packets[49])
    frames, totals = read(path)

    live = open_live(str(path))
    times_us = [round((frame.media_s or 0.0) * 1e6) for frame in live.frames()]
    live.close()

    assert times_us == [frame.media_time_us for frame in frames]
    assert live.corrupt == totals.counters.dropped["corrupt"]


def test_without_key_frames_the_picture_is_trusted_again_after_ten_seconds(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    packets = write_video(path, steady(150, 10), VideoSpec(gop=1000, rate=10))
    scratch(path, packets[10])

    frames, _ = read(path)

    assert indexes(frames) == [*range(10), *range(110, 150)]


def test_a_run_of_an_earlier_version_still_reads_damaged_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    packets = write_video(path, steady(60), VideoSpec(gop=GOP))
    scratch(path, packets[30])

    with FileSource(path, fps=None, max_side=640, keeps_damaged=True) as source:
        assert indexes(list(source.frames())) == [*range(60)]


def test_a_recording_without_a_whole_frame_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    packets = write_video(path, steady(10), VideoSpec(gop=1000))
    scratch(path, packets[0][-4000:])

    frames, totals = read(path)

    assert frames == []
    assert "is damaged" in totals.error
