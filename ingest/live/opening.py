"""Open a camera, a network stream, or a file that is played as if it were live."""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame

from contracts.errors import CredentialsRefusedError, SourceError
from contracts.redaction import redact
from ingest.live.playlist import fetcher
from ingest.live.ssrf_guard import check_address, final_redirect
from ingest.luma import plausible_aspect
from records.sources.sealing import ENV_REFERENCE

OPEN_S: Final = 8.0
READ_S: Final = 5.0
PICTURELESS_S: Final = 10.0

_QUICK: Final = {"analyzeduration": "200000", "probesize": "65536"}
_NETWORK: Final = {
    "rtsp": {"rtsp_transport": "tcp", "protocol_whitelist": "rtsp,rtp,tcp,udp"},
    "rtsps": {"rtsp_transport": "tcp", "protocol_whitelist": "rtsps,rtp,tcp,tls,udp"},
    "http": {"protocol_whitelist": "http,https,tcp,tls", "max_redirects": "0"},
    "https": {"protocol_whitelist": "http,https,tcp,tls", "max_redirects": "0"},
}
_SINGLE: Final = {
    "format_whitelist": "mpjpeg,mjpeg,jpeg_pipe,mpegts,mpeg,mpegvideo,m4v,h264,hevc,flv,avi,asf"
    ",mov,matroska"
}
"""Formats that name no other address to read. Playlists do: they are opened by `live_playlist`."""
_PLAYLIST: Final = {"protocol_whitelist": "http,https,tcp,tls", "http_persistent": "0"}
_DEFAULT_PORTS: Final = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class LivePicture:
    """A decoded picture. media_s: its PTS where the source is paced by it, else None."""

    frame: VideoFrame
    media_s: float | None


class LiveInput(Protocol):
    """An open source. `pictures` raises SourceError where it breaks, and ends where it ends.

    aspect: a pixel's width over its height. corrupt: packets so far that did not decode, or to a
    picture that the decoder had to make up.
    codec: as FFmpeg names it. rate: pictures a second as it says of itself; None if it does not.
    """

    aspect: Fraction
    corrupt: int
    codec: str
    rate: float | None

    def pictures(self) -> Iterator[LivePicture]: ...

    def close(self) -> None: ...


def is_camera(uri: str) -> bool:
    """Whether it is a camera of this host."""
    return uri.isdecimal() or uri.startswith("/dev/")


def is_local(uri: str) -> bool:
    """Whether it is a camera or a file of this host, not a network stream."""
    return is_camera(uri) or "://" not in uri


def check_uri(uri: str) -> None:
    """Raise SourceError for what can never be opened, whoever is asked and however often."""
    if is_local(uri):
        return
    if _scheme(uri) not in _NETWORK:
        raise SourceError(
            f"{_scheme(uri)}:// is no live source",
            hint="Give rtsp://, rtsps://, http://, https://, a camera's number, or a file",
        )
    check_address(ENV_REFERENCE.sub("1", uri))


def _scheme(uri: str) -> str:
    return uri.partition("://")[0].lower()


def describe(uri: str) -> str:
    """The source as people may read it, without credentials."""
    return f"camera {uri}" if uri.isdecimal() else redact(uri)


def open_live(uri: str, allowed: Collection[str] = ()) -> LiveInput:
    """Open `uri`: a camera's number, /dev/video*, rtsp(s)://, http(s)://, or a file.

    allowed: hosts to which it may redirect, and whose files a playlist may name, in any case.
    Raises SourceError, and CredentialsRefusedError for credentials that it does not take.
    """
    check_uri(uri)
    if is_camera(uri):
        return _Camera(uri)
    if not is_local(uri):
        return _Stream(uri, _network_container(uri, allowed), paced=False)
    if not Path(uri).is_file():
        raise SourceError(f"{uri} is no file", hint="Check the path")
    path = str(Path(uri).absolute())
    try:
        return _Stream(path, _opened(path, {"protocol_whitelist": "file"}), paced=True)
    except (av.FFmpegError, OSError) as exc:
        raise _cannot_open(path, exc) from exc


def _network_container(uri: str, allowed: Collection[str]) -> InputContainer:
    try:
        return _network_opened(uri, allowed)
    except (av.FFmpegError, OSError) as exc:
        # It follows no redirect of its own accord: where one leads is looked at before.
        leads_to = final_redirect(uri, allowed) if _scheme(uri) in {"http", "https"} else ""
        if not leads_to:
            raise _cannot_open(uri, exc) from exc
        try:
            return _network_opened(leads_to, allowed)
        except (av.FFmpegError, OSError) as again:
            raise _cannot_open(leads_to, again) from again


def _network_opened(uri: str, allowed: Collection[str]) -> InputContainer:
    if not _scheme(uri).startswith("http"):
        return _opened(uri, _NETWORK[_scheme(uri)])
    if not urlsplit(uri).path.lower().endswith((".m3u8", ".m3u")):
        try:
            return _opened(uri, _NETWORK[_scheme(uri)] | _SINGLE)
        except (av.error.InvalidDataError, av.error.ArgumentError):
            pass  # Perhaps a playlist of another name.
    fetch = fetcher(uri, allowed, READ_S)
    return av.open(
        uri, "r", format="hls", options=_PLAYLIST, timeout=(OPEN_S, READ_S), io_open=fetch
    )


