"""Recordings whose codec, size or stream changes in the middle are read to their end."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from ingest.files.formats.transport_stream import ProgramPart, is_transport_stream
from ingest.files.source import FileSource
from tests.media import VideoSpec, number_of, steady, write_video

H264 = VideoSpec()
PACKET = 188


def joined(folder: Path, name: str, *specs: VideoSpec) -> Path:
    """Write the recordings one after the other into one file, as recorders and `cat` do."""
    parts = []
    for number, spec in enumerate(specs):
        part = folder / f"{number}.ts"
        write_video(part, steady(30), spec)
        parts.append(part.read_bytes())
    path = folder / name
    path.write_bytes(b"".join(parts))
    return path


def on_disc(content: bytes) -> bytes:
    """Return the transport stream as discs and camcorders store it, with times between packets."""
    packets = (content[at : at + PACKET] for at in range(0, len(content), PACKET))
    return b"".join(b"\0\0\0\0" + packet for packet in packets)


@pytest.mark.parametrize("stored", [bytes, on_disc])
@pytest.mark.parametrize(
    "second",
    [
        pytest.param(replace(H264, codec="libx265"), id="other-codec"),
        pytest.param(
            replace(H264, codec="mpeg2video", time_base=Fraction(1, 25)), id="older-codec"
        ),
        pytest.param(replace(H264, size=(256, 192)), id="other-size"),
        pytest.param(
            replace(H264, container_options={"mpegts_start_pid": "0x200"}), id="other-stream"
        ),
        pytest.param(
            replace(H264, container_options={"mpegts_service_id": "7"}), id="other-program"
        ),
    ],
)
def test_decoding_goes_on_after_a_change(
    tmp_path: Path, second: VideoSpec, stored: Callable[[bytes], bytes]
) -> None:
    path = joined(tmp_path, "a.m2ts", H264, second, H264)
    path.write_bytes(stored(path.read_bytes()))

    with FileSource(path, fps=None, max_side=640) as source:
        frames = list(source.frames())
        totals = source.totals

    assert [number_of(f.luma, f.width, f.height) for f in frames] == [*range(30)] * 3
    assert (totals.frames_total, totals.counters.dropped, totals.error) == (90, {}, "")
    times = [frame.media_time_us for frame in frames]
    assert all(after - before == 40_000 for before, after in pairwise(times))


def test_a_damaged_table_is_not_a_change(tmp_path: Path) -> None:
    path = joined(tmp_path, "a.ts", H264)
    content = bytearray(path.read_bytes())
    for at in range(0, len(content), PACKET):
        pid = int.from_bytes(content[at + 1 : at + 3], "big") & 0x1FFF
        if pid in {0, 0x1000} and at > len(content) // 2:
            content[at + 20] ^= 0x11
    path.write_bytes(content)

    with FileSource(path, fps=None, max_side=640) as source:
        assert len(list(source.frames())) == 30


def test_a_part_ends_where_the_next_tables_begin(tmp_path: Path) -> None:
    path = joined(tmp_path, "a.ts", H264, replace(H264, codec="libx265"))
    boundary = (tmp_path / "0.ts").stat().st_size

    part = ProgramPart(path)
    read = b"".join(iter(lambda: part.read(1000), b""))

    assert is_transport_stream(path)
    # The description of the service comes before the tables.
    assert boundary <= len(read) <= boundary + 2 * PACKET
    assert part.end == len(read)
    part.close()
    rest = ProgramPart(path, len(read))
    assert b"".join(iter(lambda: rest.read(1000), b"")) == path.read_bytes()[len(read) :]
    assert rest.end is None
    rest.close()


def test_other_files_are_not_transport_streams(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", steady(3))
    assert not is_transport_stream(tmp_path / "a.mp4")
