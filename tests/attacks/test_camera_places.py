"""Cameras on this host: who allows them, and what others then may name."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, select

from contracts.settings import Settings
from moodline.adapters.sources import SourceEditor
from records.audit_actions import Action
from records.database import open_engine, reading
from records.schema import upgrade
from records.sources.live_sources import find_source
from records.sources.sealing import Sealer
from records.tables.operations import AuditEntry
from records.users.accounts import add_user
from records.users.roles import Role
from serving.backend import Backend
from tests.http_client import PASSWORD, ask, cookie_of, post, sign_in
from tests.pages import serving

USERS = {"ada": Role.ADMIN, "ola": Role.OPERATOR, "vic": Role.VIEWER}
PLACE = "127.0.0.1:8554"


@dataclass(frozen=True)
class Site:
    """A dashboard with users."""

    address: str
    engine: Engine
    settings: Settings
    cookies: Mapping[str, str]

    def post(self, who: str, action: str, **values: Any) -> tuple[int, dict[str, Any]]:
        """Send a change of sources as this user; return status and answer."""
        answer = post(self.address, f"/api/sources/{action}", self.cookies[who], **values)
        return answer.status, json.loads(answer.read())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = Settings(home=tmp_path_factory.mktemp("places"))
    engine = open_engine(settings.effective_database_url)
    upgrade(engine)
    for name, role in USERS.items():
        add_user(engine, name, role, PASSWORD, actor="test")
    editor = SourceEditor(settings, engine, failure_after_s=0.0)
    with serving(Backend(engine, settings, sources=editor), sign_in=True) as address:
        cookies = {name: cookie_of(sign_in(address, name, PASSWORD)) for name in USERS}
        yield Site(address, engine, settings, cookies)
    engine.dispose()


def test_an_administrator_allows_one_port_and_takes_it_back(site: Site) -> None:
    door = {"name": "door", "uri": f"rtsp://{PLACE}/door"}
    status, refused = site.post("ola", "add", **door)
    assert (status, "allow" in refused) == (400, False), "an operator learns nothing of the host"
    assert site.post("ada", "add", **door)[1]["allow"] == PLACE
    for who in ("ola", "vic"):
        assert site.post(who, "allow", place=PLACE)[0] == 403
        assert site.post(who, "refuse", place=PLACE)[0] == 403
        cookie = {"Cookie": site.cookies[who]}
        assert ask(site.address, "/api/sources/places", **cookie).status == 403
    assert site.post("ada", "allow", place=PLACE)[0] == 200
    assert site.post("ola", "add", **door)[0] == 200
    assert site.post("ola", "add", name="other", uri="http://127.0.0.1:6379/")[0] == 400
    assert site.post("ada", "refuse", place=PLACE)[0] == 200
    assert site.post("ola", "add", name="more", uri=door["uri"])[0] == 400
    assert find_source(site.engine, "door").uri, "what was added goes on"
    with reading(site.engine) as connection:
        rows = connection.execute(select(AuditEntry.actor, AuditEntry.action, AuditEntry.details))
        found = [(row.actor, row.action) for row in rows if PLACE in row.details]
    assert ("ada", Action.PLACE_ALLOWED) in found and ("ada", Action.PLACE_REFUSED) in found


@pytest.mark.parametrize("place", ["169.254.169.254:80", "192.168.1.7:554", "0.0.0.0:80"])
def test_what_is_not_this_host_cannot_be_allowed(site: Site, place: str) -> None:
    assert site.post("ada", "allow", place=place)[0] == 400


@pytest.mark.parametrize("place", ["127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "x" * 300])
def test_a_place_has_a_port(site: Site, place: str) -> None:
    assert site.post("ada", "allow", place=place)[0] == 422


def test_user_and_password_are_fields_and_never_shown(site: Site) -> None:
    bad = "p@ss/w:rd?#"
    camera = {"name": "yard", "uri": "rtsp://old:one@192.0.2.1/live"}
    assert site.post("ola", "add", **camera, user="me", password=bad)[0] == 200
    stored = find_source(site.engine, "yard")
    sealer = Sealer(site.settings.secret_key, site.settings.home_path)
    assert sealer.unseal(stored.uri) == "rtsp://me:p%40ss%2Fw%3Ard%3F%23@192.0.2.1/live"
    assert bad not in repr(stored) and "me" not in stored.shown_uri
    assert site.post("ola", "edit", name="yard", user="you", password="other")[0] == 200
    assert sealer.unseal(find_source(site.engine, "yard").uri) == "rtsp://you:other@192.0.2.1/live"
    assert site.post("ola", "edit", name="yard", fps=2)[0] == 200
    assert sealer.unseal(find_source(site.engine, "yard").uri) == "rtsp://you:other@192.0.2.1/live"
    status, answer = site.post("ola", "add", name="cam", uri="0", user="me", password=bad)
    assert status == 400 and bad not in json.dumps(answer)


def test_operators_rename_and_viewers_do_not(site: Site) -> None:
    assert site.post("ola", "add", name="gate", uri="rtsp://192.0.2.1/live")[0] == 200
    assert site.post("vic", "rename", name="gate", new_name="entrance")[0] == 403
    assert site.post("ola", "rename", name="gate", new_name=" entrance ")[1]["name"] == "entrance"
    assert find_source(site.engine, "gate").name == "entrance"
