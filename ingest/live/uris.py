"""URIs of live sources: their kinds, their syntax check, and their display with the host only."""

from typing import Final
from urllib.parse import quote, urlsplit

from contracts.errors import SourceError
from contracts.live_sources import Transport
from contracts.redaction import redact
from ingest.live.ssrf_guard import NETWORK_SCHEMES, check_address
from records.sources.sealing import ENV_REFERENCE

SHOWS_CAUSE: Final = "`moodline source test` shows the cause"
_TRANSPORT: Final = "transport="


def is_camera(uri: str) -> bool:
    """Return whether the URI is a camera attached to this host: a number, or /dev/*."""
    return uri.isdecimal() or uri.startswith("/dev/")


def is_local(uri: str) -> bool:
    """Return whether the URI is a camera or a file of this host, not a network stream."""
    return is_camera(uri) or "://" not in uri


def scheme_of(uri: str) -> str:
    """Return the scheme of a network URI in lower case."""
    return uri.partition("://")[0].lower()


def check_uri(uri: str) -> None:
    """Raise SourceError if the URI can never be opened, whatever the state of the source."""
    if is_local(uri):
        return
    if scheme_of(uri) not in NETWORK_SCHEMES:
        raise SourceError(
            f"{scheme_of(uri)}:// is not a supported live source",
            hint="Use rtsp://, rtsps://, http://, https://, the number of a camera, or a file",
        )
    check_address(ENV_REFERENCE.sub("1", uri))
    transport_of(uri)


def describe(uri: str) -> str:
    """Return the URI for display: of a stream the host only, and with "camera" before a number."""
    return f"camera {uri}" if uri.isdecimal() else redact(uri)


def without_credentials(uri: str) -> str:
    """Return the address of a stream without user name and password, its host in lower case."""
    if is_local(uri):
        return uri
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2].lower()
    return parts._replace(scheme=parts.scheme.lower(), netloc=host, fragment="").geturl()


def with_credentials(uri: str, user: str, password: str) -> str:
    """Return the address of a stream with these credentials, in place of those that it has.

    Raises SourceError for a camera or file of this host, which has none.
    """
    if is_local(uri):
        raise SourceError("a camera of this host has no user name and password")
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    parts = urlsplit(uri)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{login}@{place}").geturl()


def transport_of(uri: str) -> Transport:
    """Return how the video of a stream comes: over TCP, unless its address ends in #transport=udp.

    Raises SourceError for another transport, and for UDP where there is none.
    """
    _, _, wanted = uri.partition("#")[2].lower().partition(_TRANSPORT)
    if not wanted or is_local(uri):
        return Transport.TCP
    try:
        transport = Transport(wanted)
    except ValueError as exc:
        raise SourceError(
            "the address ends in a transport that is not known",
            hint="Write #transport=udp, or nothing for TCP",
        ) from exc
    return _possible(uri, transport)


def with_transport(uri: str, transport: Transport) -> str:
    """Return the address of a stream with this transport, in place of the one that it has.

    Raises SourceError for UDP where there is none.
    """
    plain, _, fragment = uri.partition("#")
    if is_local(uri) or not fragment.lower().startswith(_TRANSPORT):
        plain = uri
    if _possible(uri, transport) is Transport.TCP:
        return plain
    return f"{plain}#{_TRANSPORT}{transport}"


def _possible(uri: str, transport: Transport) -> Transport:
    if transport is Transport.UDP and (is_local(uri) or scheme_of(uri) != "rtsp"):
        raise SourceError(
            "only rtsp:// sources can send their video over UDP",
            hint="Leave the transport at TCP",
        )
    return transport


def cannot_open(uri: str, detail: str) -> SourceError:
    """Return the error for a source that cannot be opened, in the same words whatever the cause.

    detail: the cause.
    """
    return SourceError(
        f"{describe(uri)} could not be opened as a video stream",
        hint="Check its host, path, user name and password, and that it is switched on. "
        + SHOWS_CAUSE,
        detail=redact(detail),
    )
