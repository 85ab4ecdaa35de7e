"""The table of reports on recordings and pictures."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from runtime.decoding.opencv import cv2
from tests.heif import TILE, box, tiled_avif
from tests.media import VideoSpec, spoil_packet, steady, varying, write_video


@dataclass(frozen=True)
class Expected:
    """The result of reading. size: of the recording. error: a part of it. numbers: of the pictures.

    length_us: as measured.
    """

    frames: int
    dropped: dict[str, int] = field(default_factory=dict)
    times_us: list[int] | None = None
    size: tuple[int, int] | None = None
    error: str = ""
    numbers: list[int] | None = None
    length_us: int | None = None


@dataclass(frozen=True)
class Report:
    """A public report. write: writes the input into a folder and returns it."""

    name: str
    symptom: str
    write: Callable[[Path], Path]
    expected: Expected


def _video(name: str, times_us: list[int], spec: VideoSpec) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        write_video(folder / name, times_us, spec)
        return folder / name

    return write


def _spoiled(name: str, spec: VideoSpec, *numbers: int) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        packets = write_video(folder / name, steady(60), spec)
        for number in numbers:
            spoil_packet(folder / name, packets[number])
        return folder / name

    return write


def _joined(*specs: VideoSpec) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        for number, spec in enumerate(specs):
            write_video(folder / f"{number}.ts", steady(30), spec)
        parts = [(folder / f"{number}.ts").read_bytes() for number in range(len(specs))]
        (folder / "joined.ts").write_bytes(b"".join(parts))
        return folder / "joined.ts"

    return write


def _photo(*turns: bytes, cropped: int = 0, lost: int | None = None) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        rows, columns = np.mgrid[0 : 2 * TILE[1], 0 : 3 * TILE[0]]
        picture = ((rows + columns) % 200 + 20).astype(np.uint8)
        (folder / "IMG_0001.avif").write_bytes(
            tiled_avif(picture, turns=turns, cropped=cropped, lost=lost)
        )
        return folder / "IMG_0001.avif"

    return write


def _cut(name: str, share: float) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        noise = np.random.default_rng(1).integers(0, 255, (240, 320), np.uint8)
        data = cv2.imencode(Path(name).suffix, noise)[1].tobytes()
        (folder / name).write_bytes(data[: int(len(data) * share)])
        return folder / name

    return write


def _cut_video(folder: Path) -> Path:
    write_video(folder / "a.mp4", steady(60), VideoSpec())
    content = (folder / "a.mp4").read_bytes()
    (folder / "a.mp4").write_bytes(content[: len(content) // 2])
    return folder / "a.mp4"


def _with_zeros(*, at_end: bool) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        write_video(folder / "a.ts", steady(30), VideoSpec())
        content, zeros = (folder / "a.ts").read_bytes(), bytes(188 * 700)
        joined = content + content + zeros if at_end else content + zeros + content
        (folder / "a.ts").write_bytes(joined)
        return folder / "a.ts"

    return write


def _cut_stream(folder: Path) -> Path:
    write_video(folder / "a.ts", steady(60), VideoSpec(gop=1))
    content = (folder / "a.ts").read_bytes()
    (folder / "a.ts").write_bytes(content[: len(content) // 2])
    return folder / "a.ts"


_GOP_20: Final = VideoSpec(gop=20)
_TURNED: Final = (128, 192)

REPORTS: Final = [
    Report(
        "bluecherrydvr/bluecherry-client#40",
        "a lost packet smears the picture up to the next key frame",
        _spoiled("a.mp4", _GOP_20, 30),
        Expected(50, {"corrupt": 10}),
    ),
    Report(
        "PyAV-Org/PyAV#185",
        "damaged frames are left out without a word",
        _spoiled("a.mkv", replace(_GOP_20, gop=1), 10, 30, 50),
        Expected(57, {"corrupt": 3}),
    ),
    Report(
        "FFMS/ffms2#137",
        "grey frames after an I-frame that is no entry point (open GOP)",
        _video("a.mkv", steady(60), replace(_GOP_20, b_frames=2, open_gop=True)),
        Expected(60),
    ),
    Report(
        "Kinovea/Kinovea#154",
        "a phone's variable frame rate: frames are missing and times drift",
        _video("a.mov", varying(60), VideoSpec(b_frames=2)),
        Expected(60, times_us=varying(60)),
    ),
    Report(
        "opencv/opencv#12112",
        "times of a variable frame rate are those of a constant one",
        _video("a.mkv", varying(60), VideoSpec()),
        Expected(60, times_us=varying(60)),
    ),
    Report(
        "opencv/opencv#16821",
        "the number of frames depends on the machine",
        _video("a.mp4", steady(72), VideoSpec(b_frames=3)),
        Expected(72),
    ),
    Report(
        "IntelligentSensingAndRehabilitation/PosePipeline#59",
        "the header's number of frames is wrong after trimming",
        _video("a.mp4", [time - 400_000 for time in steady(60)], VideoSpec(b_frames=2)),
        Expected(50),
    ),
    Report(
        "block/buzz#7666",
        "an iPhone's photo comes as its first tile of 512x512",
        _photo(box(b"irot", b"\3")),
        Expected(1, size=_TURNED),
    ),
    Report(
        "gtsteffaniak/filebrowser#2940",
        "a tile grid becomes one tile, without an error",
        _photo(cropped=5),
        Expected(1, size=(3 * TILE[0] - 5, 2 * TILE[1] - 5)),
    ),
    Report(
        "nokiatech/heif#9",
        "one tile of a photo is corrupt",
        _photo(lost=3),
        Expected(0, {"corrupt": 1}, error="is damaged"),
    ),
    Report(
        "deufrai/als#18",
        "a picture is read before it is written to its end",
        _cut("a.jpg", 0.3),
        Expected(0, error="is damaged"),
    ),
    Report(
        "HaveAGitGat/HBBatchBeast#65",
        "a video that is still copied is taken for a short one",
        _cut_video,
        Expected(0, error="is cut off"),
    ),
    Report(
        "moodline, codec change",
        "a recorder changes from H.264 to HEVC: half of the frames are lost",
        _joined(VideoSpec(), VideoSpec(codec="libx265")),
        Expected(60),
    ),
    Report(
        "moodline, joined recordings",
        "joined recordings: another stream id, another codec, another size",
        _joined(
            VideoSpec(),
            VideoSpec(container_options={"mpegts_start_pid": "0x200"}),
            VideoSpec(codec="mpeg2video", time_base=Fraction(1, 25)),
            VideoSpec(size=(256, 192)),
        ),
        Expected(120),
    ),
    Report(
        "opencv/opencv#27116",
        "the picture gets narrower in the middle of a stream: a green stripe beside it",
        _joined(VideoSpec(size=(192, 96)), VideoSpec(size=(144, 96))),
        Expected(60, numbers=[*range(30)] * 2),
    ),
    Report(
        "raspberrypi/firmware#258",
        "a new SPS with another resolution corrupts all that follows",
        _joined(VideoSpec(b_frames=2), VideoSpec(b_frames=2, size=(320, 240))),
        Expected(60, numbers=[*range(30)] * 2),
    ),
    Report(
        "ispysoftware/iSpy#151",
        "moov atom not found",
        _cut_video,
        Expected(0, error="is cut off before its index"),
    ),
    Report(
        "almalence/OpenCamera#107",
        "of a transport stream that breaks off, everything before is playable",
        _cut_stream,
        Expected(29, {"corrupt": 1}, numbers=[*range(29)]),
    ),
    Report(
        "moodline, reserved space",
        "the recorder was switched off: the file ends with zeros",
        _with_zeros(at_end=True),
        Expected(60),
    ),
    Report(
        "moodline, unreadable sectors",
        "zeros in the middle of a transport stream end it",
        _with_zeros(at_end=False),
        Expected(60),
    ),
]
