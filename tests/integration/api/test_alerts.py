"""Rules, targets and alerts by the API: what commands may do, a program with a token may."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from analytics.audit import audit_entries
from analytics.snapshots import in_snapshot
from contracts.alerts.events import EventDetails, EventKind, Reason
from contracts.alerts.rule import Severity
from records.alerts.event_log import NewEvent, write_event
from records.alerts.rules import find_rule
from records.database import transaction
from records.users.roles import TokenScope
from tests.api_program import Program, Site

QUEUE = {
    "name": "Angry queue",
    "when": "angry > 30%",
    "for": "10m",
    "clears_at": "20%",
    "cooldown": "1h",
    "min_person_seconds": 12.5,
    "min_coverage": "50%",
    "sources": ["gate"],
    "hours": "mon-fri 08:00-18:00",
    "zone": "Europe/Berlin",
    "severity": "critical",
}
RULES, TARGETS = "/alerts/rules", "/alerts/targets"
PLACE = "/alerts/rules/Angry queue"
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def admin(site: Site, address: str) -> Program:
    return Program(address, site.token("alerts", TokenScope.ADMIN))


@pytest.fixture
def queue(admin: Program) -> Iterator[str]:
    """The place of a rule about the camera `gate`."""
    answer = admin.ask(RULES, "POST", json=QUEUE)
    assert answer.status_code == 201, answer.text
    yield PLACE
    admin.ask(PLACE, "DELETE")


@pytest.fixture
def hook(admin: Program) -> Iterator[str]:
    """The place of a webhook."""
    new = {"name": "hook", "url": "https://1.1.1.1/secret-path"}
    answer = admin.ask(TARGETS, "POST", json=new)
    assert answer.status_code == 201, answer.text
    yield f"{TARGETS}/hook"
    admin.ask(f"{TARGETS}/hook", "DELETE")


def test_a_rule_is_read_as_it_was_written(site: Site, admin: Program, queue: str) -> None:
    found = admin.get(queue)
    assert {name: found[name] for name in QUEUE} == QUEUE
    assert (found["tags"], found["to"], found["open"]) == ([], [], 0)
    assert found["sentence"] == "share of angry above 30 % for 10 min"
    assert found["created_by"] == "token alerts"
    assert admin.get(RULES)["items"] == [found]
    known = in_snapshot(site.engine, find_rule, "Angry queue").rule
    assert (known.window_s, known.cooldown_s, known.severity) == (600, 3600, Severity.CRITICAL)


@pytest.mark.both_databases
def test_a_rule_is_changed_renamed_muted_and_removed(
    site: Site, admin: Program, queue: str
) -> None:
    changed = admin.ask(queue, "PATCH", json={"when": "angry > 40%", "name": "Queue"})
    assert changed.status_code == 200, changed.text
    found = changed.json()
    assert (found["name"], found["when"], found["for"]) == ("Queue", "angry > 40%", "10m")
    assert admin.ask(queue).status_code == 404
    place = f"{RULES}/Queue"
    muted = admin.ask(f"{place}/mute", "POST", json={"for": "2h"}).json()
    assert muted["muted_by"] == "token alerts" and muted["muted_until"] > found["created_at"]
    assert admin.ask(f"{place}/unmute", "POST").json()["muted_until"] is None
    assert admin.ask(place, "DELETE").status_code == 204
    assert admin.ask(place, "DELETE").status_code == 404
    actions = {one.action for one in in_snapshot(site.engine, audit_entries)}
    assert {"alert rule added", "alert rule edited", "alert rule removed"} <= actions, actions


def test_rules_are_listed_by_pages(admin: Program) -> None:
    names = ["A", "Bé", "c"]
    for name in names:
        admin.ask(RULES, "POST", json={"name": name, "when": "people > 3"})
    assert [one["name"] for one in admin.pages(RULES, limit=1)] == names
    for name in names:
        assert admin.ask(f"{RULES}/{name}", "DELETE").status_code == 204


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "when": "rage > 3"}, "body.when"),
        ({"name": "x", "when": "angry > 3"}, "body.when"),
        ({"name": "x/y", "when": "people > 3"}, "body.name"),
        ({"name": "x", "when": "people > 3", "for": "90s"}, "body.for"),
        ({"name": "x", "when": "people > 3", "for": "soon"}, "body.for"),
        ({"name": "x", "when": "people > 3", "clears_at": "9"}, "body.clears_at"),
        ({"name": "x", "when": "people > 3", "hours": "someday"}, "body.hours"),
        ({"name": "x", "when": "people > 3", "sources": ["attic"]}, "body.sources"),
        ({"name": "x", "when": "people > 3", "to": ["nobody"]}, "body.to"),
        ({"name": "x", "when": "disk < 5GB", "tags": ["gate"]}, "body.tags"),
        ({"name": "x", "when": "people > 3", "colour": "red"}, "body.colour"),
        ({"name": "x"}, "body.when"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_field(
    admin: Program, body: dict[str, object], field: str
) -> None:
    for path in (RULES, f"{RULES}/preview"):
        answer = admin.ask(path, "POST", json=body)
        assert answer.status_code == 422, answer.text
        problem = answer.json()
        assert problem["type"] == "urn:moodline:problem:invalid-request"
        assert [one["field"] for one in problem["errors"]] == [field]
    assert admin.get(RULES)["items"] == []


def test_a_name_is_taken_once(admin: Program, queue: str, hook: str) -> None:
    assert admin.ask(RULES, "POST", json=QUEUE).status_code == 409
    other = admin.ask(RULES, "POST", json={"name": "x", "when": "people > 3"})
    assert other.status_code == 201
    assert admin.ask(f"{RULES}/x", "PATCH", json={"name": "Angry queue"}).status_code == 409
    admin.ask(f"{RULES}/x", "DELETE")
    new = {"name": "hook", "url": "https://1.1.1.1/"}
    assert admin.ask(TARGETS, "POST", json=new).status_code == 409


def test_a_preview_stores_nothing(admin: Program) -> None:
    found = admin.ask(f"{RULES}/preview", "POST", json=QUEUE).json()
    assert (found["firings"], found["kept"]) == (0, True)
    assert [one["source"] for one in found["sources"]] == ["gate"]
    assert admin.get(RULES)["items"] == []


def test_a_target_shows_no_secret_but_once(admin: Program) -> None:
    new = {"name": "hook", "url": "https://1.1.1.1/secret-path"}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answer = admin.ask(TARGETS, "POST", json=new, headers=key)
    added = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert added["secret"].startswith("whsec_")
    assert (added["kind"], added["address"]) == ("webhook", "https://1.1.1.1/…")
    again = admin.ask(TARGETS, "POST", json=new, headers=key)
    assert again.status_code == 409, "the secret was not kept for the repeated request"
    text = admin.ask(TARGETS).text + admin.ask(f"{TARGETS}/hook").text
    assert "secret" not in text
    moved = {"url": "https://1.0.0.1/other", "name": "moved"}
    changed = admin.ask(f"{TARGETS}/hook", "PATCH", json=moved).json()
    assert (changed["address"], changed["secret"]) == ("https://1.0.0.1/…", None)
    renewed = admin.ask(f"{TARGETS}/moved", "PATCH", json={"new_secret": True}).json()
    assert renewed["secret"] not in {None, added["secret"]}
    stopped = admin.ask(f"{TARGETS}/moved", "PATCH", json={"enabled": False}).json()
    assert (stopped["enabled"], stopped["disabled_reason"]) == (False, "by token alerts")
    refused = admin.ask(f"{TARGETS}/moved/test", "POST")
    assert refused.status_code == 409 and "disabled" in refused.json()["detail"]
    assert admin.ask(f"{TARGETS}/moved", "PATCH", json={"enabled": True}).json()["enabled"]
    assert admin.ask(f"{TARGETS}/moved", "DELETE").status_code == 204
    assert admin.ask(f"{TARGETS}/moved").status_code == 404


def test_an_address_that_a_chat_service_gave_out_is_understood(admin: Program) -> None:
    pytest.importorskip("apprise")
    url = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    added = admin.ask(TARGETS, "POST", json={"name": "chat", "url": url}).json()
    assert (added["kind"], added["address"], added["secret"]) == ("apprise", "slack://…", None)
    assert admin.ask(f"{TARGETS}/chat", "DELETE").status_code == 204


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x", "http://localhost:8050/", "mqtt://10.0.0.5/a", "nonsense"]
)
def test_a_target_in_this_network_is_refused(admin: Program, hook: str, url: str) -> None:
    new = admin.ask(TARGETS, "POST", json={"name": "inside", "url": url})
    changed = admin.ask(hook, "PATCH", json={"url": url})
    for answer in (new, changed):
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"] == "body.url"


@pytest.mark.both_databases
def test_tests_are_delivered_again_on_request(admin: Program, queue: str, hook: str) -> None:
    tested = admin.ask(f"{queue}/test", "POST")
    assert tested.status_code == 202, tested.text
    ((target, event),) = ((one["target"], one["event"]) for one in tested.json()["tests"])
    single = admin.ask(f"{hook}/test", "POST").json()
    assert (target, single["target"]) == ("hook", "hook")
    found = list(admin.pages("/alerts/deliveries", target="hook", limit=1))
    assert [one["alert"] for one in found] == [single["event"], event]
    assert {(one["state"], one["kind"], one["attempts"]) for one in found} == {
        ("waiting", "test", 0)
    }
    assert admin.get("/alerts/deliveries", alert=event)["items"] == found[1:]
    assert admin.ask(f"{hook}/replay", "POST", json={"last": "1h"}).status_code == 202
    waiting = admin.ask(f"{hook}/replay", "POST", json={"delivery": found[0]["number"]})
    assert waiting.status_code == 404, "it waits still"
    long = admin.ask(f"{hook}/replay", "POST", json={"last": "999999d"})
    assert (long.status_code, long.json()) == (202, {"deliveries": 0})


@pytest.mark.both_databases
def test_an_alert_is_found_and_acknowledged(site: Site, admin: Program, limited: Program) -> None:
    details = EventDetails("angry", "share of angry above 30 %", 0.3, "%", AT, AT, 40.0, 0.9)
    numbers = {}
    with transaction(site.engine) as connection:
        for source in ("gate", "yard"):
            subject = site.pk(connection, source)
            fired = NewEvent(
                EventKind.FIRED, 1, "Angry", Severity.WARNING, subject, source, AT, AT, 0.4, details
            )
            numbers[source] = write_event(connection, fired, [])
        ended = NewEvent(
            EventKind.RESOLVED,
            1,
            "Angry",
            Severity.WARNING,
            site.pk(connection, "yard"),
            "yard",
            AT + timedelta(minutes=5),
            AT,
            0.1,
            EventDetails("angry", "", 0.3, "%", AT, AT, reason=Reason.CLEARED),
            opened_by=numbers["yard"],
        )
        write_event(connection, ended, [])
    (is_open,) = admin.get("/alerts", open=True)["items"]
    assert is_open == admin.get(f"/alerts/{numbers['gate']}")
    assert (is_open["open"], is_open["limit"], is_open["person_seconds"]) == (True, 0.3, 40.0)
    others = admin.get("/alerts", open=False, rule="Angry")["items"]
    assert [(one["kind"], one["reason"]) for one in others] == [
        ("resolved", "cleared"),
        ("fired", None),
    ]
    place = f"/alerts/{numbers['gate']}/acknowledge"
    assert limited.ask(place, "POST").json()["acknowledged_by"] == "token limited"
    assert admin.ask(place, "POST").json()["acknowledged_by"] == "token limited", "the first"
    for path in (f"/alerts/{numbers['yard']}", "/alerts/999999"):
        assert limited.ask(path).status_code == 404
    assert limited.ask(f"/alerts/{numbers['yard']}/acknowledge", "POST").status_code == 404


def test_a_limited_token_has_rules_of_its_sources_alone(
    admin: Program, limited: Program, queue: str
) -> None:
    for name, more in (("All", {}), ("Yard", {"sources": ["yard"]}), ("Tag", {"tags": ["gate"]})):
        new = {"name": name, "when": "people > 3"} | more
        expected = 404 if "sources" in more else 403
        assert limited.ask(RULES, "POST", json=new).status_code == expected
        assert limited.ask(f"{RULES}/preview", "POST", json=new).status_code == expected
        assert admin.ask(RULES, "POST", json=new).status_code == 201
    try:
        assert [one["name"] for one in limited.pages(RULES)] == ["Angry queue"]
        for name in ("All", "Yard", "Tag"):
            for method, part in (
                *(("GET", ""), ("PATCH", ""), ("DELETE", "")),
                *(("POST", "/mute"), ("POST", "/unmute"), ("POST", "/test")),
            ):
                answer = limited.ask(f"{RULES}/{name}{part}", method, json={})
                assert answer.status_code == 404, (name, method, part)
        assert limited.ask(queue, "PATCH", json={"for": "20m"}).json()["for"] == "20m"
        changes: list[dict[str, list[str]]]
        changes = [{"sources": ["gate", "yard"]}, {"sources": []}, {"tags": ["gate"]}]
        for change in changes:
            assert limited.ask(queue, "PATCH", json=change).status_code in {403, 404}
        assert admin.get(queue)["sources"] == ["gate"]
    finally:
        for name in ("All", "Yard", "Tag"):
            admin.ask(f"{RULES}/{name}", "DELETE")
