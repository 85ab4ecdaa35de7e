"""The demo reads back its own schedule."""

import re
import signal
import socket
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path

from tests.e2e.commands import Installation, assert_plain_failure, poll
from tests.rtsp import free_ports


def test_the_schedule_is_read_back_and_the_dashboard_opens(
    installation: Installation, tmp_path: Path
) -> None:
    (taken,) = free_ports(1)
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", taken))
        other.listen()
        installation.env = {"TMPDIR": str(tmp_path)}
        process = installation.start("demo", "--keep", tmp_path / "clips", "--port", str(taken))
        assert process.stdout is not None
        said = ""
        while "Ctrl-C ends everything" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
    address = re.search(r"http://127\.0\.0\.1:(\d+)/", said)
    assert address is not None and address[1] != str(taken), "another has that port"
    (home,) = tmp_path.glob("moodline-demo-*")
    with urllib.request.urlopen(address[0], timeout=60) as answer:
        assert b"moodline" in answer.read()
    with closing(sqlite3.connect(home / "moodline.db")) as records:
        poll(lambda: _played_live(records))
        generated = records.execute(
            """SELECT count(DISTINCT source_pk), count(DISTINCT start) FROM rollups
            JOIN sources ON id = source_pk WHERE tags = '["generated"]' AND width_s = 3600"""
        ).fetchone()
    assert generated[0] == 3 and generated[1] >= 30 * 24
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, out + err
    assert " no  " not in said
    assert "0 faces read where nobody was" in said
    assert sorted(path.name for path in (tmp_path / "clips").iterdir()) == [
        *("coming-and-going.mp4", "empty-room.mp4", "one-face.mp4", "three-crossing.mp4")
    ]
    assert not installation.home.exists(), "a demo belongs to nobody's records"
    assert not home.exists()


def _played_live(records: sqlite3.Connection) -> bool:
    """Whether frames of the camera that plays a clip were analysed."""
    analyzed = records.execute(
        """SELECT sum(frames_analyzed) FROM run_state JOIN runs ON id = run_pk
        WHERE kind = 'live'"""
    ).fetchone()[0]
    return bool(analyzed)


def test_a_camera_is_read_until_it_ends(installation: Installation, one_face: Path) -> None:
    done = installation.run("demo", "--camera", one_face)

    assert done.returncode == 0, done.stderr
    assert "60 frames captured" in done.stdout and "a face in 100%" in done.stdout


def test_a_camera_that_is_not_there_says_so(installation: Installation) -> None:
    assert_plain_failure(installation.run("demo", "--camera", "/dev/video99"))


def test_doctor_finds_a_fresh_installation_well(installation: Installation) -> None:
    done = installation.run("doctor")

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok") >= 6


def test_doctor_says_what_is_wrong_and_what_to_do(installation: Installation) -> None:
    installation.env = {
        "MOODLINE_MODEL": "/no/such/model",
        "MOODLINE_REDIS_URL": "redis://:s3cret@127.0.0.1:1/0",
    }
    done = installation.run("doctor")

    assert done.returncode == 1
    assert done.stdout.count("FAIL") == 2
    assert "s3cret" not in done.stdout + done.stderr
