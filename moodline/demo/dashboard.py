"""The end of `moodline demo`: run all services on its results, until Ctrl-C."""

import os
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from rich.console import Console
from sqlalchemy import Engine

from contracts.errors import MoodlineError
from contracts.parsing.secret_files import SECRETS_VARIABLE, SYSTEMD_VARIABLE
from contracts.settings import LiveView
from contracts.times import utc_now
from moodline.demo.camera import add_camera
from moodline.demo.generated_month import DAYS, write_month
from moodline.services.sign_in_links import COMMAND, open_in_browser, sign_in_link
from runtime.processes.children import last_log_lines, start_child

_START_TIMEOUT_S: Final = 600.0
"""On a busy machine the imports alone take a minute. A service that cannot start ends by itself."""
_IS_SLOW_S: Final = 15.0
_POLL_S: Final = 0.2
_STOP_TIMEOUT_S: Final = 20.0


def add_demo_history(engine: Engine, clip: Path) -> None:
    """Add a generated month of history, and a demo camera that plays the clip."""
    write_month(engine, utc_now())
    add_camera(engine, clip)


def serve_demo(home: Path, clips: Path, port: int, console: Console) -> None:
    """Run `moodline up` in this home until Ctrl-C. Raises MoodlineError if it does not start.

    clips: the folder of the recordings, which the pages play. port: of the dashboard; if it is in
    use, a free one is used instead.
    """
    port = _free_port(port)
    env = {name: text for name, text in os.environ.items() if not _names_other_data(name)}
    env |= {
        "MOODLINE_HOME": str(home),
        "MOODLINE_RECORDING_FOLDERS": str(clips.absolute()),
        "MOODLINE_LOG_LEVEL": "WARNING",
        "MOODLINE_LIVE_VIEW": str(LiveView.CLEAR),  # The faces belong to nobody.
    }
    log = home / "up.log"
    command = [sys.executable, "-m", "moodline", "up", "--workers", "1", "--port", str(port)]
    up = start_child(command, env=env, log=log)
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait(up, port, log, console)
        console.print(
            f"\nThe dashboard is open: [bold]{sign_in_link(home, url)}[/]\n"
            f"The link works once; for another one: MOODLINE_HOME={home} {COMMAND} --at {url}\n"
            f"It shows the clips, a camera that plays one of them live, and {DAYS} days of "
            "generated data, which are marked.\nPress Ctrl-C to stop and to delete all of it.",
            highlight=False,
            soft_wrap=True,
        )
        if _has_desktop():
            open_in_browser(home, sign_in_link(home, url))
        up.wait()
    except KeyboardInterrupt:
        console.print("Stopping ...")
    finally:
        _stop(up)


def _names_other_data(name: str) -> bool:
    """Whether the setting is of the user's own database, broker, users or certificate."""
    return name in {
        "MOODLINE_DATABASE_URL",
        "MOODLINE_REDIS_URL",
        "MOODLINE_HEALTH",
        "MOODLINE_DASHBOARD_PASSWORD",
        "MOODLINE_DASHBOARD_TLS_CERT",
        "MOODLINE_DASHBOARD_TLS_KEY",
        SECRETS_VARIABLE,
        SYSTEMD_VARIABLE,
    }


def _free_port(port: int) -> int:
    """Return the port, or another free one if a program uses it."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(up: "subprocess.Popen[bytes]", port: int, log: Path, console: Console) -> None:
    """Wait until the dashboard answers. Raises MoodlineError, with the reason, if it does not."""
    begin_s, has_told = time.monotonic(), False
    while time.monotonic() < begin_s + _START_TIMEOUT_S:
        if not has_told and time.monotonic() > begin_s + _IS_SLOW_S:
            console.print("The dashboard starts. On a busy machine this takes a minute or two.")
            has_told = True
        with suppress(OSError), closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == HTTPStatus.OK:
                return
        try:
            up.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            continue
        reason = last_log_lines(log) or f"it ended with status {up.returncode}"
        raise MoodlineError(
            f"the demo was analysed, but its dashboard did not start: {reason}",
            hint="Run `moodline doctor`, or `moodline demo --port 0` without a dashboard",
        )
    raise MoodlineError(
        f"the dashboard did not answer within {_START_TIMEOUT_S / 60:.0f} minutes",
        hint="The machine may be too busy: try again later, or `moodline demo --port 0`",
    )


def _has_desktop() -> bool:
    """Whether a browser can open in a window; one in the terminal would hide the output."""
    if not sys.stdout.isatty():
        return False
    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _stop(up: "subprocess.Popen[bytes]") -> None:
    up.terminate()
    try:
        up.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        up.kill()
        up.wait()