class _Stream:
    """A network stream or a file, through FFmpeg."""

    def __init__(self, uri: str, container: InputContainer, *, paced: bool) -> None:
        self.corrupt = 0
        self._uri = uri
        self._container = container
        if not self._container.streams.video:
            self._container.close()
            raise SourceError(f"{describe(uri)} has no video", hint="Check the stream's path")
        self._stream = self._container.streams.video[0]
        self.aspect = plausible_aspect(self._stream.sample_aspect_ratio)
        self.codec = self._stream.codec_context.name
        rate = self._stream.average_rate
        self.rate = float(rate) if rate else None
        self._stream.thread_type = "NONE"
        self._stream.thread_count = 1
        # HLS comes in bursts of a segment: its own times say how fast it is.
        self._paced = paced or "hls" in self._container.format.name

    def pictures(self) -> Iterator[LivePicture]:
        start: float | None = None
        packets = self._container.demux(self._stream)
        seen_at = time.monotonic()
        while True:
            if time.monotonic() - seen_at > PICTURELESS_S:
                raise SourceError(
                    f"{describe(self._uri)} sends data, but no picture for {PICTURELESS_S:.0f} s",
                    hint="Check the camera's video settings",
                )
            begin_s = time.monotonic()
            try:
                packet = next(packets, None)
            except av.error.ExitError as exc:
                raise self._silent() from exc
            except (av.FFmpegError, OSError) as exc:
                raise SourceError(f"{describe(self._uri)} broke off: {_reason(exc)}") from exc
            if not is_local(self._uri) and time.monotonic() - begin_s >= READ_S:
                # RTSP hands out what it has of a packet when its wait is cut off, and waits again.
                raise self._silent()
            if packet is None:
                return
            try:
                frames = packet.decode()  # The last one is empty, and brings what is still held.
            except av.FFmpegError:
                self.corrupt += 1
                continue
            for frame in frames:
                if frame.is_corrupt:  # Made up by the decoder, out of what is left of it.
                    self.corrupt += 1
                    continue
                media_s = float(frame.time) if self._paced and frame.time is not None else None
                if media_s is not None:
                    start = media_s if start is None else start
                    media_s -= start
                yield LivePicture(frame, media_s)
                seen_at = time.monotonic()

    def close(self) -> None:
        self._container.close()

    def _silent(self) -> SourceError:
        return SourceError(
            f"{describe(self._uri)} sent no picture for {READ_S:.0f} s",
            hint="Check the camera and its network",
        )


class _Camera:
    """A USB camera, through V4L2."""

    codec = "raw"

    def __init__(self, uri: str) -> None:
        self.corrupt = 0
        self.aspect = Fraction(1)
        self._uri = uri
        # What goes wrong is said here, in one line.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._capture = cv2.VideoCapture(int(uri) if uri.isdecimal() else uri, cv2.CAP_V4L2)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(
                f"{describe(uri)} cannot be opened",
                hint="Check that it is plugged in, that no other program uses it, and that you "
                "may read /dev/video*",
            )
        self.rate = self._capture.get(cv2.CAP_PROP_FPS) or None

    def pictures(self) -> Iterator[LivePicture]:
        while True:
            read, picture = self._capture.read()
            if not read:
                raise SourceError(f"{describe(self._uri)} gives no picture")
            pixels = np.ascontiguousarray(picture, np.uint8)
            frame = VideoFrame.from_ndarray(pixels, format="bgr24")
            yield LivePicture(frame, None)

    def close(self) -> None:
        self._capture.release()


def _opened(uri: str, options: dict[str, str]) -> InputContainer:
    """Quickly, with little looked at first; once more at leisure where that is too little."""
    try:
        quick = av.open(uri, "r", options=options | _QUICK, timeout=(OPEN_S, READ_S))
        if quick.streams.video and quick.streams.video[0].codec_context.width:
            return quick
        quick.close()
    except av.error.InvalidDataError:
        pass
    return av.open(uri, "r", options=options, timeout=(OPEN_S, READ_S))


def _cannot_open(uri: str, cause: Exception) -> SourceError:
    name, reason = describe(uri), _reason(cause)
    if isinstance(cause, (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError)):
        return CredentialsRefusedError(
            f"{name} refuses the user name or password",
            hint="Check them in its URI; it is asked again in five minutes",
        )
    if isinstance(cause, av.error.HTTPNotFoundError):
        return SourceError(f"{name} has no such stream", hint="Check the path in its URI")
    parts = urlsplit(uri)
    if parts.hostname:
        where = f"{parts.hostname}:{parts.port or _DEFAULT_PORTS.get(parts.scheme, '')}"
        return SourceError(
            f"{name} cannot be opened: {reason}",
            hint=f"Check that the camera is on and that {where} can be reached from here",
        )
    return SourceError(f"{name} cannot be opened: {reason}")


def _reason(cause: Exception) -> str:
    text = getattr(cause, "strerror", "") or str(cause)
    return redact(text.strip().splitlines()[0] if text.strip() else type(cause).__name__)
