"""Where `moodline up` serves the dashboard, and how it says so."""

import io
from pathlib import Path

import pytest
from sqlalchemy import Engine

from contracts.errors import SettingsError
from contracts.settings import Settings
from moodline.services import sign_in_links
from moodline.services.sign_in_links import announce_dashboard, phone_address
from moodline.services.up import DashboardOptions
from records.users.accounts import check_sign_in


class Terminal(io.StringIO):
    """Standard error of a person."""

    def isatty(self) -> bool:
        return True


def test_up_passes_what_the_dashboard_takes() -> None:
    plain = DashboardOptions("127.0.0.1", 8050)
    assert plain.arguments() == ["dashboard", "--host", "127.0.0.1", "--port", "8050"]
    public = DashboardOptions("0.0.0.0", 443, True, "cert.pem", "key.pem")
    assert public.arguments()[5:] == [
        "--sign-in",
        *("--tls-cert", "cert.pem", "--tls-key", "key.pem"),
    ]


def test_a_dashboard_beyond_loopback_has_an_address_for_phones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sign_in_links, "_own_address", lambda: "192.168.1.5")
    settings = Settings()
    assert phone_address(settings, "127.0.0.1", 8050) == ""
    assert phone_address(settings, "0.0.0.0", 8050) == "http://192.168.1.5:8050/"
    assert phone_address(settings, "::", 8050, "/m/") == "http://192.168.1.5:8050/m/"
    secure = settings.model_copy(update={"dashboard_tls_cert": "cert.pem"})
    assert phone_address(secure, "10.0.0.9", 8443) == "https://10.0.0.9:8443/"


def test_a_terminal_gets_the_address_as_a_code_to_scan(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    there = "http://192.168.1.5:8050/"
    announce_dashboard(tmp_path, "http://127.0.0.1:8050/", by_link=False, for_phones=there)
    printed = terminal.getvalue()
    assert there in printed and "login?link=" not in printed
    assert sum("█" in line or "▀" in line for line in printed.splitlines()) > 8


@pytest.mark.parametrize("sign_in", [None, True, False])
def test_up_refuses_a_dashboard_that_nobody_could_use(
    sqlite_engine: Engine, *, sign_in: bool | None
) -> None:
    with pytest.raises(SettingsError, match="requires sign-in"):
        check_sign_in(sqlite_engine, "", "192.168.1.5", sign_in)
    check_sign_in(sqlite_engine, "", "127.0.0.1", None)
