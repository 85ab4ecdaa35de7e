"""HttpClient: opens camera streams, and playlists with their files, over HTTP for FFmpeg."""

import codecs
import http.client
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, quote

from contracts.errors import CredentialsRefusedError, SourceError
from ingest.live.network.authenticator import Authenticator
from ingest.live.network.connector import (
    MAX_REDIRECTS,
    Connector,
    unverified_tls,
)
from ingest.live.ssrf_guard import port_of, split_uri
from ingest.live.uris import cannot_open

_REDIRECTS: Final = {301, 302, 303, 307, 308}
_REFUSED_STATUSES: Final = {401, 403}
_COMPRESSED: Final = {"gzip", "x-gzip", "deflate"}
_ANY_HEADER: Final = 32 + zlib.MAX_WBITS
"""For zlib: with the header of gzip or of zlib, whichever there is."""
_SKIPPED_AT_ONCE: Final = 65_536
_TARGET_CHARACTERS: Final = "%/:=&?~#+!$,;'@()*[]"
_PLAYLIST_TYPES: Final = {
    "application/vnd.apple.mpegurl",
    "application/x-mpegurl",
    "audio/mpegurl",
    "audio/x-mpegurl",
}
_JPEG_TYPES: Final = {
    "multipart/x-mixed-replace",
    "image/jpeg",
    "image/jpg",
    "video/x-motion-jpeg",
    "video/x-mjpeg",
    "video/mjpeg",
}


@dataclass(frozen=True, slots=True)
class BytesPart:
    """The bytes of a body from `begin` up to `end`; end 0: all that follow."""

    begin: int = 0
    end: int = 0

    @property
    def header(self) -> dict[str, str]:
        """The header of a request for it."""
        last = str(self.end - 1) if self.end else ""
        return {"Range": f"bytes={self.begin}-{last}"} if self.begin or self.end else {}


class HttpBody:
    """The body of an answer, as a file for FFmpeg.

    url: after redirects. format: FFmpeg's name for its media type, or "". has_pictures: whether
    it is a JPEG picture, or several, one after the other. skipped: bytes to leave out at its
    beginning. It is decompressed if the server has compressed it unasked.
    """

    def __init__(self, url: str, response: http.client.HTTPResponse, skipped: int = 0) -> None:
        self.url = url
        self._response = response
        self._skipped = skipped
        encoding = response.headers.get("content-encoding", "").strip().lower()
        self._inflater = zlib.decompressobj(_ANY_HEADER) if encoding in _COMPRESSED else None
        self._at_begin = True
        kind = response.headers.get_content_type()
        self.format = "hls" if kind in _PLAYLIST_TYPES else ""
        self.has_pictures = kind in _JPEG_TYPES

    def read(self, size: int) -> bytes:
        """Return the next bytes as soon as there are some; b"" at the end. Raises OSError."""
        try:
            while self._skipped:
                skipped = self._next(min(self._skipped, _SKIPPED_AT_ONCE))
                self._skipped = self._skipped - len(skipped) if skipped else 0
            data = self._next(size)
        except (http.client.HTTPException, ValueError, zlib.error) as exc:
            raise ConnectionError(f"invalid answer: {exc!r}") from exc
        if self._at_begin and data.startswith(codecs.BOM_UTF8):  # FFmpeg reads no such playlist.
            data = data[len(codecs.BOM_UTF8) :]
        self._at_begin = False
        return data

    def close(self) -> None:
        """Close the connection."""
        self._response.close()

    def _next(self, size: int) -> bytes:
        inflater = self._inflater
        if inflater is None:
            return self._response.read1(size)
        while not inflater.eof:
            packed = inflater.unconsumed_tail or self._response.read1(size)
            data = inflater.decompress(packed, size)
            if data or not packed:
                return data
        return b""


