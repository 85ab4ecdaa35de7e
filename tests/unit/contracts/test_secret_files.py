"""Settings in files: secrets of a container or of a systemd unit."""

from pathlib import Path

import pytest

from contracts.errors import SettingsError
from contracts.settings import Settings


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secret files, named in the environment."""
    for name in ("MOODLINE_SECRET_KEY", "MOODLINE_REDIS_URL", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("MOODLINE_SECRETS", str(folder))
    return folder


def test_a_setting_is_read_from_its_file(secrets: Path) -> None:
    (secrets / "moodline_secret_key").write_text("a key of enough length\n")
    assert Settings.read().secret_key == "a key of enough length"


def test_the_environment_goes_before_a_file(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "moodline_redis_url").write_text("redis://from-the-file:6379/0")
    monkeypatch.setenv("MOODLINE_REDIS_URL", "redis://given:6379/0")
    assert Settings.read().redis_url == "redis://given:6379/0"


def test_the_credentials_of_a_systemd_unit_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOODLINE_SECRETS", raising=False)
    monkeypatch.delenv("MOODLINE_SECRET_KEY", raising=False)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "moodline_secret_key").write_text("a key of enough length")
    assert Settings.read().secret_key == "a key of enough length"


def test_a_missing_folder_is_named(secrets: Path) -> None:
    secrets.rmdir()
    with pytest.raises(SettingsError, match=r"^MOODLINE_SECRETS: .*secrets is not a folder"):
        Settings.read()


def test_a_file_that_cannot_be_read_is_named(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_given: object, **_named: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    (secrets / "moodline_secret_key").touch()
    monkeypatch.setattr(Path, "read_text", refuse)  # Tests may run as root, who reads everything.
    with pytest.raises(SettingsError, match=r"a secret file cannot be read .*moodline_secret_key"):
        Settings.read()


def test_a_bad_value_in_a_file_names_its_setting(secrets: Path) -> None:
    (secrets / "moodline_health").write_text("nowhere")
    with pytest.raises(SettingsError, match=r"^MOODLINE_HEALTH: "):
        Settings.read()
