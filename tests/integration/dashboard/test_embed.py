"""/embed/trends: one chart with a token, framed by the sites of a setting alone."""

import re
from collections.abc import Iterator

import pytest
import requests
from sqlalchemy import Engine

from contracts.settings import Settings
from moodline.commands.services.dashboard import dashboard_backend
from records.users.accounts import add_user
from records.users.api_tokens import revoke_token
from records.users.roles import Role, TokenScope
from tests.api_program import SPAN, Site, make_site
from tests.http_client import PASSWORD
from tests.pages import serving

SITE = "https://house.example"
RANGE = {"from": SPAN["from"], "to": SPAN["to"], "step": "3600"}


@pytest.fixture(scope="module")
def site(shared_engine: Engine) -> Site:
    add_user(shared_engine, "mara", Role.ADMIN, PASSWORD, actor="test")
    return make_site(shared_engine)


@pytest.fixture(scope="module")
def address(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), embed_origins=(SITE,))
    with serving(dashboard_backend(settings, site.engine), sign_in=True) as one:
        yield one


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    return site.token("house", TokenScope.READ)


def embedded(address: str, token: str = "", **query: str) -> requests.Response:
    given = RANGE | query | ({"token": token} if token else {})
    return requests.get(f"{address}/embed/trends", params=given, timeout=60, allow_redirects=False)


def bars(answer: requests.Response) -> list[str]:
    """Return the texts of the bars in which somebody was seen."""
    assert answer.status_code == 200, answer.text
    titles = re.findall(r"<title>(.*?)</title>", answer.text)[1:]
    return [one for one in titles if "not analysed" not in one]


def test_the_chart_is_a_page_without_scripts_for_the_sites_of_the_setting(
    address: str, token: str
) -> None:
    answer = embedded(address, token, sources="door")

    assert len(bars(answer)) >= 3
    assert "Expressions: door" in answer.text and token not in answer.text
    assert "<script" not in answer.text and "http" not in re.sub(
        r'http-equiv="\w+"', "", answer.text
    )
    policy = answer.headers["Content-Security-Policy"]
    assert f"frame-ancestors {SITE}" in policy and "default-src 'none'" in policy
    assert "X-Frame-Options" not in answer.headers
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_times_and_themes_are_those_of_the_address(address: str, token: str) -> None:
    berlin = embedded(address, token, zone="Europe/Berlin", theme="dark")
    assert "(Europe/Berlin)" in berlin.text and 'data-theme="dark"' in berlin.text
    assert 'http-equiv="refresh"' not in berlin.text, "the range has ended"
    now = embedded(address, token, **{"from": "now-24h", "to": "now"})
    assert 'http-equiv="refresh"' in now.text
    assert bars(now) == []


def test_a_token_limited_to_sources_shows_nothing_of_others(
    site: Site, address: str, token: str
) -> None:
    limited = site.token("limited-house", TokenScope.READ, "door")
    assert embedded(address, limited, sources="hall").status_code == 404
    alone = bars(embedded(address, token, sources="door"))
    assert bars(embedded(address, limited)) == alone
    assert bars(embedded(address, token)) != alone


def test_without_a_token_that_may_only_read_there_is_nothing(
    site: Site, address: str, token: str
) -> None:
    revoked = site.token("revoked-house", TokenScope.READ)
    revoke_token(site.engine, "revoked-house", actor="test")
    for given, status in (
        ("", 401),
        ("moodline_" + "A" * 43, 401),
        (revoked, 401),
        (site.token("writer-house", TokenScope.WRITE), 403),
        (site.token("admin-house", TokenScope.ADMIN), 403),
    ):
        answer = embedded(address, given)
        assert answer.status_code == status, answer.text
        assert "<html" not in answer.text
        assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
        assert not given or given not in answer.text
    session = requests.post(f"{address}/embed/trends?token={token}", timeout=60)
    assert session.status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        {"from": "x"},
        {"nonsense": "1"},
        {"source": "door"},
        {"theme": "blue"},
        {"step": "7"},
        {"step": "x"},
        {"zone": "Nowhere"},
        {"from": "now", "to": "now-1h"},
    ],
)
def test_wrong_arguments_are_named(address: str, token: str, query: dict[str, str]) -> None:
    answer = embedded(address, token, **query)
    assert answer.status_code == 422 and answer.text.strip() and "<" not in answer.text


def test_names_in_the_address_are_escaped(address: str, token: str) -> None:
    for query, status in (
        ({"theme": '"><b>'}, 422),
        ({"zone": '"><b>'}, 422),
        ({"sources": "<b>x</b>"}, 404),
    ):
        refused = embedded(address, token, **query)
        assert refused.status_code == status
        assert refused.headers["Content-Type"].startswith("text/plain")


def test_embedding_is_off_by_default(site: Site, token: str, tmp_path: object) -> None:
    backend = dashboard_backend(Settings(home=tmp_path), site.engine)
    with serving(backend, sign_in=True) as address:
        answer = embedded(address, token)
    assert answer.status_code == 404
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "MOODLINE_EMBED_ORIGINS" in answer.text


@pytest.mark.parametrize("origin", ["*", "https://", "https://a.example/x", "a.example", "'self'"])
def test_an_origin_is_a_site_and_nothing_more(origin: str) -> None:
    with pytest.raises(ValueError, match="not the origin of a site"):
        Settings(embed_origins=origin)
