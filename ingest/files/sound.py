"""RecordingSound: the packets of a recording's sound, timed like its frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Discard, Disposition

from contracts.errors import SourceError
from ingest.decoding_limits import DecodingLimits
from ingest.files.opening import OpenRecording, open_recording


@dataclass(frozen=True, slots=True)
class SoundPacket:
    """A packet of sound. start_s: media time, as that of frames."""

    packet: "Packet[AudioStream]"
    start_s: Fraction


class RecordingSound:
    """The sound that a player would play. A context manager.

    begin_s: presentation time of the first frame, where media time is 0. stream: None if the
    recording has no sound that can be read.
    """

    def __init__(self, path: Path, limits: DecodingLimits, begin_s: Fraction) -> None:
        self._begin_s = begin_s
        self._opened: OpenRecording | None = None
        self.stream: AudioStream | None = None
        try:
            self._opened = open_recording(path, limits)
        except SourceError:
            return
        self.stream = _chosen(self._opened)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._opened is not None:
            self._opened.close()

    def packets(self) -> Iterator[SoundPacket]:
        """Yield the packets with a time from 0 on, until the end or until one cannot be read."""
        if self._opened is None or self.stream is None:
            return
        try:
            for packet in self._opened.container.demux(self.stream):
                ticks = packet.dts if packet.pts is None else packet.pts
                if ticks is None or packet.is_corrupt:
                    continue
                start_s = ticks * (packet.time_base or Fraction(0)) - self._begin_s
                if start_s >= 0:
                    yield SoundPacket(packet, start_s)
        except MemoryError:
            raise
        except av.FFmpegError:
            return


def _chosen(opened: OpenRecording) -> AudioStream | None:
    known = [one for one in opened.container.streams.audio if one.codec_context is not None]
    defaults = [one for one in known if one.disposition & Disposition.default]
    if not known:
        return None
    chosen = (defaults or known)[0]
    opened.stream.discard = Discard.all
    chosen.discard = Discard.default
    return chosen
