"""`moodline analyze` with bad recordings, addresses and options: each failure is one plain line."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.commands import TIMEOUT_S, Installation, assert_plain_failure
from tests.media import write_sound


def test_bad_recordings_are_named_and_the_others_are_analysed(
    installation: Installation, one_face: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.mp4").write_text("this is no video")
    (tmp_path / "nothing.mp4").touch()
    write_sound(tmp_path / "sound.mp4")
    (tmp_path / "cut.mp4").write_bytes(one_face.read_bytes()[:-1500])
    bad = ["text.mp4", "nothing.mp4", "sound.mp4", "missing.mp4", "cut.mp4"]

    done = installation.run("analyze", one_face, *(tmp_path / name for name in bad), "--json")

    assert_plain_failure(done)
    files = {Path(file["path"]).name: file for file in json.loads(done.stdout)["files"]}
    assert files["one-face.mp4"]["faces"] == 60
    assert files["one-face.mp4"]["error"] == ""
    for name in bad:
        assert files[name]["error"], name
        assert "\n" not in files[name]["error"]
    report = installation.run("analyze", one_face, *(tmp_path / name for name in bad))
    assert_plain_failure(report)
    for name in bad:
        line = re.search(rf"^{re.escape(name)}:? (.+)", report.stdout, re.MULTILINE)
        assert line, "the failure is not in the report"
        assert name not in line[1], "the file is named twice"


def test_a_recording_without_read_permission_is_named(
    installation: Installation, one_face: Path, tmp_path: Path
) -> None:
    locked = tmp_path / "locked.mp4"
    locked.write_bytes(one_face.read_bytes())
    locked.chmod(0)
    if os.geteuid() == 0:  # Root reads every file, unless it gives that right up.
        rights = "-dac_override,-dac_read_search"
        installation.prefix = ["setpriv", f"--bounding-set={rights}", "--inh-caps=-all"]

    process = installation.start("analyze", locked)
    stdout, stderr = process.communicate(timeout=TIMEOUT_S)

    done = subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
    assert_plain_failure(done)
    assert "locked.mp4" in done.stdout


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("MOODLINE_DATABASE_URL", "postgresql://someone:s3cret@127.0.0.1:1/records"),
        ("MOODLINE_DATABASE_URL", "nonsense"),
        ("MOODLINE_REDIS_URL", "redis://:s3cret@127.0.0.1:1/0"),
        ("MOODLINE_REDIS_URL", "nonsense"),
    ],
)
def test_a_wrong_url_is_one_line_without_its_password(
    installation: Installation, one_face: Path, name: str, url: str
) -> None:
    installation.env = {name: url}

    done = installation.run("analyze", one_face)

    assert_plain_failure(done)
    assert "s3cret" not in done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--export", "faces.xlsx"],
        ["--export", "/no/such/folder/faces.csv"],
        ["--annotate", "faces.txt"],
        ["--recorded-at", "yesterday"],
        ["--recorded-at-pattern", "("],
    ],
)
def test_impossible_options_are_refused_before_the_analysis(
    installation: Installation, one_face: Path, arguments: list[str]
) -> None:
    done = installation.run("analyze", one_face, *arguments)

    assert_plain_failure(done)
    assert not json.loads(installation.run("runs", "list", "--json").stdout)["runs"]
