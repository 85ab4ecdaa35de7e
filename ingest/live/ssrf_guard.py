"""SSRF guard: which camera addresses a web form may name.

A user of the dashboard must not reach servers through this host that only this host can reach.
Hosts of the local network and of the internet are allowed; this host, metadata servers of clouds,
and multicast and reserved addresses are not.
"""

import http.client
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from contracts.errors import SourceError
from contracts.redaction import redact

NETWORK_SCHEMES: Final = ("rtsp", "rtsps", "http", "https")
_MAX_WEBCAMS: Final = 64
_MAX_LENGTH: Final = 2048
_MAX_REDIRECTS: Final = 5
_TIMEOUT_S: Final = 5.0
_AUTHORITY_END: Final = re.compile(r"[/?#]")
_DEVICE: Final = re.compile(r"/dev/video(\d{1,2})")
_METADATA: Final = frozenset(map(ip_address, ("100.100.100.200", "fd00:ec2::254", "168.63.129.16")))
_EMBEDDING: Final = (ip_network("64:ff9b::/96"), ip_network("::/96"))

_Address = IPv4Address | IPv6Address
Resolver = Callable[[str], Sequence[str]]


def resolve_host(host: str) -> list[str]:
    """Return all IP addresses of a host name. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return sorted({str(info[4][0]).partition("%")[0] for info in found})


def check_address(uri: str) -> None:
    """Raise SourceError if a network URI is ambiguous. The message does not quote the URI."""
    if any(one.isspace() or not one.isprintable() for one in uri):
        raise SourceError("the address contains a space", hint="Write the space as %20")
    _authority, *behind = _AUTHORITY_END.split(uri.partition("://")[2], maxsplit=1)
    if "@" in "".join(behind):
        raise SourceError(
            "the address has a /, ? or # before its last @",
            hint="In the user name and password write / as %2F, ? as %3F and # as %23; after the "
            "host write @ as %40",
        )
    if not _split(uri).hostname:
        raise SourceError("the address has no host", hint="Example: rtsp://camera.local/live")


def check_form_address(
    uri: str, allowed: Collection[str] = (), resolve: Resolver = resolve_host
) -> None:
    """Raise SourceError unless a web form may name this URI: a webcam or a network camera.

    allowed: host names and addresses that the owner of this host accepts without a check.
    """
    if uri.isdecimal() and int(uri) < _MAX_WEBCAMS:
        return
    if _DEVICE.fullmatch(uri):
        return
    if len(uri) > _MAX_LENGTH or not uri.isprintable() or any(one.isspace() for one in uri):
        raise SourceError("not a valid address", hint="Example: rtsp://camera.local/live")
    if "${" in uri:
        raise SourceError(
            "the address refers to an environment variable, which a form cannot use",
            hint="Add the source with `moodline source add` on the host of moodline",
        )
    parts = _split(uri)
    if parts.scheme not in NETWORK_SCHEMES or not parts.hostname:
        raise SourceError(
            f"{parts.scheme + '://' if parts.scheme else 'this'} is not a camera address",
            hint="Use rtsp://, rtsps://, http:// or https://, or the number of a webcam. "
            "To add a recording, use the page Recordings",
        )
    check_address(uri)
    check_host(parts.hostname, allowed, resolve)


def check_host(host: str, allowed: Collection[str] = (), resolve: Resolver = resolve_host) -> None:
    """Raise SourceError if a form must not name the host, or if the host is not found."""
    if host.lower() in {one.lower() for one in allowed}:
        return
    try:
        addresses = list(resolve(host))
    except (OSError, UnicodeError) as exc:
        raise SourceError(
            f"host {host} not found", hint="Check its name, and that it is switched on"
        ) from exc
    for address in addresses:
        if _is_refused(ip_address(address)):
            raise SourceError(
                f"{host} has the address {address}, which is not allowed in a form",
                hint="If it is a camera, add the host to MOODLINE_SOURCE_HOSTS",
            )
    if not addresses:
        raise SourceError(f"host {host} not found", hint="Check its name")


def final_redirect(
    uri: str, allowed: Collection[str] = (), resolve: Resolver = resolve_host
) -> str:
    """Return the last target of an http(s) URI's redirects; "" if it does not redirect.

    A redirect to the same host is followed; to another host, only if `check_host` allows it.
    Raises SourceError for any other redirect, and for too many.
    """
    first, at = _split(uri), uri
    for _ in range(_MAX_REDIRECTS):
        parts = _split(at)
        target = _location(parts)
        if not target:
            return at if at != uri else ""
        at = urljoin(at, target)
        target_parts = _split(at)
        if target_parts.scheme not in {"http", "https"} or not target_parts.hostname:
            raise SourceError(f"{redact(uri)} redirects to {redact(at)}, which is not a stream")
        if target_parts.hostname != first.hostname:
            try:
                check_host(target_parts.hostname, allowed, resolve)
            except SourceError as exc:
                raise SourceError(
                    f"{redact(uri)} redirects to another host: {exc}", hint=exc.hint
                ) from exc
    raise SourceError(f"{redact(uri)} redirects more than {_MAX_REDIRECTS} times")


def _location(parts: SplitResult) -> str:
    """Return the target to which a GET is redirected; "" if there is none, or no answer."""
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    headers = {}
    if parts.username:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + b64encode(secret.encode()).decode()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    assert parts.hostname is not None
    try:
        with closing(kind(parts.hostname, parts.port, timeout=_TIMEOUT_S)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            moved = answer.status in {301, 302, 303, 307, 308}
            return (answer.getheader("location") or "") if moved else ""
    except (OSError, http.client.HTTPException, ssl.SSLError, ValueError):
        return ""


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise SourceError("not a valid address", hint="Check the host, the port and the brackets")
    return parts


def _is_refused(address: _Address) -> bool:
    if isinstance(address, IPv6Address):
        within = address.ipv4_mapped or address.sixtofour or _embedded(address)
        if within is not None and _is_refused(within):
            return True
    return (
        address in _METADATA
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or (isinstance(address, IPv4Address) and int(address) >> 24 == 0)
    )


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if any(address in network for network in _EMBEDDING):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None
