"""Links that sign the owner of this host in to a dashboard: printed, or opened in a browser."""

import html
import os
import socket
import sys
import webbrowser
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import structlog

from contracts.parsing.addresses import HostPort, is_loopback
from contracts.settings import Settings
from records.users.owner_links import create_link

log = structlog.get_logger()

COMMAND: Final = "moodline user link"
DEFAULT_ADDRESS: Final = "http://127.0.0.1:8050/"
_ELSEWHERE: Final = "192.0.2.1"
"""An address for documentation."""
_OPENER: Final = "open-dashboard.html"


def dashboard_address(settings: Settings, host: str, port: int, prefix: str = "/") -> str:
    """Return the address of a dashboard for a browser on this host."""
    scheme = "https" if settings.dashboard_tls_cert else "http"
    return f"{scheme}://{HostPort(host if is_loopback(host) else '127.0.0.1', port)}{prefix}"


def sign_in_link(home: Path, address: str) -> str:
    """Return a link that works once, within an hour. Raises SettingsError."""
    return f"{address}login?link={create_link(home)}"


def phone_address(settings: Settings, host: str, port: int, prefix: str = "/") -> str:
    """Return the address of a dashboard for a phone in the same network; "" if it is on loopback.

    For a dashboard on all addresses it is the one by which this host reaches other networks.
    """
    if is_loopback(host):
        return ""
    if _is_every_address(host):
        host = _own_address()
    scheme = "https" if settings.dashboard_tls_cert else "http"
    return f"{scheme}://{HostPort(host, port)}{prefix}" if host else ""


def announce_dashboard(home: Path, address: str, *, by_link: bool, for_phones: str = "") -> None:
    """Print where the dashboard is. by_link: with a sign-in link, on a terminal only.

    for_phones: another address, which a terminal gets as a QR code, too. Logs are often readable by
    other users of the host.
    """
    if for_phones and sys.stderr.isatty():
        import segno

        print(f"The dashboard is open: {for_phones}", file=sys.stderr)  # noqa: T201
        print("On a phone in the same network, scan this code:", file=sys.stderr)  # noqa: T201
        segno.make(for_phones, micro=False).terminal(out=sys.stderr, compact=True)
        sys.stderr.flush()
        return
    address = for_phones or address
    another = COMMAND if address == DEFAULT_ADDRESS else f"{COMMAND} --at {address}"
    if by_link and sys.stderr.isatty():
        print(  # noqa: T201
            f"Open the dashboard: {sign_in_link(home, address)}\n"
            f"The link works once, within an hour. For another one: {another}",
            file=sys.stderr,
            flush=True,
        )
    else:
        log.info("the dashboard is open", url=address, sign_in=another if by_link else "")


def _is_every_address(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return not host


def _own_address() -> str:
    """Return the address by which this host reaches other networks; "" without any."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((_ELSEWHERE, 9))  # Sends nothing.
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def open_in_browser(home: Path, link: str) -> None:
    """Open a sign-in link in the browser, through a file that only its owner can read.

    Every user of the host can read the arguments of the browser's process, and could be faster.
    """
    path = home / _OPENER
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(
            '<!DOCTYPE html><meta charset="utf-8"><title>moodline</title>'
            f'<meta http-equiv="refresh" content="0;url={html.escape(link)}">'
            f'<p><a href="{html.escape(link)}">Open the dashboard</a></p>\n'
        )
    webbrowser.open(path.resolve().as_uri())
