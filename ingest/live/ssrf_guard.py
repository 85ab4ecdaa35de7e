"""Which addresses a form may name as a camera: none through which others could be asked by us.

Who types an address into a browser is not who runs this host. Cameras of the local network and of
elsewhere are allowed; this host itself, the cloud's metadata servers and what is like them are not.
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

SCHEMES: Final = ("rtsp", "rtsps", "http", "https")
MOST_CAMERAS: Final = 64
_LONGEST: Final = 2048
_MOST_HOPS: Final = 5
_TIMEOUT_S: Final = 5.0
_AUTHORITY_END: Final = re.compile(r"[/?#]")
_DEVICE: Final = re.compile(r"/dev/video(\d{1,2})")
_METADATA: Final = frozenset(map(ip_address, ("100.100.100.200", "fd00:ec2::254", "168.63.129.16")))
_EMBEDDING: Final = (ip_network("64:ff9b::/96"), ip_network("::/96"))

_Address = IPv4Address | IPv6Address
Resolve = Callable[[str], Sequence[str]]


def resolve(host: str) -> list[str]:
    """All addresses of a host's name, as this host would connect to it. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return sorted({str(one[4][0]).partition("%")[0] for one in found})


def check_address(uri: str) -> None:
    """Raise SourceError, which quotes nothing of it, for a network URI that reads in two ways."""
    if any(one.isspace() or not one.isprintable() for one in uri):
        raise SourceError("the address has a space in it", hint="Write it as %20")
    _authority, *behind = _AUTHORITY_END.split(uri.partition("://")[2], maxsplit=1)
    if "@" in "".join(behind):
        raise SourceError(
            "the address has a /, ? or # before its last @",
            hint="In a user name or password write / as %2F, ? as %3F, # as %23; and an @ behind "
            "the host as %40",
        )
    if not _split(uri).hostname:
        raise SourceError("the address names no host", hint="Example: rtsp://camera.local/live")


def check_typed(uri: str, allowed: Collection[str] = (), resolved: Resolve = resolve) -> None:
    """Raise SourceError unless somebody who uses a browser may have the URI opened.

    allowed: hosts (names or addresses) that the owner lets through in any case.
    """
    if uri.isdecimal() and int(uri) < MOST_CAMERAS:
        return
    if _DEVICE.fullmatch(uri):
        return
    if len(uri) > _LONGEST or not uri.isprintable() or any(one.isspace() for one in uri):
        raise SourceError("that is no address", hint="Example: rtsp://camera.local/live")
    if "${" in uri:
        raise SourceError(
            "a reference to this host's environment cannot be given here",
            hint="Add the source with `moodline source add` there",
        )
    parts = _split(uri)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise SourceError(
            f"{parts.scheme or 'that'}: is no camera's address from here",
            hint="Give rtsp://, rtsps://, http:// or https://, or the number of a webcam. "
            "Recordings have a page of their own",
        )
    check_address(uri)
    check_host(parts.hostname, allowed, resolved)


def check_host(host: str, allowed: Collection[str] = (), resolved: Resolve = resolve) -> None:
    """Raise SourceError for a host that must not be asked, and for one that is not found."""
    if host.lower() in {one.lower() for one in allowed}:
        return
    try:
        addresses = list(resolved(host))
    except (OSError, UnicodeError) as exc:
        raise SourceError(f"{host} is not found", hint="Check its name, and that it is on") from exc
    for one in addresses:
        if _is_refused(ip_address(one)):
            raise SourceError(
                f"{host} leads to {one}, which must not be asked from a form",
                hint="If it is a camera, its owner adds the host to MOODLINE_SOURCE_HOSTS",
            )
    if not addresses:
        raise SourceError(f"{host} is not found", hint="Check its name")


def redirected(uri: str, allowed: Collection[str] = (), resolved: Resolve = resolve) -> str:
    """Where an http(s) URI leads in the end, "" where it does not redirect.

    A redirect to the host that was asked for is followed, one to another host if a form could have
    named that host. Raises SourceError for another, and for a chain that is too long.
    """
    first, at = _split(uri), uri
    for _ in range(_MOST_HOPS):
        parts = _split(at)
        target = _location(parts)
        if not target:
            return at if at != uri else ""
        at = urljoin(at, target)
        following = _split(at)
        if following.scheme not in {"http", "https"} or not following.hostname:
            raise SourceError(f"{redact(uri)} redirects to {redact(at)}, which is no stream")
        if following.hostname != first.hostname:
            try:
                check_host(following.hostname, allowed, resolved)
            except SourceError as exc:
                raise SourceError(
                    f"{redact(uri)} redirects elsewhere: {exc}", hint=exc.hint
                ) from exc
    raise SourceError(f"{redact(uri)} redirects more than {_MOST_HOPS} times")


def _location(parts: SplitResult) -> str:
    """Where a GET of it is sent on to; "" for nowhere, or when it does not answer."""
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
        raise SourceError("that is no address", hint="Check its host and port, and its brackets")
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
