"""Sealing: a secret in a URI is not in the stored text, and can be decrypted again."""

import stat
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import SettingsError, SourceError
from records.sources.sealing import Sealer

KEY = "a key that is long enough"
PASSWORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=4)


@given(PASSWORDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_sealed_password_is_restored(tmp_path: Path, password: str) -> None:
    sealer = Sealer(KEY, tmp_path)
    quoted = quote(password, safe="")
    uri = f"rtsp://me:{quoted}@camera.local/live?channel=1"
    stored = sealer.seal(uri)
    assert quoted not in stored and "camera.local" not in stored
    assert Sealer(KEY, tmp_path).resolve(stored, {}) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://camera.local",
        "http://camera.local:8080",
        "0",
        "/dev/video1",
        "/data/clip.mp4",
        "rtsp://${WHO}:${SECRET}@camera.local",
        "http://camera.local${SECRET}",
    ],
)
def test_a_uri_of_no_more_than_a_host_stays_plain(tmp_path: Path, uri: str) -> None:
    sealer = Sealer("", tmp_path)
    assert sealer.seal(uri) == uri
    resolved = sealer.resolve(uri, {"WHO": "me", "SECRET": "s3cret"})
    assert resolved == uri.replace("${WHO}", "me").replace("${SECRET}", "s3cret")
    assert not list(tmp_path.iterdir()), "no key file is created before it is needed"


@pytest.mark.parametrize(
    "uri",
    [
        *("rtsp://me:${A}x@h/", "http://h/?token=abc", "rtsp://${A}@u:p@h/", "rtsp://h/live"),
        *("rtsp://${A}:${B}@h/live", "http://h/?sid=${A}", "http://h#x", "rtsp://me@h"),
    ],
)
def test_a_uri_of_more_than_a_host_is_sealed(tmp_path: Path, uri: str) -> None:
    assert Sealer(KEY, tmp_path).seal(uri).startswith("sealed:")


def test_the_error_names_a_missing_variable(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="DOOR_PASSWORD"):
        Sealer(KEY, tmp_path).resolve("rtsp://me:${DOOR_PASSWORD}@h/", {})


def test_another_key_cannot_unseal(tmp_path: Path) -> None:
    stored = Sealer(KEY, tmp_path).seal("rtsp://me:s3cret@h/")
    with pytest.raises(SourceError, match="another key") as raised:
        Sealer(KEY + "!", tmp_path).resolve(stored, {})
    assert "MOODLINE_SECRET_KEY" in raised.value.hint


def test_only_the_owner_can_read_the_key_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    stored = Sealer("", home).seal("rtsp://me:s3cret@h/")
    (key,) = home.iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert Sealer("", home).resolve(stored, {}) == "rtsp://me:s3cret@h/"


def test_a_short_key_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="MOODLINE_SECRET_KEY"):
        Sealer("short", tmp_path)
