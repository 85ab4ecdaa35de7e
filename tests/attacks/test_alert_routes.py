"""Roles, other sites and addresses: what the routes of alerts let nobody do."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from analytics.audit import audit_entries
from analytics.snapshots import in_snapshot
from contracts.alerts.events import TargetKind
from contracts.alerts.target import AlertTarget
from contracts.settings import Settings
from records.alerts.rules import add_rule, list_rules
from records.alerts.targets import add_target, list_targets, open_target
from records.audit_actions import Kind
from records.database import open_engine
from records.sources.sealing import Sealer
from records.users.accounts import add_user
from records.users.roles import Role
from serving.backend import Backend
from tests.alerts import rule
from tests.dashboard_routes import every_route
from tests.http_client import PASSWORD, ask, cookie_of, json_of, post, sign_in
from tests.pages import serving

RULE = {"name": "new", "when": "people > 3"}
CHANGES = {
    "preview": RULE,
    "ack": {"number": 1},
    "rules/add": RULE,
    "rules/edit": {"name": "known", "rule": RULE | {"name": "known"}},
    "rules/remove": {"name": "known"},
    "rules/mute": {"name": "known"},
    "rules/test": {"name": "known"},
    "targets/test": {"name": "phone"},
    "targets/replay": {"name": "phone"},
}
ADMINS = {
    "targets/add": {"name": "hook", "way": "webhook", "url": "https://example.com/x"},
    "targets/edit": {"name": "phone", "of": "phone", "way": "service"},
    "targets/enable": {"name": "phone"},
    "targets/disable": {"name": "phone"},
    "targets/remove": {"name": "phone"},
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def engine(settings: Settings, sqlite_with_schema: object) -> Iterator[Engine]:
    import shutil

    shutil.copyfile(str(sqlite_with_schema), settings.home_path / "moodline.db")
    engine = open_engine(settings.effective_database_url)
    for name, role in (("ada", Role.ADMIN), ("oli", Role.OPERATOR), ("vic", Role.VIEWER)):
        add_user(engine, name, role, PASSWORD, actor="test")
    add_rule(engine, rule(name="known"))
    sealer = Sealer("", settings.home_path)
    add_target(engine, sealer, AlertTarget("phone", TargetKind.APPRISE, "ntfy://topic/hunter2"))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def address(engine: Engine, settings: Settings) -> Iterator[str]:
    with serving(Backend(engine, settings), sign_in=True) as one:
        yield one


@pytest.fixture(scope="module")
def cookies(address: str) -> dict[str, str]:
    return {name: cookie_of(sign_in(address, name, PASSWORD)) for name in ("ada", "oli", "vic")}


def test_the_changes_are_all_that_there_are(engine: Engine, settings: Settings) -> None:
    from dashboard.app import create_app

    app = create_app(Backend(engine, settings), sign_in=True)
    posts = {path for method, path in every_route(app) if method == "POST"}
    found = {path.removeprefix("/api/alerts/") for path in posts if "/api/alerts/" in path}
    assert found == {*CHANGES, *ADMINS}


@pytest.mark.parametrize("path", [*CHANGES, *ADMINS])
def test_a_viewer_changes_nothing(address: str, cookies: dict[str, str], path: str) -> None:
    body = (CHANGES | ADMINS)[path]
    answer = post(address, f"/api/alerts/{path}", cookies["vic"], **body)
    assert answer.status == 403 and b"operator" in answer.read()


@pytest.mark.parametrize("path", ADMINS)
def test_an_operator_changes_no_targets(address: str, cookies: dict[str, str], path: str) -> None:
    answer = post(address, f"/api/alerts/{path}", cookies["oli"], **ADMINS[path])
    assert answer.status == 403 and b"role admin" in answer.read()


def test_another_site_changes_nothing(
    address: str, cookies: dict[str, str], engine: Engine
) -> None:
    headers = {"Content_Type": "application/json", "Sec_Fetch_Site": "cross-site"}
    answer = ask(
        address,
        "/api/alerts/rules/remove",
        "POST",
        '{"name": "known"}',
        Cookie=cookies["ada"],
        **headers,
    )
    assert answer.status == 403
    assert [one.rule.name for one in in_snapshot(engine, list_rules)] == ["known"]


@pytest.mark.parametrize(
    ("way", "fields"),
    [
        *(
            (way, {"url": url})
            for way in ("webhook", "service")
            for url in (
                *("http://127.0.0.1:6379/", "http://localhost/", "http://10.1.2.3/"),
                *("http://169.254.169.254/latest/meta-data", "http://0x7f.1/", "http://[::1]/"),
                *("http://2130706433/", "file:///etc/passwd", "json://10.0.0.1/", "http://"),
                *("ftp://example.com/", "mailto://u:p@example.com?smtp=10.0.0.7&to=a@b.de"),
                *("mqtt://127.0.0.1/x", "syslog://", "ntfy://192.168.1.2/topic"),
            )
        ),
        ("mqtt", {"server": "127.0.0.1:1883", "encryption": "none"}),
        ("push", {"server": "10.0.0.7", "topic": "x"}),
        ("email", {"server": "localhost:25", "sender": "a@b.de", "recipients": "c@d.de"}),
    ],
)
def test_an_admin_adds_no_target_in_this_network(
    address: str,
    cookies: dict[str, str],
    engine: Engine,
    way: str,
    fields: dict[str, str],
) -> None:
    pytest.importorskip("apprise")
    for path, more in (("add", {"name": "hook"}), ("edit", {"name": "hook", "of": "phone"})):
        body = {"way": way, **fields, **more}
        answer = post(address, f"/api/alerts/targets/{path}", cookies["ada"], **body)
        assert answer.status == 400 and json_of(answer)["field"] == "url", path
    assert [one.name for one in in_snapshot(engine, list_targets)] == ["phone"]


def test_an_admin_renames_a_target_and_its_address_stays(
    address: str, cookies: dict[str, str], engine: Engine, settings: Settings
) -> None:
    def named(new: str, old: str) -> None:
        body = {"name": new, "of": old, "way": "service"}
        assert post(address, "/api/alerts/targets/edit", cookies["ada"], **body).status == 200
        (known,) = in_snapshot(engine, list_targets)
        assert known.name == new
        target = in_snapshot(engine, open_target, Sealer("", settings.home_path), known.pk)
        assert target is not None and target.address == "ntfy://topic/hunter2"

    named("ana's phone", "phone")
    named("phone", "ana's phone")


def test_no_answer_shows_an_address_or_a_secret(address: str, cookies: dict[str, str]) -> None:
    for path in ("overview", "history", "deliveries", "bell"):
        answer = ask(address, f"/api/alerts/{path}", Cookie=cookies["ada"])
        assert answer.status == 200 and b"hunter2" not in answer.read()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "when": "angry > 30"}, "when"),
        ({"name": "x", "when": "angry > 3%", "for": "90s"}, "for"),
        ({"name": "x", "when": "angry > 3%", "sources": ["nowhere"]}, "source"),
        ({"name": "x", "when": "angry > 3%", "to": ["nobody"]}, "to"),
        ({"name": "known", "when": "angry > 3%"}, "name"),
        ({"name": "x", "when": "angry > 3%", "hours": "always", "zone": "UTC"}, "hours"),
    ],
)
def test_a_wrong_field_is_named(
    address: str, cookies: dict[str, str], body: dict[str, object], field: str
) -> None:
    answer = post(address, "/api/alerts/rules/add", cookies["oli"], **body)
    assert answer.status == 400
    assert json_of(answer)["field"] == field


def test_the_preview_of_what_is_not_a_rule_yet_is_no_failure(
    address: str, cookies: dict[str, str]
) -> None:
    answer = post(address, "/api/alerts/preview", cookies["oli"], name="x", when="angry >")
    assert answer.status == 200 and json_of(answer)["field"] == "when"


def test_changes_are_audited_with_their_user(
    address: str, cookies: dict[str, str], engine: Engine
) -> None:
    for path in ("rules/add", "rules/mute", "rules/remove"):
        body = RULE if path == "rules/add" else {"name": "new"}
        assert post(address, f"/api/alerts/{path}", cookies["oli"], **body).status == 200
    entries = in_snapshot(engine, audit_entries, kind=Kind.ALERT)
    actions = [(one.actor, str(one.action)) for one in entries][:3]
    assert actions == [
        ("oli", "alert rule removed"),
        ("oli", "alert rule muted"),
        ("oli", "alert rule added"),
    ]
    assert "hunter2" not in json.dumps([one.details for one in entries])
