"""The page System & privacy over a real `moodline up`: services, retention, erasure, notice."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import func, select

from records.database import reading
from records.tables.faces import Face, Frame
from records.tables.runs import Run
from tests.e2e.commands import Installation
from tests.e2e.live_stack import LiveStack
from tests.pages import quiet_page
from tests.rtsp import free_ports


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, one_face: Path) -> Iterator[LiveStack]:
    """One stack for all tests: only one of them changes records, and no other reads those."""
    folder = tmp_path_factory.mktemp("up")
    installation = Installation(folder / "home")
    with LiveStack(installation, folder / "up.log", port=free_ports(1)[0]) as one:
        installation.analyze(one_face, "--source", "interview")
        one.wait_for_dashboard()
        yield one


@pytest.fixture
def page(browser: Browser, stack: LiveStack) -> Iterator[Page]:
    with browser.new_context() as viewer, quiet_page(viewer, stack.address) as one:
        yield one


def test_the_page_shows_services_jobs_storage_and_retention(page: Page, stack: LiveStack) -> None:
    page.goto(f"{stack.address}system")
    services = page.get_by_role("region", name="Services", exact=True)
    expect(services).to_contain_text("Valkey")
    expect(services).to_contain_text("Schema 0")
    expect(services.get_by_role("region", name="Workers")).to_contain_text("mobilenetv2")
    beside = services.get_by_role("region", name="Ingest, scheduler")
    for service in ("dashboard", "ingest", "scheduler"):
        row = beside.get_by_role("row").filter(has_text=service)
        expect(row).to_contain_text(re.compile(r"Running\w+ \d"))
    expect(page.get_by_role("region", name="Jobs").last).to_contain_text("retention")
    expect(page.get_by_role("region", name="Jobs").last).to_contain_text("uploads")
    expect(page.locator("#letters")).to_contain_text("No dead letters.")
    expect(page.locator("#storage")).to_contain_text("Rows of frames and faces")
    kept = page.locator("#kept")
    expect(kept).to_contain_text("90 days")
    expect(kept).to_contain_text("No picture of a camera is stored.")
    expect(kept).to_contain_text("annotated videos show faces. They are kept for 7 days;")
    expect(kept).to_contain_text(re.compile(r"Uploaded recordings, annotated videos\s*for 7 days"))
    expect(page.locator("#erase")).to_contain_text("A time range keeps the uploaded recording")


def test_a_run_is_erased_after_a_dry_run_and_audited(browser: Browser, stack: LiveStack) -> None:
    with reading(stack.engine) as connection:
        run_id = connection.execute(select(Run.run_id)).scalar_one()
        frames = connection.execute(select(func.count()).select_from(Frame)).scalar_one()
        faces = connection.execute(select(func.count()).select_from(Face)).scalar_one()
    assert frames and faces
    with browser.new_context() as viewer, quiet_page(viewer, stack.address) as page:
        page.goto(f"{stack.address}system#privacy")
        page.get_by_label("Run", exact=True).fill(run_id)
        page.get_by_role("button", name="Count what would be erased").click()
        counts = page.locator("#erase .facts")
        expect(counts).to_contain_text(re.compile(rf"Frames\s*{frames}\s*Faces\s*{faces}"))
        erase = page.get_by_role("button", name="Erase permanently")
        expect(erase).to_be_disabled()
        page.get_by_label("Type erase to confirm").fill("erase")
        erase.click()
        expect(page.locator("#erase h3")).to_contain_text("Erased. Receipt 1")
        expect(page.locator("#audit tbody")).to_contain_text(f"run_id {run_id}")
    with reading(stack.engine) as connection:
        assert connection.execute(select(func.count()).select_from(Frame)).scalar_one() == 0


def test_the_notice_prints_on_one_page(browser: Browser, stack: LiveStack) -> None:
    with browser.new_context() as viewer, viewer.new_page() as page:
        page.goto(f"{stack.address}system")
        page.get_by_label("Run", exact=True).fill("no-such-run")
        page.get_by_role("button", name="Count what would be erased").click()
        expect(page.locator("#erase .trouble")).to_contain_text("no-such-run")
        page.get_by_label("Place").fill("Entrance <hall>")
        page.get_by_label("Responsible").fill("A. Person, a@example.org")
        with viewer.expect_page() as opened:
            page.get_by_role("button", name="Open the notice").click()
        notice = opened.value
        expect(notice.get_by_role("heading")).to_have_text("Facial expressions are counted here")
        expect(notice.locator("main")).to_contain_text("Entrance <hall>.")
        expect(notice.locator("main")).to_contain_text("for 90 days, then only totals")
        expect(notice.locator("main")).to_contain_text("Article 5(1)(f)")
        printed = notice.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1


def test_an_invalid_erasure_request_gets_an_error_that_names_the_field(stack: LiveStack) -> None:
    for body, said in (
        ({"source": "", "run": ""}, "everything"),
        ({"source": "nowhere"}, "nowhere"),
        ({"since": "2026-01-01T00:00"}, "since"),
        ({"source": "x" * 600}, "source"),
    ):
        request = urllib.request.Request(
            f"{stack.address}api/system/erase",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=20)
        assert said in json.loads(caught.value.read())["error"]
