"""Every route of the API, without a token, with a wrong scope, and for another's source."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from fastapi.routing import APIRoute

from api.app import create_api
from api.conventions.route import ApiRoute
from api.gate import ApiGate
from contracts.settings import Settings
from records.database import open_engine
from records.users.api_tokens import add_token, revoke_token
from records.users.roles import TokenScope
from serving.backend import Backend
from tests.api_program import SPAN, Program, Site
from tests.http_client import PASSWORD, cookies_of, sign_in

PROBLEM = "urn:moodline:problem:"
LISTS = ("/sources", "/runs", "/status")
OF_ALL = ("/alerts/targets", "/alerts/deliveries")
"""Routes that no token that is limited to sources sees."""
HISTORY = ("/timeline", "/totals", "/coverage", "/heatmap", "/moments")


def all_routes() -> list[tuple[str, str, TokenScope]]:
    """Every route, as method, path and scope."""
    app = create_api(Backend(open_engine("sqlite://"), Settings()))
    found = []
    for route in app.routes:
        if isinstance(route, APIRoute):
            assert isinstance(route, ApiRoute), f"{route.path} has no check of its scope"
            found += [(method, route.path_format, route.needed) for method in route.methods]
    return sorted(found)


ROUTES = all_routes()


def filled(path: str, source: str, run_id: str) -> str:
    """The path of one source and run."""
    named = path.replace("{name}", source).replace("{run_id}", run_id)
    return re.sub("{[a-z_]+}", "nothing", named)


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES, ids=str)
def test_a_route_refuses_who_has_no_token(
    site: Site, address: str, method: str, path: str, scope: TokenScope
) -> None:
    place = filled(path, "door", site.runs["door"][0].run_id)
    for token in ("", "moodline_" + "a" * 43, "x"):
        answer = Program(address, token).ask(place, method)
        assert answer.status_code == 401, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["type"] == PROBLEM + "unauthenticated"


@pytest.mark.parametrize(
    ("method", "path", "scope"), [one for one in ROUTES if one[2] is not TokenScope.READ], ids=str
)
def test_a_route_refuses_a_lower_scope(
    site: Site, reader: Program, method: str, path: str, scope: TokenScope
) -> None:
    place = filled(path, "door", site.runs["door"][0].run_id)
    answer = reader.ask(place, method, data=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 403, "before the body is read"
    assert answer.json()["type"] == PROBLEM + "forbidden"
    if scope is TokenScope.ADMIN:
        name = f"writer-{re.sub('[^a-z]', '', path)}-{method}"
        token = site.token(name, TokenScope.WRITE)
        assert Program(reader.address, token).ask(place, method).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "scope"), [one for one in ROUTES if "{" in one[1]], ids=str
)
def test_a_route_knows_nothing_of_others_sources(
    site: Site, limited: Program, method: str, path: str, scope: TokenScope
) -> None:
    for source in ("hall", "yard"):
        run = site.runs["hall"][0].run_id
        answer = limited.ask(filled(path, source, run), method, json={})
        unknown = limited.ask(filled(path, "nothing", "nothing"), method, json={})
        assert answer.status_code == unknown.status_code, answer.text
        refused = {403} if path.startswith(OF_ALL) else {404, 422}
        assert answer.status_code in refused
        assert source not in answer.text.replace(f"'{source}'", ""), "but what was asked for"


@pytest.mark.parametrize(
    "path", [path for method, path, _ in ROUTES if method == "GET" and "{" not in path]
)
def test_no_answer_tells_of_others_sources(site: Site, limited: Program, path: str) -> None:
    if path == "/events":
        pytest.skip("test_events follows it")
    wanted = SPAN if path in HISTORY else {}
    answer = limited.ask(path, params=wanted)
    assert answer.status_code == (403 if path in OF_ALL else 200), answer.text
    hidden = ["hall", "yard", *(run.run_id for run in site.runs["hall"])]
    assert not [one for one in hidden if one in answer.text]


@pytest.mark.both_databases
@pytest.mark.parametrize("path", HISTORY)
def test_a_limited_token_gets_the_sums_of_its_sources(
    reader: Program, limited: Program, path: str
) -> None:
    own = limited.get(path, **SPAN)
    assert own == reader.get(path, **SPAN, sources=["door", "gate"])
    assert own != reader.get(path, **SPAN) or path == "/moments", "there is none"


def test_a_limited_token_cannot_name_others_sources(limited: Program) -> None:
    for wanted in ({"sources": "hall"}, {"sources": ["door", "hall"]}, {"tags": "yard"}):
        answer = limited.ask("/timeline", params=SPAN | wanted)
        assert answer.status_code == 404
        assert answer.json()["detail"] in {"no source 'hall'", "no tag 'yard'"}


@pytest.fixture(scope="module")
def cookie(site: Site, address: str) -> str:
    found = cookies_of(sign_in(address, "mara", PASSWORD))
    name = next(one for one in found if one.startswith("moodline_session"))
    return f"{name}={found[name]}"


def test_a_browsers_session_may_read_and_change_nothing(address: str, cookie: str) -> None:
    browser = Program(address)
    assert browser.ask("/sources", headers={"Cookie": cookie}).status_code == 200
    for method, path, scope in ROUTES:
        if scope is TokenScope.READ:
            continue
        place = filled(path, "door", "x")
        answer = browser.ask(place, method, headers={"Cookie": cookie})
        assert answer.status_code == 403, (method, path)
        crossing = {"Cookie": cookie, "Origin": "https://evil.example"}
        assert browser.ask(place, method, headers=crossing).status_code == 403


def test_a_revoked_token_stops_to_work(site: Site, address: str) -> None:
    program = Program(address, site.token("short", TokenScope.READ))
    assert program.ask("/sources").status_code == 200
    revoke_token(site.engine, "short", actor="test")

    def answers() -> Iterator[int]:
        for _ in range(600):
            yield program.ask("/sources").status_code

    assert 401 in answers()
    expired = add_token(
        site.engine, "old", TokenScope.READ, lifetime=timedelta(microseconds=1), actor="test"
    )
    assert Program(address, expired).ask("/sources").status_code == 401


def test_a_token_is_looked_up_once_a_second(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from starlette.datastructures import Headers

    asked: list[Any] = []
    found = __import__("api.gate").gate.token_holder

    def counted(*given: Any, **more: Any) -> Any:
        asked.append(given)
        return found(*given, **more)

    monkeypatch.setattr("api.gate.token_holder", counted)
    monkeypatch.setattr("api.gate.time.monotonic", lambda: 5.0)
    gate = ApiGate(site.engine, "/api/v1")
    headers = Headers({"authorization": "Bearer " + site.token("often", TokenScope.READ)})
    accounts = {gate.account(headers, "") for _ in range(5)}
    assert len(accounts) == 1 and len(asked) == 1


def test_an_admin_makes_lists_and_revokes_tokens_on_the_page(address: str, cookie: str) -> None:
    def post(path: str, **values: object) -> requests.Response:
        url = f"{address}/api/system/tokens{path}"
        return requests.post(url, json=values, headers={"Cookie": cookie}, timeout=60)

    made = post("", name="panel", scope="read", sources=["door"], days=30)
    assert made.status_code == 200, made.text
    program = Program(address, made.json()["token"])
    assert [one["name"] for one in program.pages("/sources")] == ["door"]
    listed = requests.get(
        f"{address}/api/system/tokens", headers={"Cookie": cookie}, timeout=60
    ).json()["tokens"]
    (panel,) = [one for one in listed if one["name"] == "panel"]
    assert (panel["sources"], panel["created_by"]) == (["door"], "mara")
    assert panel["used_at"] is not None and made.json()["token"] not in str(listed)
    assert post("", name="panel").status_code == 400, "the name is taken"
    assert post("/revoke", name="panel").status_code == 200
    assert post("/revoke", name="panel").status_code == 400
    with_token = {"Authorization": f"Bearer {made.json()['token']}"}
    url = f"{address}/api/system/tokens"
    assert requests.get(url, headers=with_token, timeout=60).status_code == 401, "for people only"
