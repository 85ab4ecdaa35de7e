"""Playlists (HLS): fetches their files, only from hosts that the SSRF guard allows.

A playlist may refer to any address, also to one that only this host can reach. FFmpeg would fetch
it without a check.
"""

import http.client
import ssl
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from typing import IO, Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urljoin, urlsplit

from contracts.errors import CredentialsRefusedError, SourceError
from contracts.redaction import redact
from ingest.live.ssrf_guard import check_host

_REFUSED_STATUSES: Final = {401, 403}

Fetch = Callable[[str, int, Mapping[str, str]], Any]


def playlist_fetcher(uri: str, allowed: Collection[str], timeout_s: float) -> Fetch:
    """Return a function for `av.open(io_open=...)` that opens the playlist and its files.

    Files and redirects of the playlist's own host are fetched; of another host, only if
    `check_host` allows it. The function raises SourceError, and CredentialsRefusedError.
    """
    playlist_host = urlsplit(uri).hostname

    def check(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SourceError(
                f"{redact(uri)} refers to {redact(url)}, which is not supported",
                hint="Its files must be unencrypted, with http:// or https:// addresses",
            )
        if parts.hostname != playlist_host:
            check_host(parts.hostname, allowed)

    class Redirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(  # noqa: PLR0913, PLR0917  (the base class's)
            self,
            req: urllib.request.Request,
            fp: IO[bytes],
            code: int,
            msg: str,
            headers: http.client.HTTPMessage,
            newurl: str,
        ) -> urllib.request.Request | None:
            check(urljoin(req.full_url, newurl))
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    # Like FFmpeg, without a certificate check: cameras have self-signed certificates.
    tls = urllib.request.HTTPSHandler(context=ssl._create_unverified_context())  # noqa: S323
    opener = urllib.request.build_opener(Redirects, urllib.request.ProxyHandler({}), tls)

    def fetch(url: str, _flags: int, _options: Mapping[str, str]) -> Any:
        check(url)
        try:
            return opener.open(_request(url), timeout=timeout_s)
        except HTTPError as exc:
            if exc.code in _REFUSED_STATUSES:
                raise CredentialsRefusedError(
                    f"{redact(url)} refuses the user name or password",
                    hint="Check them in its URI; moodline tries again in five minutes",
                ) from exc
            raise SourceError(f"{redact(url)} cannot be fetched: {exc.code}") from exc
        except (URLError, OSError, http.client.HTTPException) as exc:
            raise SourceError(f"{redact(url)} cannot be fetched: {redact(str(exc))}") from exc

    return fetch


def _request(url: str) -> urllib.request.Request:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(parts._replace(netloc=host).geturl())  # noqa: S310  (checked)
    if parts.username:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        # A redirect must not forward it.
        encoded = b64encode(secret.encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {encoded}")
    return request
