"""CopiedSound: the sound of a recording in its annotated copy."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import av
import structlog
from av.audio.stream import AudioStream
from av.container import OutputContainer

from ingest.files.sound import RecordingSound, SoundPacket

log = structlog.get_logger()

_PLAYED_BY_BROWSERS: Final = frozenset({"aac", "mp3"})
_IN_MATROSKA: Final = _PLAYED_BY_BROWSERS | {"opus", "vorbis", "flac", "ac3"}
_HIGHEST_RATE: Final = 48_000
_LOWEST_RATE: Final = 8_000


class CopiedSound:
    """Writes a recording's sound beside the frames of its copy, up to the time of each.

    Sound that players of the container can play is copied as it is; other sound is encoded as AAC,
    mono or stereo. Where the sound cannot be read or written any more, the copy goes on without it.
    """

    def __init__(self, container: OutputContainer, sound: RecordingSound) -> None:
        self._container = container
        self._source = sound.stream
        self._waiting: SoundPacket | None = None
        self._packets: Iterator[SoundPacket] = iter(())
        self._copied: AudioStream | None = None
        self._encoded: AudioStream | None = None
        self._last_dts: int | None = None
        if sound.stream is None:
            return
        try:
            self._add_stream(sound.stream)
        except (av.FFmpegError, ValueError) as exc:  # ValueError: a codec that PyAV has not.
            log.warning("the copy has no sound", reason=str(exc))
            return
        self._packets = sound.packets()

    def write_until(self, media_time_us: int) -> None:
        """Write the packets that begin before this time, in order."""
        until_s = Fraction(media_time_us, 1_000_000)
        while True:
            packet = self._waiting or next(self._packets, None)
            self._waiting = None
            if packet is None:
                return
            if packet.start_s >= until_s:
                self._waiting = packet
                return
            try:
                self._write(packet)
            except MemoryError:
                raise
            except av.FFmpegError as exc:
                log.warning("the sound of the copy ends early", reason=str(exc))
                self._packets = iter(())

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self._encoded is not None:
            self._container.mux(self._encoded.encode(None))

    def _add_stream(self, source: AudioStream) -> None:
        codec = source.codec_context
        copied = _IN_MATROSKA if self._container.format.name == "matroska" else _PLAYED_BY_BROWSERS
        # AAC of transport streams says in each packet what MP4 says once, at the begin.
        name = codec.codec.canonical_name
        has_header = name != "aac" or codec.extradata
        if name in copied and has_header:
            self._copied = self._container.add_stream_from_template(source)
            return
        rate = min(max(codec.sample_rate, _LOWEST_RATE), _HIGHEST_RATE)
        layout = "mono" if codec.channels == 1 else "stereo"
        self._encoded = self._container.add_stream("aac", rate=rate, layout=layout)

    def _write(self, sound: SoundPacket) -> None:
        source, packet = self._source, sound.packet
        assert source is not None
        time_base = packet.time_base
        assert time_base is not None
        begin = round(sound.start_s / time_base)
        if self._copied is not None:
            if self._last_dts is not None and begin <= self._last_dts:
                return  # Times that run back cannot be written.
            packet.pts = packet.dts = self._last_dts = begin
            packet.stream = self._copied
            self._container.mux(packet)
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            return  # One packet of silence.
        for frame in frames:
            if frame.pts is not None and packet.pts is not None:
                frame.pts += begin - packet.pts
            assert self._encoded is not None
            self._container.mux(self._encoded.encode(frame))
