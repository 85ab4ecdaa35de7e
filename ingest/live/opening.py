"""Opening a live source: a camera, a network stream, or a file that is played as if live."""

from collections.abc import Callable, Collection
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import av
from av.container import InputContainer

from contracts.errors import CredentialsRefusedError, RedirectedError, SourceError
from contracts.live_sources import Transport
from contracts.parsing.addresses import HostPort
from ingest.decoding_limits import DEFAULT_LIMITS, DecodingLimits
from ingest.live.inputs import (
    READ_S,
    CameraInput,
    Connection,
    LiveInput,
    StreamInput,
    is_time_out,
    reason_of,
)
from ingest.live.network.connector import MAX_REDIRECTS, Connector
from ingest.live.network.http_client import HttpClient
from ingest.live.network.jpeg_stream import FORMAT as JPEG_FORMAT
from ingest.live.network.jpeg_stream import JpegStream
from ingest.live.network.rtsp_relay import RtspRelay
from ingest.live.uris import (
    cannot_open,
    check_uri,
    describe,
    is_camera,
    is_local,
    scheme_of,
    transport_of,
)
from runtime.decoding.memory_limit import out_of_memory

OPEN_S: Final = 8.0
"""Longest wait for a connection, seconds."""

_QUICK_PROBE: Final = {"analyzeduration": "200000", "probesize": "65536"}
_FILE_OPTIONS: Final = {"protocol_whitelist": "file"}
_RTSP_OPTIONS: Final = {"rtsp_transport": "tcp", "protocol_whitelist": "tcp"}
"""FFmpeg knows one address, that of the relay. Over UDP the server could name another."""
_UDP_OPTIONS: Final = {"reorder_queue_size": "32"}
"""The relay hands datagrams on in the order in which they came; FFmpeg waits for this many."""
_SINGLE_FILE_OPTIONS: Final = {
    "protocol_whitelist": "none",
    "format_whitelist": "mpjpeg,mjpeg,jpeg_pipe,mpegts,mpeg,mpegvideo,m4v,h264,hevc,flv,avi,asf"
    ",mov,matroska",
}
"""FFmpeg opens nothing, and these formats refer to no other address."""
_PLAYLIST_OPTIONS: Final = {"protocol_whitelist": "http,https", "http_persistent": "0"}
"""FFmpeg opens nothing: `HttpClient` does. Without the protocol tcp, FFmpeg could not connect."""

_NO_ANSWER: Final = f"it did not send its video within {OPEN_S:.0f} s"

_Options = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Opened:
    """An open container, and the connection that it reads through."""

    container: InputContainer
    connection: Connection | None = None

    @property
    def has_video(self) -> bool:
        """Whether a video stream was found, and the size of its frames."""
        videos = self.container.streams.video
        return bool(videos and videos[0].codec_context.width)

    def close(self) -> None:
        self.container.close()
        if self.connection is not None:
            self.connection.close()


def open_live(
    uri: str,
    allowed: Collection[str] = (),
    limits: DecodingLimits = DEFAULT_LIMITS,
    own: Collection[HostPort] = (),
) -> LiveInput:
    """Open `uri`: the number of a camera, /dev/video*, rtsp(s)://, http(s)://, or a file.

    allowed: hosts to which it may redirect, and to which a playlist may refer, without a check.
    limits: of the frames. own: ports of this host that may be cameras.

    Raises SourceError; CredentialsRefusedError if the source refuses the
    credentials; DecodingLimitError.
    """
    check_uri(uri)
    if is_camera(uri):
        return CameraInput(uri, limits)
    if not is_local(uri):
        open_stream = _open_http if scheme_of(uri) in {"http", "https"} else _open_rtsp
        try:
            opened = open_stream(uri, Connector.to_source(uri, allowed, own), limits.options)
        except (av.FFmpegError, OSError) as exc:
            raise _failure(uri, exc) from exc
        return StreamInput(uri, opened.container, limits, paced=False, connection=opened.connection)
    if not Path(uri).is_file():
        raise SourceError(f"there is no file {uri}", hint="Check the path")
    path = str(Path(uri).absolute())
    options = _FILE_OPTIONS | limits.options
    try:
        opened = _with_short_probe(lambda probe: _Opened(av.open(path, options=options | probe)))
    except (av.FFmpegError, OSError) as exc:
        if isinstance(exc, MemoryError):
            raise out_of_memory() from exc
        raise SourceError(f"{path} cannot be opened: {reason_of(exc)}") from exc
    return StreamInput(path, opened.container, limits, paced=True)


