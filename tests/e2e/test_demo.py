"""The demo reads back its own schedule."""

from pathlib import Path

from tests.e2e.commands import Installation, assert_plain_failure


def test_the_schedule_is_read_back(installation: Installation, tmp_path: Path) -> None:
    done = installation.run("demo", "--keep", tmp_path / "clips")

    assert done.returncode == 0, done.stdout + done.stderr
    assert " no  " not in done.stdout
    assert "0 faces read where nobody was" in done.stdout
    assert sorted(path.name for path in (tmp_path / "clips").iterdir()) == [
        *("coming-and-going.mp4", "empty-room.mp4", "one-face.mp4", "three-crossing.mp4")
    ]
    assert not installation.home.exists(), "a demo belongs to nobody's records"


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
