"""`moodline watch` with an RTSP server, a file, and sources that do not exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import TIMEOUT_S, Installation, assert_plain_failure
from tests.rtsp import RtspCamera


def summary(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)
    assert found["captured"] == (
        found["analyzed"] + found["sampled_out"] + sum(found["dropped"].values())
    )
    return found


@pytest.mark.slow
def test_a_camera_that_restarts_is_reconnected(
    installation: Installation, long_clip: Path, tmp_path: Path
) -> None:
    with RtspCamera(long_clip.parent, tmp_path / "rtsp.log") as camera:
        url = camera.url(long_clip.name)
        process = installation.start("watch", url, "--fps", "5", "--seconds", "20", "--json")
        assert process.stderr is not None
        # Nothing is printed while it streams, so a second command shows when it does.
        first = installation.run("watch", url, "--seconds", "4", "--json")
        camera.kill()
        reason = process.stderr.readline()
        camera.start()
        out, rest = process.communicate(timeout=TIMEOUT_S)

    calm, shaken = summary(first.stdout), summary(out)
    assert first.returncode == process.returncode == 0, first.stderr + rest
    assert calm["with_face"] > 0.8 * calm["analyzed"] > 5
    assert re.match(r"(backing_off|stalled): ", reason), reason
    assert {"streaming", "backing_off"} <= set(shaken["states"])
    assert shaken["states"]["streaming"] > 5
    assert shaken["sampled_out"] > shaken["analyzed"] > 20
    assert not installation.home.exists(), "nothing is stored"


def test_a_wrong_path_is_reported_and_tried_again(
    installation: Installation, one_face: Path, tmp_path: Path
) -> None:
    with RtspCamera(one_face.parent, tmp_path / "rtsp.log") as camera:
        url = camera.url("nothing.mp4", credentials="user:s3cret@")
        done = installation.run("watch", url, "--seconds", "8")
    assert done.returncode == 1
    assert "backing_off" in done.stdout and "path" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr


def test_a_file_is_watched_to_its_end(installation: Installation, one_face: Path) -> None:
    done = installation.run("watch", one_face, "--json")
    found = summary(done.stdout)
    assert (done.returncode, found["captured"]) == (0, 60)
    assert found["seconds"] > 3 and found["tracks"] == 1


def test_a_missing_source_fails_at_once(installation: Installation, tmp_path: Path) -> None:
    for source in ("/dev/video99", tmp_path / "nothing.mp4", "ftp://host/a"):
        assert_plain_failure(installation.run("watch", source, "--seconds", "60"))
