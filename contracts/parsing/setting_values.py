"""Setting values: the parsers of the settings that are lists, addresses, folders or zones.

Each takes the text of an environment variable, or a value, and raises ValueError for a bad one.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.parsing.addresses import HostPort
from contracts.shared_folders import SharedFolders

_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?")
_HOST_NAME: Final = re.compile(r"[\w.-]+")


def _list_items(text: str) -> tuple[str, ...]:
    return tuple(item for part in text.split(",") if (item := part.strip()))


def parse_host_port(value: str | HostPort | None) -> HostPort | None:
    return HostPort.parse(value) if isinstance(value, str) and value else value or None


def parse_folders(value: str | tuple[Path, ...]) -> tuple[Path, ...]:
    folders = value
    if isinstance(value, str):
        folders = tuple(Path(item).expanduser() for item in _list_items(value))
    for folder in folders:
        if not Path(folder).is_absolute():
            raise ValueError(f"{folder} is not an absolute path (example: /srv/recordings)")
    return tuple(Path(folder) for folder in folders)


def parse_shared_folders(value: str | SharedFolders) -> SharedFolders:
    return SharedFolders.parse(value) if isinstance(value, str) else value


def parse_hosts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    hosts = _list_items(value) if isinstance(value, str) else value
    for host in hosts:
        if not _HOST_NAME.fullmatch(host) and not _is_valid(ip_address, host):
            raise ValueError(f"{host!r} is not a host name or IP address (example: camera.local)")
    return hosts


def parse_networks(value: str | tuple[str, ...]) -> tuple[str, ...]:
    networks = _list_items(value) if isinstance(value, str) else value
    for network in networks:
        if not _is_valid(ip_network, network):
            raise ValueError(
                f"{network!r} is not an IP address or network (example: 127.0.0.1,172.16.0.0/12)"
            )
    return networks


def parse_origins(value: str | tuple[str, ...]) -> tuple[str, ...]:
    origins = _list_items(value) if isinstance(value, str) else value
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is not the origin of a site (example: https://a.example)")
    return origins


def parse_time_zone(value: str | ZoneInfo) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValueError(f"{value!r} is not a time zone (example: Europe/Berlin)") from exc


def _is_valid(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True
