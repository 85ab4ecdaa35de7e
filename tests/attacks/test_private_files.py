"""Another user of the host looks for files of moodline to read: no file is readable by others."""

import http.client
import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics.export.atomic_files import atomic_file
from records.users.accounts import add_user
from records.users.roles import Role
from runtime.files.private_files import make_private
from tests.e2e.commands import TIMEOUT_S, Installation, poll
from tests.e2e.live_stack import LiveStack
from tests.http_client import PASSWORD, cookie_of, sign_in
from tests.media import steady, write_video
from tests.rtsp import free_ports

USUAL_UMASK = 0o022


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """The umask of most users, under which every program's files are readable by others."""
    before = os.umask(USUAL_UMASK)
    yield
    os.umask(before)


def moodline(home: Path, *words: str | Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run a command, which must succeed."""
    done = Installation(home, env).run(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def open_to_others(*places: Path, bits: int = 0o077) -> list[str]:
    """The files and folders that others may use, with their permissions."""
    paths = [one for place in places for one in (place, *place.rglob("*"))]
    return [f"{mode(one):o} {one}" for one in paths if mode(one) & bits and not one.is_symlink()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_no_file_of_a_session_of_use_is_readable_by_others(tmp_path: Path) -> None:
    """Given the usual umask, when recordings are analysed, exported and drawn, all is private."""
    home, out = tmp_path / "home", tmp_path / "out"
    out.mkdir(mode=0o700)
    clip = tmp_path / "clip.mp4"
    write_video(clip, steady(4))
    process = Installation(home).start(  # With processes that inherit the umask of their parent.
        *("analyze", clip, "--no-progress", "--workers", "1"),
        *("--export", out / "rows.csv", "--annotate", out / "copy.mp4"),
    )
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    moodline(home, "export", "--out", out / "rows.parquet")
    moodline(home, "export", "--out", out / "rows.jsonl")
    moodline(home, "source", "add", "door", "rtsp://me:geheim-geheim@192.0.2.1/live")
    made = {one.name for one in (*home.rglob("*"), *out.rglob("*"))}
    assert {"moodline.db", "secret.key", "rows.csv", "rows.parquet", "copy.mp4"} <= made
    assert not open_to_others(home, out)


@pytest.mark.slow
def test_no_file_of_a_running_moodline_is_readable_by_others(tmp_path: Path) -> None:
    """Given `moodline up`, when a recording is sent, drawn and exported, all is private."""
    (port,) = free_ports(1)
    clip = tmp_path / "clip.mp4"
    write_video(clip, steady(4))
    stack = LiveStack(Installation(tmp_path / "home"), tmp_path / "up.log", port=port)
    with stack:
        stack.wait_for_dashboard()
        add_user(stack.engine, "ada", Role.ADMIN, PASSWORD, actor="test")
        cookie = cookie_of(sign_in(stack.address, "ada", PASSWORD))

        def send(method: str, path: str, body: bytes = b"") -> Any:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            headers = {"Cookie": cookie, "Content-Type": "application/json"}
            connection.request(method, f"/api/recordings{path}", body, headers)
            answer = connection.getresponse()
            found = answer.read()
            assert answer.status == 200, found
            return json.loads(found) if found[:1] == b"{" else found

        data = clip.read_bytes()
        new = {"name": "clip.mp4", "size": len(data), "mark": ""}
        upload = send("POST", "/upload", json.dumps(new).encode())["id"]
        send("PUT", f"/upload/{upload}?offset=0", data)
        run = send("POST", f"/upload/{upload}/finish")["run"]
        poll(stack.all_runs_done)
        send("POST", f"/run/{run}/annotate")
        home = stack.installation.home
        poll((home / "uploads" / "annotated" / f"{run}.mp4").exists)
        assert b"frame_index" in send("GET", f"/run/{run}/csv")
        broker = Path(stack.broker.removeprefix("unix://")).parent
        assert not open_to_others(home, broker)
    assert not open_to_others(home)


def test_an_existing_home_is_closed_once_and_it_is_said(tmp_path: Path) -> None:
    """Given a home of an earlier version, the first command closes it and says so, once."""
    home = tmp_path / "home"
    (home / "uploads" / "annotated").mkdir(parents=True)
    for name in ("moodline.db-wal", "uploads/annotated/run.mp4", "secret.key"):
        (home / name).touch()
    (outside := tmp_path / "outside").touch()
    (home / "link").symlink_to(outside)
    first = moodline(home, "runs", "list")
    assert "took the permissions of other users from 6 files and folders" in first.stderr
    assert not open_to_others(home)
    assert mode(outside) == 0o644, "a link was followed"
    assert "permissions" not in moodline(home, "runs", "list").stderr


def test_an_owner_shares_files_with_a_group(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = moodline(home, "runs", "list", MOODLINE_UMASK="027")
    assert "permissions" not in done.stderr
    assert mode(home / "moodline.db") == 0o640 and mode(home) == 0o750


@pytest.mark.parametrize("umask", ["7", "777", "177", "07", "0x7", "0888"])
def test_a_umask_that_is_none_or_locks_the_owner_out_is_refused(tmp_path: Path, umask: str) -> None:
    done = Installation(tmp_path / "home", {"MOODLINE_UMASK": umask}).run("runs", "list")
    assert done.returncode == 2 and "MOODLINE_UMASK" in done.stderr


def test_folders_that_other_programs_use_stay_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a home that is the user's own or one for temporary files, only the database closes."""
    (user := tmp_path / "user").mkdir()
    (temporary := tmp_path / "tmp").mkdir()
    temporary.chmod(0o1777)
    monkeypatch.setenv("HOME", str(user))
    for folder in (user, temporary):
        (folder / "page.html").touch()
        (database := folder / "moodline.db").touch()
        assert make_private([folder], [database], 0o077) == 1
        assert mode(database) == 0o600 and mode(folder / "page.html") == 0o644


def test_a_new_file_is_private_and_an_existing_one_keeps_its_permissions(tmp_path: Path) -> None:
    os.umask(0o077)
    new, shared = tmp_path / "new.csv", tmp_path / "shared.csv"
    shared.touch()
    shared.chmod(0o664)
    for path in (new, shared):
        with atomic_file(path) as part:
            assert mode(part) == 0o600
            part.write_text("rows")
    assert (mode(new), mode(shared)) == (0o600, 0o664)
