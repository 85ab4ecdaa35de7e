"""Opening a live source: a camera, a network stream, or a file that is played as if live."""

from collections.abc import Collection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import av
from av.container import InputContainer

from contracts.errors import CredentialsRefusedError, SourceError
from ingest.decoding_limits import DEFAULT_LIMITS, DecodingLimits
from ingest.live.inputs import READ_S, CameraInput, LiveInput, StreamInput, reason_of
from ingest.live.playlist import playlist_fetcher
from ingest.live.ssrf_guard import final_redirect
from ingest.live.uris import check_uri, describe, is_camera, is_local, scheme_of
from runtime.decoding.memory_limit import out_of_memory

OPEN_S: Final = 8.0
"""Longest wait for a connection, seconds."""

_QUICK_PROBE: Final = {"analyzeduration": "200000", "probesize": "65536"}
_SCHEME_OPTIONS: Final = {
    "rtsp": {"rtsp_transport": "tcp", "protocol_whitelist": "rtsp,rtp,tcp,udp"},
    "rtsps": {"rtsp_transport": "tcp", "protocol_whitelist": "rtsps,rtp,tcp,tls,udp"},
    "http": {"protocol_whitelist": "http,https,tcp,tls", "max_redirects": "0"},
    "https": {"protocol_whitelist": "http,https,tcp,tls", "max_redirects": "0"},
}
_SINGLE_FILE_FORMATS: Final = {
    "format_whitelist": "mpjpeg,mjpeg,jpeg_pipe,mpegts,mpeg,mpegvideo,m4v,h264,hevc,flv,avi,asf"
    ",mov,matroska"
}
"""Formats that refer to no other address. Playlists do: `playlist` checks what they refer to."""
_PLAYLIST_OPTIONS: Final = {"protocol_whitelist": "http,https,tcp,tls", "http_persistent": "0"}
_DEFAULT_PORTS: Final = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def open_live(
    uri: str, allowed: Collection[str] = (), limits: DecodingLimits = DEFAULT_LIMITS
) -> LiveInput:
    """Open `uri`: the number of a camera, /dev/video*, rtsp(s)://, http(s)://, or a file.

    allowed: hosts to which it may redirect, and to which a playlist may refer, without a check.
    limits: of the frames. Raises SourceError; CredentialsRefusedError if the source refuses the
    credentials; DecodingLimitError.
    """
    check_uri(uri)
    if is_camera(uri):
        return CameraInput(uri, limits)
    if not is_local(uri):
        container = _open_network(uri, allowed, limits)
        return StreamInput(uri, container, limits, paced=False)
    if not Path(uri).is_file():
        raise SourceError(f"there is no file {uri}", hint="Check the path")
    path = str(Path(uri).absolute())
    try:
        container = _open_container(path, {"protocol_whitelist": "file"} | limits.options)
        return StreamInput(path, container, limits, paced=True)
    except (av.FFmpegError, OSError) as exc:
        raise _cannot_open(path, exc) from exc


def _open_network(uri: str, allowed: Collection[str], limits: DecodingLimits) -> InputContainer:
    try:
        return _open_without_redirect(uri, allowed, limits)
    except (av.FFmpegError, OSError) as exc:
        # FFmpeg follows no redirect here: the target is checked first.
        target = final_redirect(uri, allowed) if scheme_of(uri) in {"http", "https"} else ""
        if not target:
            raise _cannot_open(uri, exc) from exc
        try:
            return _open_without_redirect(target, allowed, limits)
        except (av.FFmpegError, OSError) as target_exc:
            raise _cannot_open(target, target_exc) from target_exc


def _open_without_redirect(
    uri: str, allowed: Collection[str], limits: DecodingLimits
) -> InputContainer:
    options = _SCHEME_OPTIONS[scheme_of(uri)] | limits.options
    if not scheme_of(uri).startswith("http"):
        return _open_container(uri, options)
    if not urlsplit(uri).path.lower().endswith((".m3u8", ".m3u")):
        try:
            return _open_container(uri, options | _SINGLE_FILE_FORMATS)
        except (av.error.InvalidDataError, av.error.ArgumentError):
            pass  # It may be a playlist without a suffix.
    fetch = playlist_fetcher(uri, allowed, READ_S)
    options = _PLAYLIST_OPTIONS | limits.options
    return av.open(uri, "r", format="hls", options=options, timeout=(OPEN_S, READ_S), io_open=fetch)


def _open_container(uri: str, options: dict[str, str]) -> InputContainer:
    """Open with a short probe, which is fast; again with FFmpeg's own if that finds no video."""
    try:
        container = av.open(uri, "r", options=options | _QUICK_PROBE, timeout=(OPEN_S, READ_S))
        if container.streams.video and container.streams.video[0].codec_context.width:
            return container
        container.close()
    except av.error.InvalidDataError:
        pass
    return av.open(uri, "r", options=options, timeout=(OPEN_S, READ_S))


def _cannot_open(uri: str, cause: Exception) -> SourceError:
    if isinstance(cause, MemoryError):
        return out_of_memory()
    name, reason = describe(uri), reason_of(cause)
    if isinstance(cause, (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError)):
        return CredentialsRefusedError(
            f"{name} refuses the user name or password",
            hint="Check them in its URI; moodline tries again in five minutes",
        )
    if isinstance(cause, av.error.HTTPNotFoundError):
        return SourceError(f"{name} has no such stream", hint="Check the path in its URI")
    parts = urlsplit(uri)
    if parts.hostname:
        address = f"{parts.hostname}:{parts.port or _DEFAULT_PORTS.get(parts.scheme, '')}"
        return SourceError(
            f"{name} cannot be opened: {reason}",
            hint=f"Check that the camera is on, and that this host can reach {address}",
        )
    return SourceError(f"{name} cannot be opened: {reason}")
