"""The units of deploy/systemd: accepted by systemd, closed off, and with commands that exist."""

import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from moodline.cli import command_line
from tests.requirements import lacking

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
SHARED = FOLDER / "moodline-.service.d" / "hardening.conf"
PROGRAM = "/opt/moodline/bin/moodline"


def read(path: Path) -> ConfigParser:
    # A directive may be repeated: systemd joins the values; here the last one is enough.
    parser = ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text())
    return parser


def test_there_is_a_unit_for_everything_and_for_each_service() -> None:
    assert {unit.stem for unit in UNITS} == {
        "moodline-up",
        "moodline-ingest",
        "moodline-worker@",
        "moodline-scheduler",
        "moodline-dashboard",
    }


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_command_of_a_unit_exists_with_its_options(unit: Path) -> None:
    program, name, *options = read(unit)["Service"]["ExecStart"].split()
    assert program == PROGRAM
    command_line().commands[name].make_context(name, options)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_limits_its_memory_and_loosens_nothing(unit: Path) -> None:
    own, shared = read(unit)["Service"], read(SHARED)["Service"]
    assert own["MemoryMax"] and own["TasksMax"]
    assert set(own) & set(shared) <= {"Environment"}, "systemd would take the shared file's"


def test_the_units_are_closed_off() -> None:
    shared = read(SHARED)["Service"]
    assert shared["User"] == "moodline"
    assert shared["UMask"] == "0077" and shared["StateDirectoryMode"] == "0700"
    assert shared["CapabilityBoundingSet"] == "" and shared["NoNewPrivileges"] == "yes"
    assert shared["ProtectSystem"] == "strict" and shared["PrivateTmp"] == "yes"
    assert shared["LimitCORE"] == "0", "core dumps hold faces"
    assert "PASSWORD" not in SHARED.read_text() and "_KEY=" not in SHARED.read_text()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units in a folder of their own, with a program that exists."""
    folder = tmp_path_factory.mktemp("system")
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    program = str(Path(sys.executable).parent / "moodline")
    for unit in folder.glob("*.service"):
        unit.write_text(unit.read_text().replace(PROGRAM, program))
    return folder


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_accepts_a_unit_and_calls_it_closed_off(unit: Path, installed: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        lacking("systemd", "systemd is not installed")
    name = unit.name.replace("@", "@1")
    where = os.environ | {"SYSTEMD_UNIT_PATH": f"{installed}:"}
    verified = subprocess.run(
        [analyze, "verify", "--man=no", installed / name],
        env=where,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "moodline" not in verified.stderr, verified.stderr
    judged = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", installed / name],
        env=where,
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
