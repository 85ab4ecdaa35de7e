"""The table of reports on the times, lengths and shapes of recordings."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from tests.media import VideoSpec, steady, write_video
from tests.reports.recordings import Expected, Report

_TS_BYTES: Final = 188
_WRAP: Final = 2**33
_TICKS_A_SECOND: Final = 90_000


def _written(name: str, spec: VideoSpec, times_us: Sequence[int] = ()) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        write_video(folder / name, times_us or steady(60), spec)
        return folder / name

    return write


def _changed(
    name: str, spec: VideoSpec, change: Callable[[bytearray], object]
) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        write_video(folder / name, steady(60), spec)
        content = bytearray((folder / name).read_bytes())
        change(content)
        (folder / name).write_bytes(content)
        return folder / name

    return write


def _shift(frames: Sequence[int], seconds: int) -> Callable[[bytearray], object]:
    """Return a change that adds seconds to the times of these frames of a transport stream."""

    def change(content: bytearray) -> None:
        places = _begins_of_frames(content)
        for number in frames:
            stamps = content[places[number] + 7] >> 6  # 2: only PTS; 3: DTS too.
            for index in range(stamps - 1):
                begin = places[number] + 9 + 5 * index
                field = content[begin : begin + 5]
                moved = (_stamp(field) + seconds * _TICKS_A_SECOND) % _WRAP
                content[begin : begin + 5] = _stamp_field(field[0] >> 4, moved)

    return change


def _begins_of_frames(content: bytearray) -> list[int]:
    """Return the places of the PES headers of video in a transport stream."""
    places = []
    for at in range(0, len(content), _TS_BYTES):
        begins = content[at + 1] & 0x40
        payload = at + 4 + (1 + content[at + 4] if content[at + 3] & 0x20 else 0)
        if begins and content[payload : payload + 3] == b"\0\0\1":
            places.append(payload)
    return places


def _stamp(field: bytes) -> int:
    first, high, middle, low, last = field
    return (first >> 1 & 7) << 30 | high << 22 | middle >> 1 << 15 | low << 7 | last >> 1


def _stamp_field(mark: int, stamp: int) -> bytes:
    parts = (mark << 4 | stamp >> 30 << 1, stamp >> 22, stamp >> 15 << 1, stamp >> 7, stamp << 1)
    return bytes((part & 0xFF) | (index in (0, 2, 4)) for index, part in enumerate(parts))


def _claim_hours(content: bytearray) -> None:
    """Make the headers of an AVI claim 600,000 frames, which is over six hours."""
    for chunk, field in ((b"avih", 16), (b"strh", 32)):
        struct.pack_into("<I", content, content.index(chunk) + 8 + field, 600_000)


def _index_sizes(size: int) -> Callable[[bytearray], object]:
    def change(content: bytearray) -> None:
        index = content.index(b"idx1")
        (length,) = struct.unpack_from("<I", content, index + 4)
        for entry in range(index + 8, index + 8 + length, 16):
            struct.pack_into("<I", content, entry + 12, size)

    return change


def _no_delays(content: bytearray) -> None:
    place = 0
    while (place := content.find(b"\x21\xf9\x04", place)) >= 0:
        content[place + 4 : place + 6] = b"\0\0"
        place += 8


_TS: Final = VideoSpec()
_LATE: Final = VideoSpec(container_options={"output_ts_offset": "20000"})
_WRAPS: Final = VideoSpec(b_frames=2, container_options={"output_ts_offset": "95442.3"})
_AVI: Final = VideoSpec(codec="mjpeg", pix_fmt="yuvj420p", time_base=Fraction(1, 25))
_GIF: Final = VideoSpec(codec="gif", pix_fmt="rgb8", rate=10, time_base=Fraction(1, 100))
_RAW_30: Final = VideoSpec(format="h264", rate=30, time_base=Fraction(1, 30))
_WEBM: Final = VideoSpec(codec="libvpx-vp9", container_options={"live": "1"})
_STEADY: Final = Expected(
    60, times_us=steady(60), length_us=2_400_000, numbers=[*range(60)], size=(128, 96)
)

TIME_REPORTS: Final = [
    Report(
        "bluenviron/mediamtx#6255",
        "a DVR stamps a frame hours in the future: all frames after it are lost",
        _changed("a.ts", _TS, _shift([30, 45], 37_600)),
        _STEADY,
    ),
    Report(
        "bluenviron/mediamtx#6255, other channel",
        "a DVR stamps frames hours in the past",
        _changed("a.ts", _TS, _shift([20, 40, 41], -9_800)),
        _STEADY,
    ),
    Report(
        "OpenShot/libopenshot#565",
        "the first timestamp is garbage",
        _changed("a.ts", _TS, _shift([0], 9_800)),
        _STEADY,
    ),
    Report(
        "insight-platform/Savant#182",
        "timestamps begin again in the middle, as after a camera's restart",
        _changed("a.ts", _LATE, _shift(range(30, 60), -19_990)),
        _STEADY,
    ),
    Report(
        "tvheadend/tvheadend#2248",
        "the 33 bits of the timestamps wrap after 26.5 hours",
        _written("a.ts", _WRAPS),
        _STEADY,
    ),
    Report(
        "eluv-io/avpipe#198",
        "the timestamps wrap, which ends the conversion; here in a program stream",
        _written(
            "a.mpg",
            replace(_WRAPS, codec="mpeg2video", format="mpeg", time_base=Fraction(1, 25)),
        ),
        _STEADY,
    ),
    Report(
        "miroslavpejic85/mirotalksfu#221",
        "browsers write WebM without a duration",
        _written("a.webm", _WEBM),
        _STEADY,
    ),
    Report(
        "waveform80/picamera#500",
        "raw H.264 of 30 frames/s is played at 25: it is a fifth longer",
        _written("a.h264", _RAW_30, steady(60, 30)),
        replace(_STEADY, times_us=steady(60, 30), length_us=2_000_000),
    ),
    Report(
        "MediaArea/MediaInfoLib#2040",
        "raw H.264 has another duration and frame rate than its video",
        _written("a.h264", replace(_RAW_30, rate=15, time_base=Fraction(1, 15)), steady(60, 15)),
        replace(_STEADY, times_us=steady(60, 15), length_us=4_000_000),
    ),
    Report(
        "stashapp/stash#4576",
        "an AVI of minutes claims 101 hours",
        _changed("a.avi", _AVI, _claim_hours),
        _STEADY,
    ),
    Report(
        "HandBrake/HandBrake#439",
        "an AVI with sizes of 0 in its index makes readers hang",
        _changed("a.avi", _AVI, _index_sizes(0)),
        _STEADY,
    ),
    Report(
        "rerun-io/rerun#8029",
        "with B-frames and without an edit list, all times are late",
        _written("a.mp4", VideoSpec(b_frames=2, container_options={"use_editlist": "0"})),
        _STEADY,
    ),
    Report(
        "dotnet/runtime-assets#152",
        "a GIF without delays has no length: a division by zero",
        _changed("a.gif", _GIF, _no_delays),
        replace(_STEADY, times_us=steady(60, 10), length_us=6_000_000),
    ),
    Report(
        "Kruk2/jasna#125",
        "pixels that are not square come out squeezed",
        _written("a.mp4", VideoSpec(size=(180, 144), aspect=Fraction(16, 15))),
        replace(_STEADY, size=(192, 144)),
    ),
]
