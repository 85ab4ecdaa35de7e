"""Settings that do not exist are reported, with the nearest name."""

from pathlib import Path

import pytest

from contracts.parsing.unknown_settings import unknown_settings
from contracts.settings import Settings

KNOWN = {f"MOODLINE_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("MOODLINE_KEEP_FACE_DAYS", "MOODLINE_KEEP_FACES_DAYS"),
        ("MOODLINE_DATABASE", "MOODLINE_DATABASE_URL"),
        ("MOODLINE_TIME_ZONE", "MOODLINE_TIMEZONE"),
        ("MOODLINE_DETECTORS", "MOODLINE_DETECTOR"),
    ],
)
def test_a_misspelt_setting_is_named_with_the_nearest_one(name: str, nearest: str) -> None:
    (line,) = unknown_settings({name: "1", "PATH": "/bin"}, (), KNOWN)
    assert line == (f"{name} is not a setting of moodline, and is ignored: did you mean {nearest}?")


def test_a_name_that_is_near_to_none_leads_to_the_list() -> None:
    (line,) = unknown_settings({"MOODLINE_FOO": "1"}, (), KNOWN)
    assert line.startswith("MOODLINE_FOO is not a setting")
    assert line.endswith("see docs/reference/settings.md")


def test_settings_and_the_names_beside_them_are_known(tmp_path: Path) -> None:
    (tmp_path / "moodline_secret_key").touch()
    others = ("MOODLINE_SECRETS", "MOODLINE_POSTGRES_PASSWORD")
    assert not unknown_settings(dict.fromkeys((*KNOWN, *others), "1"), [tmp_path], KNOWN)


def test_a_secret_file_of_no_setting_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "moodline_secret_kye").touch()
    (line,) = unknown_settings({}, [tmp_path], KNOWN)
    assert str(tmp_path / "moodline_secret_kye") in line
    assert "MOODLINE_SECRET_KEY" in line
