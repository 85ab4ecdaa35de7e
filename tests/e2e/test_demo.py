"""`moodline demo` and `moodline doctor`."""

import re
import signal
import socket
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path

from tests.e2e.commands import TIMEOUT_S, Installation, assert_plain_failure, poll
from tests.rtsp import free_ports


def test_the_demo_detects_its_script_and_opens_the_dashboard(
    installation: Installation, tmp_path: Path
) -> None:
    (taken,) = free_ports(1)
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", taken))
        other.listen()
        installation.env = {"TMPDIR": str(tmp_path)}
        process = installation.start("demo", "--keep", tmp_path / "clips", "--port", str(taken))
        assert process.stdout is not None
        output = ""
        while "Press Ctrl-C to stop" not in output:
            line = process.stdout.readline()
            assert line, output
            output += line
    address = re.search(r"http://127\.0\.0\.1:(\d+)/login\?link=[\w-]+", output)
    assert address is not None and address[1] != str(taken), "the port is in use"
    (home,) = tmp_path.glob("moodline-demo-*")
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(address[0], timeout=60) as answer:
        assert b"moodline" in answer.read() and answer.url.endswith("/now"), "signed in"
    with closing(sqlite3.connect(home / "moodline.db")) as records:
        poll(lambda: _has_live_frames(records))
        generated = records.execute(
            """SELECT count(DISTINCT source_pk), count(DISTINCT start) FROM rollups
            JOIN sources ON id = source_pk WHERE tags = '["generated"]' AND width_s = 3600"""
        ).fetchone()
    assert generated[0] == 3 and generated[1] >= 30 * 24
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 0, out + err
    assert " no  " not in output
    assert "0 faces detected where no face was" in output
    assert sorted(path.name for path in (tmp_path / "clips").iterdir()) == [
        *("coming-and-going.mp4", "empty-room.mp4", "one-face.mp4", "three-crossing.mp4")
    ]
    assert not installation.home.exists(), "the demo must not touch the user's database"
    assert not home.exists()


def _has_live_frames(records: sqlite3.Connection) -> bool:
    """Return whether frames of the demo camera were analysed."""
    analyzed = records.execute(
        """SELECT sum(frames_analyzed) FROM run_state JOIN runs ON id = run_pk
        WHERE kind = 'live'"""
    ).fetchone()[0]
    return bool(analyzed)


def test_a_camera_is_watched_until_it_ends(installation: Installation, one_face: Path) -> None:
    done = installation.run("demo", "--camera", one_face)

    assert done.returncode == 0, done.stderr
    assert "60 frames captured" in done.stdout and "a face in 100%" in done.stdout


def test_a_missing_camera_is_one_line(installation: Installation) -> None:
    assert_plain_failure(installation.run("demo", "--camera", "/dev/video99"))


def test_doctor_passes_on_a_fresh_installation(installation: Installation) -> None:
    done = installation.run("doctor")

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok") >= 6


def test_doctor_reports_a_wrong_model_and_broker(installation: Installation) -> None:
    installation.env = {
        "MOODLINE_MODEL": "/no/such/model",
        "MOODLINE_REDIS_URL": "redis://:s3cret@127.0.0.1:1/0",
    }
    done = installation.run("doctor")

    assert done.returncode == 2
    assert done.stdout.count("FAIL") == 2
    assert "s3cret" not in done.stdout + done.stderr
