"""The page Alerts: what is open, rules with their preview, who is told, and the bell."""

import json
import random
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from sqlalchemy import Engine

from analytics.alerts.round import run_round
from analytics.snapshots import in_snapshot
from contracts.alerts.typed_rule import TypedRule
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.delivery.deliverer import Deliverer
from moodline.delivery.senders import sender
from records.alerts.events import open_alerts
from records.alerts.rules import add_rule, list_rules
from records.alerts.targets import list_targets, open_target, remove_target
from records.database import open_engine
from records.sources.sealing import Sealer
from serving.backend import Backend
from tests.alerts import no_measures
from tests.pages import keep_picture, patient_page, quiet_page, serving
from tests.webhook_receiver import Receiver, webhook_receiver

SIZES = {"wide": (1440, 900), "narrow": (390, 844)}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), alert_hosts=("127.0.0.1",))


@pytest.fixture(scope="module")
def engine(settings: Settings, month_database: Path) -> Iterator[Engine]:
    """A generated month, and a rule whose alerts about all its sources are open since then."""
    shutil.copyfile(month_database, settings.home_path / "moodline.db")
    engine = open_engine(settings.effective_database_url)
    now = utc_now()
    rule = TypedRule("Calm", "angry < 90%", lasting="1h", min_coverage="1%", min_person_seconds=0.1)
    add_rule(engine, rule.rule(), now=now - timedelta(hours=23))
    run_round(engine, no_measures, now)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def address(engine: Engine, settings: Settings) -> Iterator[str]:
    with serving(Backend(engine, settings)) as one:
        yield one


