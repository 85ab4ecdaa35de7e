"""The files that a playlist (HLS) names, each fetched only from a host that may be asked.

Whoever serves a playlist names any address in it, also one that only this host can reach. FFmpeg
would fetch it without a look.
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

_REFUSALS: Final = {401, 403}

Fetch = Callable[[str, int, Mapping[str, str]], Any]


def fetcher(uri: str, allowed: Collection[str], timeout_s: float) -> Fetch:
    """What opens the playlist `uri`, and the files that it names, for `av.open(io_open=...)`.

    A file of the playlist's host is fetched, one of another host if a form could have named that
    host; redirects likewise. It raises SourceError, CredentialsRefusedError for credentials.
    """
    own = urlsplit(uri).hostname

    def check(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SourceError(
                f"{redact(uri)} names {redact(url)}, which is not read",
                hint="Its files have to be http:// or https://, and not encrypted",
            )
        if parts.hostname != own:
            check_host(parts.hostname, allowed)

    class Redirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(  # noqa: PLR0913, PLR0917  (as its base has it)
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

    # As FFmpeg: cameras sign their own certificates.
    tls = urllib.request.HTTPSHandler(context=ssl._create_unverified_context())  # noqa: S323
    opener = urllib.request.build_opener(Redirects, urllib.request.ProxyHandler({}), tls)

    def fetch(url: str, _flags: int, _options: Mapping[str, str]) -> Any:
        check(url)
        try:
            return opener.open(_request(url), timeout=timeout_s)
        except HTTPError as exc:
            if exc.code in _REFUSALS:
                raise CredentialsRefusedError(
                    f"{redact(url)} refuses the user name or password",
                    hint="Check them in its URI; it is asked again in five minutes",
                ) from exc
            raise SourceError(f"{redact(url)} cannot be fetched: {exc.code}") from exc
        except (URLError, OSError, http.client.HTTPException) as exc:
            raise SourceError(f"{redact(url)} cannot be fetched: {redact(str(exc))}") from exc

    return fetch


def _request(url: str) -> urllib.request.Request:
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(parts._replace(netloc=where).geturl())  # noqa: S310  (checked)
    if parts.username:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        # Not sent on by a redirect.
        encoded = b64encode(secret.encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {encoded}")
    return request
