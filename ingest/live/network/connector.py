"""Connector: opens connections, and only to addresses that the SSRF guard allows."""

import socket
import ssl
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Self
from urllib.parse import urljoin

from contracts.errors import SourceError
from contracts.parsing.addresses import HostPort
from ingest.live.ssrf_guard import check_host, port_of, split_uri
from runtime.network.addresses import Resolver, resolve_host

MAX_REDIRECTS: Final = 5
_MAX_ADDRESSES: Final = 8


@dataclass(frozen=True, slots=True)
class Connector:
    """Connects to hosts: the name is resolved once, and all its addresses are checked before.

    chosen_host: a host that its owner named in a way that cannot change: by address, or as this
    host. It was checked when a form named it, and is not checked again. allowed: hosts that the
    owner of this host accepts without a check. own: ports that may be of this host.
    """

    chosen_host: str = ""
    allowed: Collection[str] = ()
    own: Collection[HostPort] = ()
    resolve: Resolver = field(default=resolve_host)

    @classmethod
    def to_source(
        cls, uri: str, allowed: Collection[str] = (), own: Collection[HostPort] = ()
    ) -> Self:
        """Return the connector of the source at `uri`. Raises SourceError if it is not valid."""
        host = split_uri(uri).hostname or ""
        return cls(host if _is_fixed(host) else "", allowed, own)

    def connect(self, uri: str, timeout_s: float) -> socket.socket:
        """Return a connection to the URI's host and port, without TLS yet.

        Raises SourceError if the host is not allowed or not found, and OSError if it cannot be
        reached.
        """
        parts = split_uri(uri)
        host, port, until_s = parts.hostname or "", port_of(parts), time.monotonic() + timeout_s
        if host == self.chosen_host or host in {one.lower() for one in self.allowed}:
            return socket.create_connection((host, port), timeout_s)
        own = HostPort(host, port) in self.own
        addresses = check_host(host, resolve=self.resolve, own=own)[:_MAX_ADDRESSES]
        for address in addresses[:-1]:
            with suppress(OSError):
                return socket.create_connection((address, port), _left_s(until_s))
        return socket.create_connection((addresses[-1], port), _left_s(until_s))

    def redirected(self, uri: str, location: str) -> str:
        """Return the target of a redirect. Credentials go only to the host and port that had them.

        Raises SourceError for another kind of URI. `connect` checks the host.
        """
        before, after = split_uri(uri), split_uri(urljoin(uri, location))
        kind = before.scheme.rstrip("s")
        if after.scheme.rstrip("s") != kind or not after.hostname:
            raise SourceError(f"{kind}:// redirects to {after.scheme}://, which is not supported")
        userinfo, _, place = before.netloc.rpartition("@")
        if userinfo and after.netloc == place and after.scheme == before.scheme:
            after = after._replace(netloc=f"{userinfo}@{place}")
        return after.geturl()


def unverified_tls() -> ssl.SSLContext:
    """Return a TLS context that accepts every certificate: cameras have self-signed ones."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _is_fixed(host: str) -> bool:
    """Return whether the host is an address or this host, so that no name server can move it."""
    if host in {"localhost", socket.gethostname().lower()}:
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _left_s(until_s: float) -> float:
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("timed out")
    return left_s
