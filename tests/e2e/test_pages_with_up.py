"""The pages Now, Sources, Try an image and System over one `moodline up`, in a browser."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import func, select

import moodline
from records.database import reading
from records.tables.faces import Face, Frame
from records.tables.rollups import rollups
from records.tables.runs import Run
from records.tables.sources import Source
from runtime.decoding.opencv import cv2
from tests.e2e.commands import Installation, poll
from tests.e2e.live_stack import LiveStack
from tests.pages import patient_page, quiet_page
from tests.rtsp import RtspCamera, free_ports

FACES = Path(moodline.__file__).parent / "assets" / "faces"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """One `moodline up` whose pages may name cameras on 127.0.0.1."""
    folder = tmp_path_factory.mktemp("up")
    installation = Installation(folder / "home", {"MOODLINE_SOURCE_HOSTS": "127.0.0.1"})
    with LiveStack(installation, folder / "up.log", port=free_ports(1)[0]) as one:
        one.wait_for_dashboard()
        yield one


@pytest.fixture
def stack(up: LiveStack) -> LiveStack:
    """The stack without the sources of other tests."""
    for name in up.statuses():
        up.remove(name)
    return up


@pytest.fixture(scope="module")
def camera(long_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspCamera]:
    with RtspCamera(long_clip.parent, tmp_path_factory.mktemp("rtsp") / "rtsp.log") as one:
        yield one


@pytest.fixture
def page(browser: Browser, stack: LiveStack) -> Iterator[Page]:
    with (
        browser.new_context(timezone_id="Europe/Berlin") as viewer,
        quiet_page(viewer, stack.address) as one,
    ):
        yield one


# -- Now ----------------------------------------------------------------------------


def test_from_the_first_start_to_the_first_chart(page: Page, stack: LiveStack) -> None:
    page.goto(stack.address)
    expect(page.locator("#now-summary")).to_have_text("No live source yet.")
    for way in ("Add a webcam", "Add a camera", "Open recordings"):
        expect(page.get_by_role("link", name=way)).to_be_visible()
    page.get_by_role("button", name="Start the demo").click()
    demo = page.get_by_role("article", name="demo camera")
    expect(demo).to_contain_text("Live")
    expect(demo.locator("img")).to_have_attribute("src", re.compile("^data:image/jpeg"))
    poll(lambda: page.evaluate("document.querySelector('.tile img').naturalWidth") >= 320)
    expect(demo.locator(".reading").first).to_contain_text(re.compile(r"Track \d+\s*\w+\s*\d+ %"))
    expect(page.locator("#now-tools")).to_contain_text("Faces are blurred. No picture is stored.")

    # The track may end meanwhile: its opened bars stay while they have the focus. It may also end
    # just before the click, which is then of nothing.
    def opened() -> bool:
        demo.locator(".reading").first.click()
        return demo.locator("[aria-expanded=true]").count() == 1

    poll(opened)
    expect(demo.locator(".seven .bar")).to_have_count(7)
    expect(demo.locator(".bar.strong")).to_have_count(1)
    expect(demo.locator("[aria-expanded=true]")).to_be_focused()

    poll(lambda: has_rollups(stack, "demo camera"))  # Else Trends has them half a minute later.
    page.get_by_role("link", name="Trends", exact=True).click()
    chart = page.locator("figure:visible").filter(has_text="demo camera")
    expect(chart.locator(".main-svg").first).to_be_visible()
    expect(page.locator("#lead")).to_contain_text(re.compile("demo camera|sources together"))


def has_rollups(stack: LiveStack, source: str) -> bool:
    with reading(stack.engine) as connection:
        frames = (
            select(func.sum(rollups.c.frames))
            .join(Source, Source.id == rollups.c.source_pk)
            .where(Source.name == source)
        )
        return bool(connection.execute(frames).scalar())


def test_a_tile_shows_that_its_camera_is_offline_and_back(
    page: Page, stack: LiveStack, camera: RtspCamera, long_clip: Path
) -> None:
    stack.add("door", camera.url(long_clip.name))
    stack.add("yard", "rtsp://127.0.0.1:9/nothing")
    page.goto(f"{stack.address}now")
    door = page.get_by_role("article", name="door")
    expect(door).to_contain_text("Live")
    expect(door.locator(".tile-facts")).to_contain_text(re.compile(r"fps · lag [\d.]+ s"))
    expect(page.locator("#now-summary")).to_contain_text("yard is offline since")
    camera.kill()
    try:
        expect(door.locator(".state")).not_to_have_text("Live")
        expect(door.locator(".why")).to_contain_text(re.compile(r"since \d\d:\d\d"))
        expect(page.locator("#now-summary")).to_contain_text("2 offline")
    finally:
        camera.start()
    expect(door.locator(".state")).to_have_text("Live")
    stack.pause("door", paused=True)
    expect(door.locator(".state")).to_have_text("Paused")
    stack.remove("door")
    expect(door).to_have_count(0)


# -- Sources ------------------------------------------------------------------------


def test_a_camera_is_added_tested_edited_paused_and_removed(
    browser: Browser, stack: LiveStack, camera: RtspCamera, long_clip: Path
) -> None:
    with browser.new_context() as viewer, patient_page(viewer) as page:
        page.goto(f"{stack.address}now")
        page.get_by_role("link", name="Add a camera").click()
        page.get_by_label("Name", exact=True).fill("gate")
        for refused in ("file:///etc/passwd", "http://169.254.169.254/latest/meta-data"):
            page.get_by_label("Address").fill(refused)
            page.get_by_role("button", name="Test and add").click()
            expect(page.locator(".source-form .trouble")).not_to_be_empty()
        page.get_by_label("Address").fill(camera.url(long_clip.name, "me:s3cret@"))
        page.get_by_role("button", name="Test", exact=True).click()
        expect(page.locator(".test-result img")).to_be_visible()
        expect(page.locator(".test-result")).to_contain_text("640 × 360, h264")
        page.get_by_label("Tags").fill("front, floor 1")
        page.get_by_role("button", name="Test and add").click()
        gate = page.get_by_role("region", name="gate", exact=True)
        expect(gate).to_contain_text("Live")
        expect(gate.locator(".tag")).to_have_text(["front", "floor 1"])
        assert "s3cret" not in page.content()
        page.get_by_role("link", name="Now").click()
        expect(page.get_by_role("article", name="gate")).to_contain_text("Live")

        page.get_by_role("link", name="Sources").click()
        page.get_by_role("button", name="Edit gate").click()
        page.get_by_label("Frames analysed").fill("3")
        page.get_by_role("button", name="Save").click()
        expect(gate).to_contain_text("limit 3 fps")
        page.get_by_role("button", name="Pause gate").click()
        expect(gate).to_contain_text("Paused")
        page.get_by_role("button", name="Resume gate").click()
        expect(gate).to_contain_text("Live")
        gate.get_by_text("Last 24 hours, and").click()
        expect(gate.locator("tbody")).to_contain_text("Paused")
        expect(gate.locator(".facts")).to_contain_text("Captured in this run")
        page.get_by_role("button", name="Remove gate").click()
        page.get_by_role("button", name="Remove it").click()
        expect(page.locator(".empty")).to_contain_text("No live source yet")


# -- Try an image ---------------------------------------------------------------------


def test_an_image_is_read_and_not_stored(
    browser: Browser, stack: LiveStack, tmp_path: Path
) -> None:
    before = set(stack.installation.home.rglob("*"))
    with browser.new_context() as viewer, quiet_page(viewer, stack.address) as page:
        page.goto(f"{stack.address}try")
        page.locator("#try-file").set_input_files(FACES / "a-happy.png")
        expect(page.locator(".lead")).to_contain_text("One face found")
        expect(page.locator(".face h2")).to_contain_text("happy")
        expect(page.locator(".face .bar")).to_have_count(7)
        grey = tmp_path / "grey.png"
        cv2.imwrite(str(grey), np.full((200, 300), 127, np.uint8))
        page.locator("#try-file").set_input_files(grey)
        expect(page.locator(".lead")).to_have_text("No face was found.")
    after = set(stack.installation.home.rglob("*"))
    assert {path.name for path in after - before} <= {"moodline.db-wal", "moodline.db-shm"}


# -- System -------------------------------------------------------------------------


def test_the_page_shows_services_jobs_storage_and_retention(page: Page, stack: LiveStack) -> None:
    page.goto(f"{stack.address}system")
    services = page.get_by_role("region", name="Services", exact=True)
    expect(services).to_contain_text("Valkey")
    expect(services).to_contain_text("Schema 0")
    expect(services.get_by_role("region", name="Workers")).to_contain_text("mobilenetv2")
    beside = services.get_by_role("region", name="Ingest, scheduler")
    for service in ("dashboard", "ingest", "scheduler"):
        row = beside.get_by_role("row").filter(has_text=service)
        expect(row).to_contain_text(re.compile(r"Running\d+ \w+"))
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


def test_a_run_is_erased_after_a_dry_run_and_audited(
    browser: Browser, stack: LiveStack, one_face: Path
) -> None:
    stack.installation.analyze(one_face, "--source", "interview")
    with reading(stack.engine) as connection:
        run = connection.execute(
            select(Run.id, Run.run_id)
            .join(Source, Source.id == Run.source_pk)
            .where(Source.name == "interview")
        ).one()
    run_id, frames, faces = run.run_id, rows_of(stack, Frame, run.id), rows_of(stack, Face, run.id)
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
        expect(page.locator("#erase h3")).to_contain_text(re.compile(r"Erased\. Receipt \d"))
        expect(page.locator("#audit tbody")).to_contain_text(f"Run: {run_id}")
    assert rows_of(stack, Frame, run.id) == rows_of(stack, Face, run.id) == 0


def rows_of(stack: LiveStack, table: type[Frame] | type[Face], run_pk: int) -> int:
    with reading(stack.engine) as connection:
        count = select(func.count()).select_from(table).where(table.run_pk == run_pk)
        return int(connection.execute(count).scalar_one())


def test_the_notice_prints_on_one_page(browser: Browser, stack: LiveStack) -> None:
    with browser.new_context() as viewer, patient_page(viewer) as page:
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
        ({"since": "2026-01-32T00:00"}, "since"),
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