@pytest.fixture(scope="module")
def viewer(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(timezone_id="Europe/Berlin") as one:
        yield one


@pytest.fixture
def page(viewer: BrowserContext, address: str) -> Iterator[Page]:
    """It may write to its console: what is refused, the browser notes there."""
    with patient_page(viewer) as one:
        one.goto(f"{address}/alerts")
        expect(one.locator("#alerts-rules .alert-card").first).to_be_visible()
        yield one


@pytest.mark.timeout(900)
@pytest.mark.parametrize("changes", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_page_is_accessible_wide_and_narrow_in_both_themes(
    viewer: BrowserContext, address: str, *, changes: bool
) -> None:
    """Wide in light and narrow in dark. changes: to the other theme afterwards."""
    found = []
    for (size, (width, height)), both in zip(
        SIZES.items(), (("light", "dark"), ("dark", "light")), strict=True
    ):
        with quiet_page(viewer, address) as page:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=both[0])  # type: ignore[arg-type]
            page.goto(f"{address}/alerts")
            page.get_by_role("button", name="Edit Calm").click()
            expect(page.locator(".alert-chart").first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") == width
            for theme in both if changes else both[:1]:
                page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                keep_picture(page, f"alerts-{size}-{theme}")
                rules = ["color-contrast"] if theme == both[1] else []
                found += [(size, theme, *one) for one in _findings(page, rules)]
    assert not found, json.dumps(found, indent=1)


def _findings(page: Page, rules: list[str]) -> list[tuple[str, list[str]]]:
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    violations = Axe().run(page, options=options).response["violations"]
    return [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in violations]


def test_the_bell_counts_open_alerts_on_every_page(
    viewer: BrowserContext, address: str, engine: Engine
) -> None:
    count = len(in_snapshot(engine, open_alerts))
    assert count >= 2
    with quiet_page(viewer, address) as page:
        page.goto(f"{address}/system")
        expect(page.locator(".place-alerts")).to_have_text(f"Alerts{count}, {count} open alerts")


def test_an_alert_is_acknowledged_and_its_rule_muted_and_unmuted(page: Page) -> None:
    card = page.locator("#alerts-open .alert-card").first
    expect(card).to_contain_text(re.compile("Share of angry was|share of angry was"))
    card.get_by_role("button", name="Acknowledge").click()
    expect(card).to_contain_text("Acknowledged by")
    page.get_by_role("button", name="Mute the rule Calm for an hour").click()
    rule = page.locator("#alerts-rules .alert-card").filter(has_text="Calm")
    expect(rule).to_contain_text("nobody is told")
    page.get_by_role("button", name="End the mute of Calm").click()
    expect(rule).not_to_contain_text("nobody is told")


def test_a_rule_is_drawn_before_it_is_saved(page: Page, engine: Engine) -> None:
    page.get_by_role("button", name="Add a rule").click()
    form = page.get_by_role("form", name="Add a rule")
    form.get_by_label("Name").fill("Crowd")
    form.get_by_label("Measure").select_option(label="people in view")
    form.get_by_label("Limit").fill("3")
    form.get_by_label("café").check()
    expect(form.locator(".alert-count")).to_have_text(re.compile(r"fired \d+ times"))
    expect(form.locator(".alert-figure")).to_have_count(1)
    form.get_by_text("When it would have fired", exact=True).click()
    expect(form.locator("tbody tr").first).to_contain_text("café")
    form.get_by_label("For", exact=True).fill("90s")
    form.get_by_role("button", name="Save the rule").click()
    expect(form.locator(".trouble")).to_contain_text("whole minutes")
    expect(form.get_by_label("For", exact=True)).to_be_focused()
    form.get_by_label("For", exact=True).fill("10m")
    form.get_by_role("button", name="Save the rule").click()
    expect(page.get_by_role("status").first).to_have_text("Crowd was saved.")
    (saved,) = [one.rule for one in in_snapshot(engine, list_rules) if one.rule.name == "Crowd"]
    assert (saved.condition.text, saved.window_s, saved.sources) == ("people > 3", 600, ("café",))
    page.get_by_role("button", name="Remove Crowd").click()
    page.get_by_role("button", name="Remove the rule").click()
    expect(page.locator("#alerts-rules")).not_to_contain_text("Crowd")


def test_a_webhook_is_added_tested_delivered_again_and_removed(
    page: Page, engine: Engine, settings: Settings
) -> None:
    form = opened_form(page, "Webhook")
    form.get_by_label("Name", exact=True).fill("hook")
    form.locator("fieldset:not([hidden])").get_by_label("URL").fill("http://10.0.0.7/x")
    form.get_by_role("button", name="Add the target").click()
    expect(form.locator(".trouble")).to_contain_text("MOODLINE_ALERT_HOSTS")
    url = form.locator("fieldset:not([hidden])").get_by_label("URL")
    expect(url).to_be_focused()
    with webhook_receiver(Receiver()) as receiver:
        url.fill(receiver.url)
        form.get_by_role("button", name="Add the target").click()
        secret = page.locator(".alert-saved .token").inner_text()
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_role("status").first).to_have_text("A test is on its way.")
        chance, sealer = random.Random(1), Sealer("", settings.home_path)
        delivering = Deliverer(engine, sealer, sender(settings), "host:1:2", chance=chance)
        delivering.run()
        said = "hook: delivered (HTTP status 204)"
        expect(page.get_by_role("status").first).to_have_text(said)
        row = page.locator("#alerts-history tbody tr").first
        expect(row).to_contain_text("test")
        row.get_by_role("button", name=re.compile(r"Deliver \d+ to hook again")).click()
        expect(row).to_contain_text("hook: waiting")
        delivering.run()
        assert receiver.all_signed(secret) and len(receiver.got) == 2
        assert len(set(receiver.ids)) == 1, "the receiver can tell that it is the same message"
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Remove hook").click()
    page.get_by_role("button", name="Remove the target").click()
    expect(page.locator("#alerts-targets")).to_contain_text("No targets yet")
    assert in_snapshot(engine, list_targets) == []


def test_targets_of_other_kinds_are_added_and_changed(
    page: Page, engine: Engine, settings: Settings
) -> None:
    pytest.importorskip("apprise")
    local = {
        "Mail server": "127.0.0.1:2525",
        "Sender": "moodline@example.com",
        "Recipients": "ana@b.de",
    }
    for way, name, fields in (
        ("Phone, with the app ntfy", "phone", {"Topic": "a-topic", "Server": "127.0.0.1:8081"}),
        ("E-mail", "office", local | {"User name": "ana", "Password": "hunter2"}),
        ("MQTT", "house", {"Broker": "127.0.0.1:1884", "User name": "moodline"}),
        ("Chat or another service", "chat", {"URL": "tgram://123456789:hunter2_token/42"}),
    ):
        form = opened_form(page, way)
        form.get_by_label("Name", exact=True).fill(name)
        for label, value in fields.items():
            fields_of_way = form.locator("fieldset:not([hidden])")
            fields_of_way.get_by_label(label, exact=True).fill(value)
        keep_picture(page, f"target-{name}")
        form.get_by_role("button", name="Add the target").click()
        expect(page.locator(".alert-saved")).to_contain_text(f"{name} was saved.")
        page.get_by_role("button", name="Close").click()
    cards = page.locator("#alerts-targets .alert-card")
    expect(cards).to_have_count(4)
    assert "hunter2" not in page.content()
    page.get_by_role("button", name="Edit office").click()
    form = page.get_by_role("form", name="Edit office")
    form.get_by_label("Name", exact=True).fill("team")
    form.get_by_role("button", name="Save the target").click()
    expect(cards.filter(has_text="team")).to_contain_text("E-mail")
    sealer, known = Sealer("", settings.home_path), in_snapshot(engine, list_targets)
    assert [(one.name, one.kind, one.private) for one in known] == [
        ("chat", "apprise", False),
        ("house", "mqtt", False),
        ("phone", "apprise", False),
        ("team", "apprise", False),
    ]
    team = in_snapshot(engine, open_target, sealer, known[-1].pk)
    assert team is not None and "ana:hunter2@127.0.0.1:2525" in team.address
    for one in known:
        remove_target(engine, one.name)


def opened_form(page: Page, way: str) -> Locator:
    page.locator("#alerts-targets").get_by_role("button", name="Add a target").click()
    form = page.get_by_role("form", name="Add a target")
    form.get_by_label("How").select_option(label=way)
    return form


def test_trends_marks_where_alerts_fired(viewer: BrowserContext, address: str) -> None:
    with quiet_page(viewer, address) as page:
        page.goto(f"{address}/trends?from=now-24h&to=now")
        expect(page.get_by_text(re.compile(r"\d+ alerts fired in this range"))).to_be_visible()
        page.wait_for_selector(".js-plotly-plot .scatterlayer", timeout=120_000)
        marks = page.evaluate(
            "() => [...document.querySelectorAll('.js-plotly-plot')]"
            ".flatMap(one => one.data.filter(({name}) => name === 'alerts'))"
            ".flatMap(({customdata}) => customdata)"
        )
        assert marks and all(one.startswith("alert Calm: ") for one in marks)


def test_a_marker_is_set_and_removed_on_trends(viewer: BrowserContext, address: str) -> None:
    with quiet_page(viewer, address) as page:
        page.goto(f"{address}/trends?from=now-24h&to=now")
        panel = page.get_by_role("region", name="Markers and alerts")
        expect(panel.locator(".mark-of-alert").first).to_contain_text("alert Calm: ")
        panel.get_by_role("button", name="Set a marker").click()
        form = page.get_by_role("form", name="Set a marker")
        form.get_by_label("What happened").fill("new <b>menu</b>")
        form.get_by_label("About").select_option(label="café")
        form.get_by_role("button", name="Set the marker").click()
        mark = panel.locator(".mark-of-marker")
        expect(mark).to_contain_text("new <b>menu</b>")
        drawn = page.wait_for_function(
            "() => [...document.querySelectorAll('.js-plotly-plot')]"
            ".flatMap(one => one.data.filter(({name}) => name === 'markers'))"
            ".flatMap(({customdata}) => customdata)"
            ".find(Boolean)"
        )
        assert drawn.json_value() == "marker: new &lt;b&gt;menu&lt;/b&gt;"
        panel.get_by_role("button", name="Remove the marker").click()
        page.get_by_role("button", name="Remove the marker").last.click()
        expect(mark).to_have_count(0)


def test_the_page_of_a_camera_shows_its_alerts(viewer: BrowserContext, address: str) -> None:
    with quiet_page(viewer, address) as page:
        page.goto(f"{address}/sources/café")
        panel = page.get_by_role("region", name="Alerts")
        expect(panel.locator(".alert-card")).to_contain_text("Calm")
        panel.get_by_role("link", name="Rules and history").click()
        expect(page.locator("#alerts-rules")).to_contain_text("Calm")
