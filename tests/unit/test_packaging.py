"""Packages on disk are checked, shipped and covered by the import rules."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
CHECKED_NOT_SHIPPED = {"benchmarks"}


def test_every_package_is_shipped_typed_and_under_the_import_rules() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    shipped = packages - CHECKED_NOT_SHIPPED

    assert set(PROJECT["hatch"]["build"]["targets"]["wheel"]["packages"]) == shipped
    assert set(PROJECT["mypy"]["packages"]) == packages
    assert set(PROJECT["importlinter"]["root_packages"]) == shipped


def test_workers_and_the_demo_install_no_tensorflow() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = ["worker", "embedded", "ingest", "export", "postgres", "all"]
    asked = [
        *extras["dependencies"],
        *(one for n in names for one in extras["optional-dependencies"][n]),
    ]
    assert not [one for one in asked if one.startswith(("tensorflow", "keras", "torch"))]


def test_every_extra_that_something_names_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = set(project["optional-dependencies"])
    named = set()
    for path in (ROOT / "Makefile", ROOT / "Dockerfile", ROOT / "docker-compose.yml"):
        named |= set(re.findall(r"--extra ([a-z]+)", path.read_text()))
        named |= set(re.findall(r"EXTRAS: ([a-z]+)", path.read_text()))
    for path in [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/*.py"), ROOT / "README.md"]:
        for group in re.findall(r"moodline\[([a-z,]+)\]", path.read_text()):
            named |= set(group.split(","))
    assert {"all", "gpu", "train"} <= named <= extras
