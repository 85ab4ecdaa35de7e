"""`moodline source discover`, against a camera on this host."""

import json
from pathlib import Path

from tests.e2e.commands import Installation
from tests.onvif_camera import PASSWORD, USER, onvif_camera


def test_the_command_lists_cameras_and_keeps_the_password_to_itself(tmp_path: Path) -> None:
    home = Installation(tmp_path / "home")
    with onvif_camera(guarded=True) as camera:
        asked = ("source", "discover", "--address", f"127.0.0.1:{camera.port}", "--timeout", "0.7")
        plain = home.run(*asked)
        assert "Front Door X1" in plain.stdout and "Give them with --user" in plain.stdout
        shown = home.run(*asked, "--user", USER, "--json", typed=f"{PASSWORD}\n")
        (device,) = json.loads(shown.stdout)["devices"]
        assert [one["uri"] for one in device["streams"]] == [
            f"rtsp://192.168.7.9:554/{name}" for name in ("main", "sub")
        ]
        assert PASSWORD not in shown.stdout + shown.stderr
    refused = home.run("source", "discover", "--user", USER)
    assert refused.returncode == 2 and "--user needs --address" in refused.stderr
