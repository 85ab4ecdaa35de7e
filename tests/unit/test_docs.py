"""The documentation covers every command, option and setting, and its links lead to files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.settings import Settings
from contracts.shared_folders import SharedFolders
from moodline.cli import command_line

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


COMMANDS = dict(commands(command_line(), "moodline"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    page = (ROOT / "docs" / "reference" / "commands.md").read_text()
    assert name in page
    for parameter in COMMANDS[name].params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            option = next(text for text in parameter.opts if text.startswith("--"))
            assert f"`{option}" in page or f"{option} " in page, option
            assert parameter.help, f"{name} {option} has no help"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_an_example(name: str) -> None:
    assert re.search(rf"Examples?: .*{name}", COMMANDS[name].epilog or "")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_description(name: str) -> None:
    setting = Settings.model_fields[name]
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `MOODLINE_{name.upper()}`")]
    assert setting.description
    assert setting.description in row
    default = setting.default
    if isinstance(default, tuple):
        default = ",".join(default)
    if isinstance(default, bool):
        default = str(default).lower()
    if default not in ("", None, SharedFolders()):
        assert f"`{default}`" in row


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_architecture_names_files_that_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = re.findall(r"`([\w/]+\.py)`", page)
    assert len(named) > 50
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_threat_model_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text()
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", page))
    assert len(named) > 10
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_of_prose_are_at_most_120_characters(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []
