"""The sign-in page in a browser, and users on the command line."""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, delete

from contracts.settings import Settings
from records.database import open_engine, transaction
from records.schema import upgrade
from records.sources.live_sources import SourceSettings, add_source
from records.tables.users import UserSession
from records.users.accounts import add_user
from records.users.owner_links import use_link
from records.users.roles import Role
from serving.backend import Backend
from tests.e2e.commands import Installation, assert_plain_failure, poll
from tests.http_client import PASSWORD
from tests.pages import patient_page, quiet_page, serving


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    add_user(engine, "mara", Role.ADMIN, PASSWORD, actor="test")
    add_user(engine, "vic", Role.VIEWER, PASSWORD, actor="test")
    yield engine
    engine.dispose()


@pytest.fixture
def address(engine: Engine, tmp_path: Path) -> Iterator[str]:
    with serving(Backend(engine, Settings(home=tmp_path)), sign_in=True) as one:
        yield one


def test_signing_in_and_out_in_a_browser(browser: Browser, address: str) -> None:
    with browser.new_context() as viewer, quiet_page(viewer, address) as page:
        page.goto(f"{address}/trends?from=now-7d&to=now")
        expect(page).to_have_title("Sign in · moodline")
        expect(page.get_by_label("Name")).to_be_focused()
        page.get_by_label("Name").fill("vic")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile("/trends"))
        assert "from=now-7d" in page.url
        expect(page.locator("#account")).to_contain_text("vic, viewer")
        assert not page.evaluate("document.cookie"), "scripts cannot read the cookie"
        page.reload()
        expect(page.locator("#account")).to_contain_text("vic")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{address}/login")
        page.goto(f"{address}/now")
        expect(page).to_have_title("Sign in · moodline")


def test_a_page_whose_session_ended_says_so(browser: Browser, address: str, engine: Engine) -> None:
    with browser.new_context() as viewer, patient_page(viewer) as page:
        page.goto(f"{address}/trends")
        page.get_by_label("Name").fill("mara")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
        expect(page.get_by_label("Name")).to_have_value("mara")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile("/trends"))
        expect(page.locator("#account")).to_contain_text("mara, admin")
        with transaction(engine) as connection:
            connection.execute(delete(UserSession))
        viewer.clear_cookies()
        page.get_by_text("30 d", exact=True).click()
        expect(page.locator("#signed-out")).to_contain_text("You are signed out")
        page.get_by_role("link", name="Sign in again").click()
        expect(page).to_have_title("Sign in · moodline")


def sign_in_as(page: Page, address: str, name: str, path: str) -> None:
    page.goto(f"{address}/{path}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(path))


def test_a_wall_says_that_it_is_signed_out_and_goes_on_after_signing_in(
    browser: Browser, address: str, engine: Engine
) -> None:
    add_source(engine, "door", SourceSettings("rtsp://door/", "", None, None, None))
    with browser.new_context() as viewer, patient_page(viewer) as wall:
        _sign_in(wall, f"{address}/wall", "vic")
        expect(wall.get_by_role("article", name="door")).to_be_visible()
        with transaction(engine) as connection:
            connection.execute(delete(UserSession))
        expect(wall.locator("#wall-message")).to_have_text(re.compile(r"^Signed out at \d\d:\d\d"))
        with patient_page(viewer) as other:
            _sign_in(other, f"{address}/account", "vic")
        expect(wall.locator("#wall-message")).to_be_hidden()
        expect(wall.locator("#signed-out")).to_have_count(0)
        expect(wall.get_by_role("article", name="door")).to_be_visible()


def _sign_in(page: Page, address: str, name: str) -> None:
    """Open a page, which asks for name and password first."""
    page.goto(address)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(address)


def test_a_user_adds_a_second_factor_and_ends_another_session(
    browser: Browser, address: str, engine: Engine
) -> None:
    with transaction(engine) as connection:
        connection.execute(delete(UserSession))
    with (
        browser.new_context() as viewer,
        browser.new_context() as other,
        quiet_page(viewer, address) as page,
        patient_page(other) as elsewhere,
    ):
        sign_in_as(elsewhere, address, "vic", "account")
        sign_in_as(page, address, "vic", "now")
        page.locator("#account").get_by_role("link", name="vic").click()
        sessions = page.get_by_role("region", name="Sessions", exact=True)
        expect(sessions.get_by_role("row")).to_have_count(3)
        sessions.get_by_role("button", name="End the session").click()
        expect(sessions.get_by_role("row")).to_have_count(2)
        poll(lambda: bool(elsewhere.reload()) and elsewhere.title() == "Sign in · moodline")

        factor = page.get_by_role("region", name="Second factor", exact=True)
        factor.get_by_label("Current password").fill(PASSWORD)
        factor.get_by_role("button", name="Add a second factor").click()
        expect(factor.get_by_alt_text("QR code")).to_be_visible()
        app = pyotp.TOTP(factor.locator(".factor-secret").inner_text().replace(" ", ""))
        factor.get_by_label("Code of the app").fill(app.now())
        factor.get_by_role("button", name="Confirm").click()
        code = factor.locator(".recovery-codes code").first.inner_text()
        factor.get_by_role("button", name="I have stored them").click()
        expect(factor).to_contain_text("10 recovery codes are left")

        sign_in_as(elsewhere, address, "vic", "")
        elsewhere.get_by_label("Code of your authenticator app").fill(code)
        elsewhere.get_by_role("button", name="Sign in").click()
        expect(elsewhere.locator("#account")).to_contain_text("vic")


def test_an_admin_adds_changes_and_removes_a_user(browser: Browser, address: str) -> None:
    with browser.new_context() as viewer, quiet_page(viewer, address) as page:
        sign_in_as(page, address, "mara", "system")
        users = page.get_by_role("region", name="Users", exact=True)
        expect(users.get_by_role("row").filter(has_text="mara")).to_contain_text("You")
        users.get_by_label("Name", exact=True).fill("jon")
        users.get_by_label("First password").fill(PASSWORD)
        users.get_by_role("button", name="Add the user").click()
        jon = users.get_by_role("row").filter(has_text="jon")
        expect(jon).to_contain_text("viewer")
        jon.get_by_role("button", name="Change the role").click()
        page.get_by_role("dialog").get_by_label("Role").select_option("operator")
        page.get_by_role("button", name="Save").click()
        expect(jon).to_contain_text("operator")
        jon.get_by_role("button", name="Remove").click()
        page.get_by_role("button", name="Remove the user").click()
        expect(jon).to_have_count(0)


def test_users_are_managed_on_the_command_line(installation: Installation) -> None:
    user = partial(installation.run, "user")

    assert user("add", "mara", "--role", "admin", typed=f"{PASSWORD}\n").returncode == 0
    assert_plain_failure(user("add", "jon", typed="short\n"))
    listed = json.loads(user("list", "--json").stdout)["users"]
    assert [(one["name"], one["role"]) for one in listed] == [("mara", "admin")]
    assert user("role", "mara", "viewer").returncode == 0
    assert_plain_failure(user("remove-second-factor", "mara"))
    assert user("remove", "mara").returncode == 0
    printed = user("link", "--at", "http://127.0.0.1:8080").stdout
    found = re.fullmatch(r"http://127\.0\.0\.1:8080/login\?link=([\w-]{43})\n", printed)
    assert found is not None and use_link(installation.home, found[1])
    assert_plain_failure(installation.run("dashboard", "--host", "0.0.0.0"))
