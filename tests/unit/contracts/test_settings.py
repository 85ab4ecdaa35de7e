"""Settings: parsed and checked at start; a bad value names itself."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from contracts.errors import SettingsError
from contracts.parsing.addresses import HostPort, is_loopback
from contracts.settings import Settings


def read(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(f"MOODLINE_{name}", value)
    return Settings.read()


def test_settings_are_typed_values(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        HEALTH="[::1]:9464",
        SHARED_FOLDERS="nas=/mnt/nas, cams=/data/cams",
        SOURCE_HOSTS="camera.local, ::1,",
        DASHBOARD_PROXIES="127.0.0.1,172.16.0.0/12",
        TIMEZONE="Europe/Berlin",
    )
    assert settings.health == HostPort("::1", 9464)
    assert str(settings.health) == "[::1]:9464"
    assert settings.shared_folders.folders == {
        "nas": Path("/mnt/nas"),
        "cams": Path("/data/cams"),
    }
    assert settings.source_hosts == ("camera.local", "::1")
    assert settings.dashboard_proxies == ("127.0.0.1", "172.16.0.0/12")
    assert settings.timezone == ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("name", ["HEALTH", "SHARED_FOLDERS", "SOURCE_HOSTS", "UPLOADS"])
def test_an_empty_setting_is_its_default(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"MOODLINE_{name}", raising=False)
    default = Settings.read()
    assert read(monkeypatch, **{name: ""}) == default


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("HEALTH", value) for value in ("9464", "127.0.0.1:", ":9464", "127.0.0.1:port")),
        ("HEALTH", "127.0.0.1:65536"),
        *(("SHARED_FOLDERS", value) for value in ("nas", "nas=relative", "=/x")),
        *(("SOURCE_HOSTS", value) for value in ("http://camera", "camera:554", "a b")),
        *(("DASHBOARD_PROXIES", value) for value in ("*", "proxy.example", "127.0.0.1,x")),
        ("DASHBOARD_PROXIES", "10.0.0.0/99"),
        *(("TIMEZONE", value) for value in ("Mars/Olympus", "../etc/passwd", "")),
        ("LOG_LEVEL", "loud"),
        ("FAILPOINT", "before-commit:often"),
        ("KEEP_FACES_DAYS", "-1"),
        ("LEASE_S", "soon"),
    ],
)
def test_a_bad_value_names_its_setting(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match=f"^MOODLINE_{name}: ") as raised:
        read(monkeypatch, **{name: value})
    assert "Value error" not in str(raised.value)
    assert "Input should" not in str(raised.value)
    assert raised.value.hint


def test_all_bad_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"MOODLINE_HEALTH: .*MOODLINE_TIMEZONE: "):
        read(monkeypatch, HEALTH="9464", TIMEZONE="Mars/Olympus")


def test_a_password_in_a_bad_value_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as raised:
        read(monkeypatch, SOURCE_HOSTS="rtsp://admin:s3cret@camera")
    assert "s3cret" not in raised.value.line()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("192.0.2.1", False),
        ("example.org", False),
    ],
)
def test_loopback_is_recognised(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
