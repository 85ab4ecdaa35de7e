"""Rules that every style sheet follows."""

import re
from pathlib import Path

import pytest

import dashboard

SHEETS = sorted((Path(dashboard.__file__).parent / "assets").rglob("*.css"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda one: one.name)
def test_font_sizes_follow_the_text_size_of_the_browser(sheet: Path) -> None:
    fixed = re.findall(r"(?:font-size|font):[^;]*\dpx[^;]*;", sheet.read_text())
    assert not fixed


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda one: one.name)
def test_no_rule_depends_on_a_text_that_is_translated(sheet: Path) -> None:
    assert not re.findall(r"\[(?:aria-label|title|placeholder|alt)[~|^$*]?=", sheet.read_text())


def test_the_style_sheets_are_found() -> None:
    assert len(SHEETS) >= 7
