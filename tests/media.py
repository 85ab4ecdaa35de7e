"""Recordings written by the tests, with known times and pictures that encode their number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

_COLUMNS, _ROWS = 4, 3
_MOST_KEPT = 4_000_000
"""Files up to this size are kept, bytes."""
SIZE = (128, 96)


def numbered_picture(number: int, size: tuple[int, int] = SIZE) -> Picture:
    """Return a grey picture, shaped (rows, columns); twelve blocks encode the bits of `number`.

    A faint texture, different for each number, makes all packets large and distinct.
    """
    width, height = size
    rows = np.arange(height)[:, None] * _ROWS // height
    columns = np.arange(width)[None, :] * _COLUMNS // width
    bits = (number >> (rows * _COLUMNS + columns)) & 1
    texture = np.random.default_rng(number).integers(0, 24, (height, width))
    return (40 + 160 * bits + texture).astype(np.uint8)


def number_of(luma: bytes, width: int, height: int) -> int:
    """Return the number encoded in a picture, read from the middle of its blocks."""
    picture = np.frombuffer(luma, np.uint8).reshape(height, width)
    number = 0
    for bit in range(_COLUMNS * _ROWS):
        row, column = divmod(bit, _COLUMNS)
        block = picture[
            height * (4 * row + 1) // (4 * _ROWS) : height * (4 * row + 3) // (4 * _ROWS),
            width * (4 * column + 1) // (4 * _COLUMNS) : width * (4 * column + 3) // (4 * _COLUMNS),
        ]
        number |= int(block.mean() > 128) << bit
    return number


@dataclass(frozen=True)
class VideoSpec:
    """Encoding and muxing of a recording. rotation: degrees counter-clockwise."""

    codec: str = "libx264"
    format: str | None = None
    b_frames: int = 0
    gop: int = 8
    size: tuple[int, int] = SIZE
    time_base: Fraction = Fraction(1, 90000)
    rate: int = 25
    rotation: int = 0
    aspect: Fraction | None = None
    pix_fmt: str = "yuv420p"
    open_gop: bool = False
    codec_options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    picture: Callable[[int, tuple[int, int]], Picture] = numbered_picture

    def encoder_options(self) -> dict[str, str]:
        """Options that make the encoder deterministic."""
        if self.codec == "libx264":
            parameters = (
                f"keyint={self.gop}:min-keyint={self.gop}:scenecut=0:b-adapt=0:b-pyramid=none"
                f":bframes={self.b_frames}:open-gop={int(self.open_gop)}:threads=1"
            )
            return {"preset": "veryfast", "crf": "12", "x264-params": parameters}
        if self.codec == "libvpx-vp9":
            return {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"}
        if self.codec == "mpeg4":
            return {"b": "4000000"}
        return {}


_written: dict[tuple[object, ...], tuple[bytes, list[bytes]]] = {}
"""The files that this process has encoded, with their packets, by suffix, times and spec."""


def write_video(path: Path, times_us: Sequence[int], spec: VideoSpec | None = None) -> list[bytes]:
    """Write one picture per time, numbered from 0; return the packet of each, in that order.

    times_us: presentation timestamps. Negative ones are trimmed by an edit list, in containers that
    support it. What was encoded before is copied.
    """
    spec = spec or VideoSpec()
    key = path.suffix, tuple(times_us), repr(spec), spec.picture
    if key in _written:
        content, packets = _written[key]
        path.write_bytes(content)
        return list(packets)
    packets = _encode(path, times_us, spec)
    if path.is_file() and path.stat().st_size < _MOST_KEPT:
        _written[key] = path.read_bytes(), packets
    return list(packets)


def _encode(path: Path, times_us: Sequence[int], spec: VideoSpec) -> list[bytes]:
    packets: dict[int, bytes] = {}
    with av.open(str(path), "w", format=spec.format, options=spec.container_options) as container:
        container.metadata.update(spec.metadata)
        stream = container.add_stream(
            spec.codec, rate=spec.rate, options=spec.encoder_options() | spec.codec_options
        )
        stream.width, stream.height = spec.size
        stream.pix_fmt = spec.pix_fmt
        stream.codec_context.time_base = spec.time_base
        stream.gop_size = spec.gop
        stream.max_b_frames = spec.b_frames
        if spec.aspect:
            stream.codec_context.sample_aspect_ratio = spec.aspect
        if spec.rotation:
            stream.set_display_rotation(spec.rotation)
        numbers = {}
        for number, time_us in enumerate(times_us):
            frame = av.VideoFrame.from_ndarray(_rgb(number, spec), format="rgb24")
            frame = frame.reformat(format=spec.pix_fmt)
            frame.pts = round(Fraction(time_us, 1_000_000) / spec.time_base)
            frame.time_base = spec.time_base
            numbers[frame.pts] = number
            for packet in stream.encode(frame):
                packets[numbers[packet.pts]] = bytes(packet)
                container.mux(packet)
        for packet in stream.encode(None):
            packets[numbers[packet.pts]] = bytes(packet)
            container.mux(packet)
    return [packets[number] for number in sorted(packets)]


def _rgb(number: int, spec: VideoSpec) -> npt.NDArray[np.uint8]:
    width, height = spec.size
    shown = (height, width) if spec.rotation in (90, 270) else (width, height)
    # A picture that is displayed rotated to the left is stored rotated to the right.
    stored = np.rot90(spec.picture(number, shown), -spec.rotation // 90)
    return np.ascontiguousarray(np.repeat(stored[:, :, None], 3, axis=2))


def spoil_packet(path: Path, packet: bytes, filler: int = 0xFF) -> None:
    """Overwrite one packet in a file, without changing the layout of the file."""
    content = path.read_bytes()
    payload = packet[4:]  # MP4 and Matroska replace H.264's start code by a length.
    assert content.count(payload) == 1, "the packet must be in the file exactly once"
    path.write_bytes(content.replace(payload, bytes([filler]) * len(payload)))


def write_looped(path: Path, times: int, out: Path) -> None:
    """Write the recording repeated `times` times, without encoding it again."""
    with av.open(str(out), "w") as container:
        with av.open(str(path)) as first:
            target = container.add_stream_from_template(first.streams.video[0])
        offset = 0
        for _ in range(times):
            with av.open(str(path)) as source:
                stream = source.streams.video[0]
                assert stream.duration is not None
                for packet in source.demux(stream):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = target
                    container.mux(packet)
                offset += stream.duration


def make_content_unique(path: Path, number: int) -> None:
    """Append a box to an MP4 that changes its content, but not its frames."""
    with path.open("ab") as file:
        file.write((8 + number).to_bytes(4, "big") + b"free" + bytes(number))


def write_sound(path: Path) -> None:
    """Write a recording of one second of silence without video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        samples = np.zeros((1, 1024), np.float32)
        for index in range(43):
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, index * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def steady(count: int, rate: int = 25) -> list[int]:
    """Return times of `count` frames at a constant rate, in microseconds from 0."""
    return [round(Fraction(1_000_000 * index, rate)) for index in range(count)]


def varying(count: int) -> list[int]:
    """Return times of `count` frames at uneven intervals of whole milliseconds, in microseconds."""
    return [1000 * (40 * index + index * index % 17) for index in range(count)]


@dataclass(frozen=True)
class SoundSpec:
    """A tone that begins with the pictures' second half. codec: None for none.

    late_s: time by which sound and pictures begin after the container's zero. lead_s: time by which
    the sound begins before the pictures.
    """

    codec: str | None = "aac"
    rate: int = 44100
    layout: str = "stereo"
    late_s: float = 0.0
    lead_s: float = 0.0


def write_coloured_video(
    path: Path,
    colours: Sequence[tuple[int, int, int]],
    *,
    seconds: int = 2,
    rate: int = 25,
    size: tuple[int, int] = (160, 120),
    pix_fmt: str = "yuv420p",
    sound: SoundSpec | None = None,
    rotation: int = 0,
) -> None:
    """Write vertical stripes of these RGB colours, as stored, with a sound."""
    sound = sound or SoundSpec()
    width, height = size
    picture = np.empty((height, width, 3), np.uint8)
    for number, colour in enumerate(colours):
        begin, end = (width * one // len(colours) for one in (number, number + 1))
        picture[:, begin:end] = colour
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"crf": "10"})
        video.width, video.height, video.pix_fmt = width, height, pix_fmt
        video.max_b_frames = 0
        if rotation:
            video.set_display_rotation(rotation)
        audio = None
        if sound.codec is not None:
            audio = container.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)
        for index in range(seconds * rate):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = index + round(sound.late_s * rate), Fraction(1, rate)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            first = round((sound.late_s - sound.lead_s) * sound.rate)
            tone_from = (sound.late_s + seconds / 2) * sound.rate
            last = round((sound.late_s + seconds) * sound.rate)
            for begin in range(first, last, 1024):
                times = np.arange(begin, begin + 1024)
                wave = 0.5 * np.sin(times * 2 * np.pi * 440 / sound.rate) * (times >= tone_from)
                samples = np.round(wave * 32767).astype(np.int16)[None]
                block = av.AudioFrame.from_ndarray(samples, format="s16p", layout="mono")
                block.sample_rate, block.pts = sound.rate, begin
                block.time_base = Fraction(1, sound.rate)
                container.mux(audio.encode(block))
            container.mux(audio.encode(None))
