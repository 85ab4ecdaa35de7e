"""`moodline apply` and `moodline export-config` as commands."""

from pathlib import Path

from tests.e2e.commands import Installation, assert_plain_failure

FILE = """\
version: 1
sources:
  door:
    address: {file: door-address}
    tags: [front]
alerts:
  Away: {when: away > 2m, sources: [door]}
"""


def test_a_file_is_tried_applied_exported_and_refused(tmp_path: Path) -> None:
    home, path = Installation(tmp_path / "home"), tmp_path / "moodline.yaml"
    (tmp_path / "door-address").write_text("rtsp://me:s3cret@camera.local/live\n")
    path.write_text(FILE)

    tried = home.run("apply", path, "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert "+ sources door" in tried.stdout and "Nothing was changed." in tried.stdout
    assert "camera.local" not in home.run("source", "list").stdout

    done = home.run("apply", path)
    assert done.stdout.endswith("2 changes made.\n")
    assert "Nothing to change" in home.run("apply", path).stdout
    exported = home.run("export-config")
    assert "# address: rtsp://camera.local" in exported.stdout
    typed = home.run("apply", "-", "--prune", typed=exported.stdout)
    assert "Nothing to change" in typed.stdout, typed.stderr
    for shown in (tried, done, exported):
        assert "s3cret" not in shown.stdout + shown.stderr

    path.write_text(FILE.replace("tags", "tag").replace("away > 2m", "2"))
    wrong = home.run("apply", path)
    assert_plain_failure(wrong)
    said = "sources.door.tag: there is no key of this name. Did you mean tags?"
    assert f"error: {path}:5: {said}" in wrong.stderr
    missing = home.run("apply", tmp_path / "none.yaml")
    assert_plain_failure(missing)
    assert "cannot read" in missing.stderr
