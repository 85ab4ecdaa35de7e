"""The visitor who signs in: network address, browser and known device."""

from dataclasses import dataclass
from typing import Final, Self

from starlette.requests import Request

from dashboard.web.sign_in.cookies import DEVICE_COOKIE, cookie_value

_BROWSERS: Final = {  # In this order: most browsers name others too.
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS: Final = {
    "Android": "Android",
    "iPhone": "iOS",
    "iPad": "iPadOS",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a sign-in comes from. device: the cookie of a known device, "" for none."""

    address: str = ""
    browser: str = ""
    device: str = ""

    @classmethod
    def of(cls, request: Request) -> Self:
        """Return the visitor who sent the request."""
        address = request.client.host if request.client else ""
        device = cookie_value(request.headers, DEVICE_COOKIE)
        return cls(address, browser_name(request.headers.get("user-agent", "")), device)


def browser_name(user_agent: str) -> str:
    """Return the browser and its system, such as "Firefox on Linux"."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in user_agent), "")
    return f"{browser} on {system}" if browser and system else browser or "another program"
