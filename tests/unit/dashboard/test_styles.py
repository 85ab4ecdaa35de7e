"""The style sheets keep to what the whole dashboard promises."""

import re
from pathlib import Path

import pytest

import dashboard

SHEETS = sorted((Path(dashboard.__file__).parent / "assets").glob("*.css"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda one: one.name)
def test_text_grows_with_the_browsers_text_size(sheet: Path) -> None:
    fixed = re.findall(r"(?:font-size|font):[^;]*\dpx[^;]*;", sheet.read_text())
    assert not fixed


def test_there_are_style_sheets() -> None:
    assert len(SHEETS) >= 7
