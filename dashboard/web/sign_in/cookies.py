"""The cookies of sign-in: found in one pass over the header."""

from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers

COOKIE: Final = "moodline_session"
DEVICE_COOKIE: Final = "moodline_device"
_OURS: Final = b"moodline_"
_MAX_COOKIES: Final = 8
_MAX_LENGTH: Final = 512

RawHeaders = Iterable[tuple[bytes, bytes]]


def keep_own_cookies(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """Return a request's headers without the cookies of other sites on this host.

    Cookie parsers take quadratic time for some values, so none sees a value that is not ours.
    """
    kept, cookies = [], []
    for name, value in headers:
        if name != b"cookie":
            kept.append((name, value))
            continue
        parts = (part.strip() for part in value.split(b";"))
        cookies += [part for part in parts if part.startswith(_OURS) and len(part) <= _MAX_LENGTH]
    if cookies:
        kept.append((b"cookie", b"; ".join(cookies[:_MAX_COOKIES])))
    return kept


def cookie_value(headers: Headers, name: str) -> str:
    """Return the value of a cookie, "" for none, in linear time."""
    for part in headers.get("cookie", "").split(";"):
        found, _, value = part.strip().partition("=")
        if found == name:
            return value[:_MAX_LENGTH]
    return ""


def session_cookie(headers: Headers) -> str:
    """Return the name of the session's cookie.

    It contains the port, if the address does: browsers send cookies to all ports of a host, and
    a dashboard on another port must not sign a user out of this one.
    """
    port = headers.get("host", "").rpartition(":")[2]
    return f"{COOKIE}_{port}" if port.isascii() and port.isdigit() else COOKIE
