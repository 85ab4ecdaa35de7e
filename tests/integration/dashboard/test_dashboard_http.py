"""Responses of the dashboard over HTTP: host names, security headers and invalid times."""

from collections.abc import Iterator

import pytest

from contracts.settings import Settings
from records.database import open_engine
from records.schema import upgrade
from serving.backend import Backend
from tests.http_client import ask
from tests.pages import serving


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('records') / 'records.db'}")
    upgrade(engine)
    with serving(Backend(engine, Settings())) as one:
        yield one
    engine.dispose()


def test_other_host_names_are_refused(address: str) -> None:
    assert ask(address, "/", Host="evil.example").status == 403
    assert ask(address, "/healthz").status == 200
    assert ask(address, "/nothing").status == 404


def test_every_response_has_the_content_security_policy(address: str) -> None:
    for path in ("/", "/_dash-layout", "/assets/base.css", "/nothing"):
        policy = ask(address, path).getheader("content-security-policy") or ""
        assert "default-src 'self'" in policy and "'sha256-" in policy
        assert "unsafe-eval" not in policy


@pytest.mark.parametrize(
    ("accepted", "locale"),
    [("en", "en-GB"), ("", "en-GB"), ("en-US,en;q=0.9", "en-US"), ("de-AT,de;q=0.9", "de-AT")],
)
def test_scripts_write_dates_in_the_locale_of_the_server(
    address: str, accepted: str, locale: str
) -> None:
    document = ask(address, "/now", Accept="text/html", **{"Accept-Language": accepted}).read()
    assert f'data-locale="{locale}"'.encode() in document


@pytest.mark.parametrize("value", ["inf", "nan", "-1", "1e400", "x"])
def test_an_invalid_time_is_refused(address: str, value: str) -> None:
    for times in (f"since={value}&until=1", f"since=0&until={value}"):
        assert ask(address, f"/api/recordings/run/x/faces?{times}").status == 422
