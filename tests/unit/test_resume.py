"""The slow lane continues where it was ended: tests that passed on this code are left out."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.resume import PASSED, Resume


@pytest.fixture
def project(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(".pytest_cache/\n")
    (tmp_path / "code.py").write_text("x = 1\n")
    return tmp_path


def session(project: Path, **more: Any) -> Resume:
    return Resume(SimpleNamespace(rootpath=project, **more))  # type: ignore[arg-type]


def note(lane: Resume, name: str, **outcomes: bool) -> None:
    for when, passed in outcomes.items():
        lane.pytest_runtest_logreport(SimpleNamespace(nodeid=name, when=when, passed=passed))  # type: ignore[arg-type]


def left(lane: Resume, names: Iterable[str]) -> list[str]:
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in names]
    config: Any = SimpleNamespace(hook=SimpleNamespace(pytest_deselected=lambda items: None))
    lane.pytest_collection_modifyitems(config, items)
    return [item.nodeid for item in items]


def test_what_passed_is_left_out_and_what_failed_is_run_again(project: Path) -> None:
    first = session(project)
    note(first, "passes", setup=True, call=True, teardown=True)
    note(first, "fails", setup=True, call=False, teardown=True)
    note(first, "leaves a mess", setup=True, call=True, teardown=False)
    note(first, "is skipped", setup=False, teardown=True)
    again = session(project)
    names = ["passes", "fails", "leaves a mess", "is skipped", "new"]
    assert left(first, names) == names
    assert left(again, names) == names[1:]
    assert again.pytest_report_header().startswith("1 tests passed on this code before")


def test_other_code_begins_again(project: Path) -> None:
    note(session(project), "passes", setup=True, call=True, teardown=True)
    (project / "code.py").write_text("x = 2\n")
    assert left(session(project), ["passes"]) == ["passes"]
    assert len((project / PASSED).read_text().splitlines()) == 1


def test_a_process_of_xdist_notes_nothing(project: Path) -> None:
    session(project)
    note(session(project, workerinput={}), "passes", setup=True, call=True, teardown=True)
    assert left(session(project), ["passes"]) == ["passes"]


def test_without_git_every_test_is_run(tmp_path: Path) -> None:
    note(session(tmp_path), "passes", setup=True, call=True, teardown=True)
    assert left(session(tmp_path), ["passes"]) == ["passes"]


def test_a_lane_of_which_nothing_is_left_has_passed(project: Path) -> None:
    note(session(project), "passes", setup=True, call=True, teardown=True)
    finished = SimpleNamespace(exitstatus=pytest.ExitCode.NO_TESTS_COLLECTED)
    session(project).pytest_sessionfinish(finished, finished.exitstatus)  # type: ignore[arg-type]
    assert finished.exitstatus == pytest.ExitCode.OK
