"""`moodline source discover`: cameras of the local network, and their streams."""

import getpass
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.errors import SettingsError, SourceError
from moodline.commands.options import JsonOption

if TYPE_CHECKING:
    from contracts.parsing.addresses import HostPort
    from ingest.live.discovery.probe import FoundDevice
    from ingest.live.discovery.streams import CameraStream

DISCOVER_EXAMPLES: Final = (
    "Examples: [cyan]moodline source discover[/] · "
    "[cyan]moodline source discover --address 192.168.1.20 --user viewer[/]"
)


def source_discover(
    address: Annotated[
        str, typer.Option(help="HOST[:PORT] of one camera. Default: the whole local network.")
    ] = "",
    user: Annotated[
        str,
        typer.Option(help="User name for the cameras; the password is asked for. Needs --address."),
    ] = "",
    timeout: Annotated[
        float, typer.Option(min=0.5, max=60, help="Seconds to wait for answers.")
    ] = 3.0,
    as_json: JsonOption = False,
) -> None:
    """List the cameras of the local network that speak ONVIF, and their streams."""
    from ingest.live.discovery.probe import PORT, probe
    from ingest.live.discovery.streams import camera_streams
    from moodline.terminal.output import print_json
    from runtime.logs import configure_logs

    configure_logs("", service="")
    if user and not address:
        raise SettingsError(
            "--user needs --address",
            hint="A password that is sent to every camera is sent to who poses as one",
        )
    asked = _asked(address, PORT) if address else None
    password = _password(user) if user else ""
    found: list[tuple[FoundDevice, list[CameraStream], str]] = []
    for device in probe(timeout, asked):
        try:
            found.append((device, camera_streams(device.service, user, password), ""))
        except SourceError as exc:
            found.append((device, [], exc.detailed_line()))
    if as_json:
        print_json({"devices": [_json(*one) for one in found]})
    else:
        _print(found)


def _asked(text: str, port: int) -> "HostPort":
    from contracts.parsing.addresses import HostPort

    try:
        return HostPort.parse(text if ":" in text else f"{text}:{port}")
    except ValueError as exc:
        raise SettingsError(f"--address: {exc}") from exc


def _password(user: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"Password of {user}: ")
    return sys.stdin.readline().rstrip("\n")


def _json(device: "FoundDevice", streams: "list[CameraStream]", error: str) -> dict[str, object]:
    return asdict(device) | {
        "service": str(device.service),
        "streams": [asdict(one) for one in streams],
        "error": error,
    }


def _print(found: "list[tuple[FoundDevice, list[CameraStream], str]]") -> None:
    from moodline.terminal.output import print_line

    if not found:
        print_line(
            "No camera answered. It may be in another network, or not speak ONVIF: ask it alone "
            "with --address HOST."
        )
        return
    for device, streams, error in found:
        name = " ".join(filter(None, (device.name, device.hardware, device.location)))
        print_line(f"{name or 'A camera'} at {device.address}")
        for stream in streams:
            size = f"{stream.width}x{stream.height} " if stream.width else ""
            rate = f", {stream.fps:g} frames/s" if stream.fps else ""
            print_line(f"  {stream.profile}: {size}{stream.codec}{rate}")
            print_line(f"    {stream.uri}")
        if not streams:
            print_line(f"  {error or 'it names no stream'}")
    print_line("Add one: moodline source add NAME rtsp://USER:PASSWORD@HOST/PATH")
