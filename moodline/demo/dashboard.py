"""The end of `moodline demo`: all of moodline over its records, until Ctrl-C ends everything."""

import os
import socket
import subprocess
import sys
import time
import webbrowser
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from rich.console import Console
from sqlalchemy import Engine

from contracts.errors import MoodlineError
from contracts.times import utc_now
from moodline.demo.camera import add_camera
from moodline.demo.generated_month import DAYS, write_month
from runtime.children import start_child

_OPEN_S: Final = 60.0
_LOOK_S: Final = 0.2
_STOP_S: Final = 20.0


def fill(engine: Engine, clip: Path) -> None:
    """Give the demo's records a generated month, and a camera that plays the clip."""
    write_month(engine, utc_now())
    add_camera(engine, clip)


def serve_demo(home: Path, port: int, console: Console) -> None:
    """Run `moodline up` in that home until Ctrl-C. Raises MoodlineError when it does not come up.

    port: of the dashboard; another one, when it is taken.
    """
    port = _free(port)
    env = {name: text for name, text in os.environ.items() if not _is_elsewhere(name)}
    env |= {"MOODLINE_HOME": str(home), "MOODLINE_LOG_LEVEL": "WARNING"}
    log = home / "up.log"
    command = [sys.executable, "-m", "moodline", "up", "--workers", "1", "--port", str(port)]
    up = start_child(command, env=env, log=log)
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait(up, port, log)
        console.print(
            f"\nThe dashboard is open: [bold]{url}[/]\n"
            f"It shows the clips, a camera that plays one of them live, and {DAYS} days that were "
            "generated, marked so.\nCtrl-C ends everything and deletes it.",
            highlight=False,
        )
        if _has_desktop():
            webbrowser.open(url)
        up.wait()
    except KeyboardInterrupt:
        console.print("Stopping.")
    finally:
        _stop(up)


def _is_elsewhere(name: str) -> bool:
    """Whether the setting would lead the demo to its user's records, broker or users."""
    return name in {
        "MOODLINE_DATABASE_URL",
        "MOODLINE_REDIS_URL",
        "MOODLINE_HEALTH",
        "MOODLINE_DASHBOARD_PASSWORD",
    }


def _free(port: int) -> int:
    """The port, or one that the system chooses where another program has it."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(up: "subprocess.Popen[str]", port: int, log: Path) -> None:
    """Until the dashboard answers."""
    until = time.monotonic() + _OPEN_S
    while time.monotonic() < until:
        with suppress(OSError), closing(HTTPConnection("127.0.0.1", port, timeout=5)) as asked:
            asked.request("GET", "/healthz")
            if asked.getresponse().status == HTTPStatus.OK:
                return
        try:
            up.wait(_LOOK_S)
        except subprocess.TimeoutExpired:
            continue
        break
    said = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise MoodlineError("the dashboard did not come up" + (f": {said[0]}" if said else ""))


def _has_desktop() -> bool:
    """Whether somebody sits before this machine: a browser in a terminal would be in the way."""
    if not sys.stdout.isatty():
        return False
    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _stop(up: "subprocess.Popen[str]") -> None:
    up.terminate()
    try:
        up.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        up.kill()
        up.wait()