class HttpClient:
    """Opens http:// and https:// URLs of hosts to which the connector connects.

    timeout_s: longest wait for a connection, and for the next bytes.
    """

    def __init__(self, connector: Connector, timeout_s: float) -> None:
        self._connector = connector
        self._timeout_s = timeout_s
        self._authenticators: dict[str, Authenticator] = {}

    def open(self, url: str, part: BytesPart = BytesPart()) -> HttpBody:
        """Return the body of a URL, or of the one to which it redirects.

        part: of the body; the rest may follow. Raises SourceError; CredentialsRefusedError if the
        server refuses the credentials.
        """
        at = url
        try:
            for _ in range(MAX_REDIRECTS + 1):
                response = self._answer(at, part)
                location = response.getheader("location") or ""
                if response.status not in _REDIRECTS or not location:
                    return _body_of(at, response, part)
                response.close()
                at = self._connector.redirected(at, location)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise cannot_open(url, str(exc) or type(exc).__name__) from exc
        except SourceError as exc:
            if at == url or isinstance(exc, CredentialsRefusedError):
                raise
            raise cannot_open(url, f"it redirects: {exc.detail or exc.line()}") from exc
        raise cannot_open(url, f"it redirects more than {MAX_REDIRECTS} times")

    def open_for_ffmpeg(self, url: str, _flags: int, options: Mapping[str, str]) -> Any:
        """Open a file of a playlist, or a part of it: the function for `av.open(io_open=...)`."""
        part = BytesPart(int(options.get("offset", 0)), int(options.get("end_offset", 0)))
        return self.open(url, part)

    def _answer(self, url: str, part: BytesPart) -> http.client.HTTPResponse:
        """Return the answer to a GET; the second one if the first asks for the credentials."""
        parts = split_uri(url)
        if parts.scheme not in {"http", "https"}:
            raise SourceError(f"{parts.scheme}:// is not supported in a playlist")
        key = f"{parts.scheme}://{parts.netloc}"
        known = self._authenticators.setdefault(key, Authenticator(parts))
        response = self._get(url, parts, known, part)
        if response.status == http.client.UNAUTHORIZED:
            challenges = response.headers.get_all("www-authenticate") or []
            if known.accept(challenges):
                response.close()
                response = self._get(url, parts, known, part)
        return response

    def _get(
        self, url: str, parts: SplitResult, authenticator: Authenticator, part: BytesPart
    ) -> http.client.HTTPResponse:
        target = quote(
            parts._replace(scheme="", netloc="", fragment="").geturl() or "/",
            safe=_TARGET_CHARACTERS,
        )
        if not target.startswith("/"):
            target = "/" + target
        headers = {"User-Agent": "moodline", "Accept": "*/*", "Connection": "close"}
        headers |= part.header
        if authorization := authenticator.header("GET", target):
            headers["Authorization"] = authorization
        connection = http.client.HTTPConnection(parts.hostname or "", port_of(parts))
        connection.default_port = {"http": 80, "https": 443}[parts.scheme]
        connection.sock = self._connector.connect(url, self._timeout_s)
        try:
            connection.sock.settimeout(self._timeout_s)
            if parts.scheme == "https":
                connection.sock = unverified_tls().wrap_socket(
                    connection.sock, server_hostname=parts.hostname
                )
            connection.request("GET", target, headers=headers)
            return connection.getresponse()
        except BaseException:  # Also for Ctrl-C: the connection must not stay open.
            connection.close()
            raise


def _body_of(url: str, response: http.client.HTTPResponse, part: BytesPart) -> HttpBody:
    """Return the body. Raises SourceError for a status other than 2xx."""
    if http.client.OK <= response.status < http.client.MULTIPLE_CHOICES:
        is_part = response.status == http.client.PARTIAL_CONTENT
        return HttpBody(url, response, 0 if is_part else part.begin)
    response.close()
    failure = cannot_open(url, f"HTTP status {response.status}")
    if response.status in _REFUSED_STATUSES:
        raise CredentialsRefusedError(str(failure), hint=failure.hint, detail=failure.detail)
    raise failure