def _open_http(uri: str, connector: Connector, limits: _Options) -> _Opened:
    """Open an MJPEG stream, another stream that is a single file, or an HLS playlist."""
    client = HttpClient(connector, READ_S)
    first = client.open(uri)
    bodies = chain([first], (client.open(uri) for _ in repeat(None)))

    def open_single(probe: _Options) -> _Opened:
        options = _SINGLE_FILE_OPTIONS | limits | probe
        with ExitStack() as on_error:
            body = on_error.enter_context(closing(next(bodies)))
            file = JpegStream(body) if body.has_pictures else body
            kind = JPEG_FORMAT if body.has_pictures else body.format or None
            container = av.open(file, "r", format=kind, options=options)
            on_error.pop_all()
            return _Opened(container, body)

    path = urlsplit(first.url).path.lower()
    if first.format != "hls" and not path.endswith((".m3u8", ".m3u")):
        try:
            return _with_short_probe(open_single)
        except (av.error.InvalidDataError, av.error.ArgumentError):
            pass  # It may be a playlist of another type.
    first.close()
    container = av.open(
        first.url,
        "r",
        format="hls",
        options=_PLAYLIST_OPTIONS | limits,
        timeout=(OPEN_S, READ_S),
        io_open=client.open_for_ffmpeg,
    )
    return _Opened(container)


def _open_rtsp(uri: str, connector: Connector, limits: _Options) -> _Opened:
    """Open an RTSP stream, and follow redirects to hosts that are allowed."""
    at = uri
    over_udp = transport_of(uri) is Transport.UDP
    rtsp_options = _RTSP_OPTIONS | (_UDP_OPTIONS if over_udp else {})

    def open_once(probe: _Options) -> _Opened:
        options = rtsp_options | limits | probe
        with ExitStack() as on_error:
            relay = on_error.enter_context(
                closing(RtspRelay(at, connector, OPEN_S, over_udp=over_udp))
            )
            try:
                container = av.open(relay.uri, "r", options=options, timeout=(OPEN_S, READ_S))
            except (av.FFmpegError, OSError) as exc:
                relay.close()  # Then it has said why.
                if relay.redirect:
                    raise RedirectedError(relay.redirect) from exc
                if relay.problem and not isinstance(exc, (MemoryError, av.error.HTTPClientError)):
                    raise ConnectionError(relay.problem) from exc
                raise
            on_error.pop_all()
            return _Opened(container, relay)

    for _ in range(MAX_REDIRECTS + 1):
        try:
            return _with_short_probe(open_once)
        except RedirectedError as exc:
            at = connector.redirected(at, exc.location)
    raise cannot_open(uri, f"it redirects more than {MAX_REDIRECTS} times")


def _with_short_probe(open_once: Callable[[_Options], _Opened]) -> _Opened:
    """Open with a short probe, which is fast; again with FFmpeg's own if that finds no video."""
    try:
        opened = open_once(_QUICK_PROBE)
    except av.error.InvalidDataError:
        return open_once({})
    if opened.has_video:
        return opened
    opened.close()
    return open_once({})


def _failure(uri: str, cause: Exception) -> SourceError:
    if isinstance(cause, MemoryError):
        return out_of_memory()
    if isinstance(cause, (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError)):
        return CredentialsRefusedError(
            f"{describe(uri)} refuses the user name or password",
            hint="Check them in its URI; moodline tries again in five minutes",
        )
    return cannot_open(uri, _NO_ANSWER if is_time_out(cause) else reason_of(cause))
