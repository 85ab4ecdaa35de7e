"""SSRF guard: which hosts may be connected to as a camera.

A user of the dashboard must not reach servers through this host that only this host can reach, nor
may a camera that redirects there. Hosts of the local network and of the internet are allowed; this
host, metadata servers of clouds, and multicast and reserved addresses are not. An administrator may
allow single ports of this host, where restream servers listen.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from contracts.errors import OwnHostError, SourceError
from contracts.parsing.addresses import HostPort
from runtime.network.addresses import Resolver, is_of_this_host, is_refused, resolve_host

DEFAULT_PORTS: Final = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
NETWORK_SCHEMES: Final = tuple(DEFAULT_PORTS)
_MAX_WEBCAMS: Final = 64
_MAX_LENGTH: Final = 2048
_AUTHORITY_END: Final = re.compile(r"[/?#]")
_DEVICE: Final = re.compile(r"/dev/video(\d{1,2})")


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
    if not split_uri(uri).hostname:
        raise SourceError("the address has no host", hint="Example: rtsp://camera.local/live")


def check_form_address(
    uri: str,
    allowed: Collection[str] = (),
    resolve: Resolver = resolve_host,
    own: Collection[HostPort] = (),
) -> None:
    """Raise SourceError unless a web form may name this URI: a webcam or a network camera.

    allowed: host names and addresses that the owner of this host accepts without a check. own:
    ports of this host that an administrator allowed. Raises OwnHostError if one more would do.
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
    parts = split_uri(uri)
    if parts.scheme not in NETWORK_SCHEMES or not parts.hostname:
        raise SourceError(
            f"{parts.scheme + '://' if parts.scheme else 'this'} is not a camera address",
            hint="Use rtsp://, rtsps://, http:// or https://, or the number of a webcam. "
            "To add a recording, use the page Recordings",
        )
    check_address(uri)
    place = HostPort(parts.hostname, port_of(parts))
    try:
        check_host(parts.hostname, allowed, resolve, own=place in own)
    except OwnHostError as exc:
        raise OwnHostError(str(exc), hint=exc.hint, place=str(place)) from exc


def check_host(
    host: str,
    allowed: Collection[str] = (),
    resolve: Resolver = resolve_host,
    *,
    own: bool = False,
) -> list[str]:
    """Return the host's addresses, all of them allowed. A host in `allowed` is not resolved: [].

    own: whether it may be this host. Raises SourceError if the host is not allowed or not found,
    and OwnHostError if it would be allowed with `own`. They do not quote the addresses: a form must
    not tell names of this network.
    """
    if host.lower() in {one.lower() for one in allowed}:
        return []
    try:
        addresses = list(resolve(host))
    except (OSError, UnicodeError) as exc:
        raise SourceError(
            f"host {host} not found", hint="Check its name, and that it is switched on"
        ) from exc
    if not addresses:
        raise SourceError(f"host {host} not found", hint="Check its name")
    refused = [one for one in map(ip_address, addresses) if is_refused(one)]
    may_be_allowed = all(map(is_of_this_host, refused))
    if refused and not (own and may_be_allowed):
        # In the same words for both: only an administrator learns which it is.
        kind = OwnHostError if may_be_allowed else SourceError
        raise kind(
            f"{host} is this host or another host that is not allowed as a camera",
            hint="If it is a camera or a restream, ask an administrator to allow it, or add the "
            "host to MOODLINE_SOURCE_HOSTS",
        )
    return addresses


def split_uri(uri: str) -> SplitResult:
    """Return the parts of a URI. Raises SourceError if its host or port is not valid."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise SourceError("not a valid address", hint="Check the host, the port and the brackets")
    return parts


def port_of(parts: SplitResult) -> int:
    """Return the URI's port, or the default of its scheme."""
    return parts.port or DEFAULT_PORTS[parts.scheme]
