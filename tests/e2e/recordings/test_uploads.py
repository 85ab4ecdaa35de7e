"""Uploads on the page Recordings, in a browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect
from sqlalchemy import select

from contracts.runs import RunState
from contracts.zones.turning import Turn
from contracts.zones.zone import Zone, ZoneKind
from records.json_columns import decode_run_options
from records.tables.runs import Run
from records.uploads.uploads import MAX_CHUNK_BYTES
from tests.e2e.recordings.library import HAPPY, Library
from tests.media import VideoSpec, steady, write_video
from tests.pages import patient_page, wait_for_route
from tests.rows import write_run

LIST = re.compile(r"/api/recordings/list\?")


def padded(clip: Path, path: Path, pieces: int) -> Path:
    """Write the clip with an MP4 box that players skip: `pieces` chunks and a little more."""
    free = (pieces - 1) * MAX_CHUNK_BYTES + 1000
    path.write_bytes(clip.read_bytes() + (free + 8).to_bytes(4) + b"free" + b"\0" * free)
    return path


def test_unfinished_uploads_are_listed_resumed_and_removed(
    page: Page, library: Library, one_face: Path, tmp_path: Path
) -> None:
    half = padded(one_face, tmp_path / "half.mp4", 2)
    library.begin(half, received=MAX_CHUNK_BYTES)
    refused = tmp_path / "notes.mp4"
    refused.write_text("no film")
    library.begin(refused, received=7, error="notes.mp4 is no recording")
    page.goto(f"{library.address}/recordings")
    one = page.get_by_role("region", name="half.mp4")
    expect(one).to_contain_text("8.4 MB of 8.4 MB arrived. Choose the same file again to resume")
    notes = page.get_by_role("region", name="notes.mp4")
    expect(notes.locator(".trouble")).to_have_text("notes.mp4 is no recording")
    notes.get_by_role("button", name="Remove").click()
    expect(notes).to_have_count(0)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url.partition("?offset=")[2]))
    with page.expect_file_chooser() as chooser:
        one.get_by_role("button", name="Resume").click()
    chooser.value.set_files(half)
    expect(page.locator(".runs tbody tr")).to_contain_text("half.mp4")
    expect(page.locator(".upload")).to_have_count(0)
    assert [offset for offset in sent if offset] == [str(MAX_CHUNK_BYTES)]


def test_an_upload_continues_on_another_page(
    page: Page, library: Library, one_face: Path, tmp_path: Path
) -> None:
    large = padded(one_face, tmp_path / "large.mp4", 2)
    held: list[Route] = []

    def hold(route: Route) -> None:  # Playwright rejects the method of a list.
        held.append(route)

    page.route(re.compile(r"\?offset="), hold)
    page.goto(f"{library.address}/recordings")
    page.locator("#recording-files").set_input_files(large)
    first = wait_for_route(page, held)
    page.get_by_role("link", name="System").click()
    expect(page.locator("#services")).to_be_visible()
    asked = "e = new Event('beforeunload', {cancelable: true}); dispatchEvent(e)"
    assert page.evaluate(f"{{ {asked}; e.defaultPrevented }}"), "closing the tab shows a warning"
    first.continue_()
    second = wait_for_route(page, held)
    page.get_by_role("link", name="Recordings").click()
    one = page.get_by_role("region", name="large.mp4")
    expect(one).to_have_count(1)
    expect(one).to_contain_text("8.4 MB of")
    page.locator("#recording-files").set_input_files(large)
    with page.expect_response(LIST):
        pass
    assert not held, "the same file is not sent twice at a time"
    second.continue_()
    expect(page.locator(".runs tbody tr")).to_contain_text("large.mp4")
    assert not page.evaluate(f"{{ {asked}; e.defaultPrevented }}")


def test_an_upload_that_starts_is_listed_once(page: Page, library: Library, one_face: Path) -> None:
    held: list[Route] = []
    answers: list[APIResponse] = []

    def hold_answer(route: Route) -> None:
        answers.append(route.fetch())
        held.append(route)

    page.route(re.compile(r"recordings/upload$"), hold_answer)
    page.goto(f"{library.address}/recordings")
    expect(page.locator(".empty")).to_contain_text("No recording is analysed yet.")
    page.locator("#recording-files").set_input_files(one_face)
    begun = wait_for_route(page, held)
    for _ in range(2):  # The first may have been requested before the upload began.
        with page.expect_response(LIST):
            pass
    expect(page.locator(".upload")).to_have_count(1)
    begun.fulfill(response=answers[0])
    expect(page.locator(".upload")).to_have_count(0)


@pytest.mark.parametrize("status", [400, 507])
def test_a_refused_upload_does_not_hide_an_unfinished_one(
    browser: Browser, library: Library, one_face: Path, status: int
) -> None:
    library.begin(one_face, received=1000)

    def refuse(route: Route) -> None:
        route.fulfill(status=status, json={"error": "There is no room."})

    with browser.new_context() as viewer, patient_page(viewer) as page:
        page.route(re.compile(r"recordings/upload$"), refuse)
        page.goto(f"{library.address}/recordings")
        expect(page.locator(".upload")).to_have_count(1)
        page.locator("#recording-files").set_input_files(one_face)
        expect(page.locator(".upload .trouble")).to_have_text("There is no room.")
        with page.expect_response(LIST):
            pass
        expect(page.locator(".upload")).to_have_count(2)


def test_requests_are_retried_when_the_server_is_not_available(
    browser: Browser, library: Library, one_face: Path
) -> None:
    failed: list[str] = []
    held: list[Route] = []

    def fail_at_first(route: Route) -> None:
        step = route.request.url.rpartition("/")[2].partition("?")[0]
        if step == "upload" and failed:
            held.append(route)
            return
        if route.request.method == "GET" or failed.count(step) == 1:
            route.continue_()
            return
        failed.append(step)
        route.fulfill(status=(502, 503, 504)[min(len(failed), 3) - 1], body="<h1>no</h1>")

    with browser.new_context() as viewer, patient_page(viewer) as page:
        page.route(re.compile(r"/upload"), fail_at_first)
        page.goto(f"{library.address}/recordings")
        page.locator("#recording-files").set_input_files(one_face)
        expect(page.locator(".upload")).to_contain_text("The server is not available (HTTP 502)")
        wait_for_route(page, held).continue_()
        expect(page.locator(".runs tbody tr")).to_contain_text("one-face.mp4")
    assert len(failed) == 3 and failed[0] == "upload" and failed[2] == "finish"


def test_the_file_of_every_ended_run_can_be_deleted(
    page: Page, library: Library, one_face: Path
) -> None:
    states = (RunState.DONE, RunState.FAILED, RunState.CANCELLED, RunState.RUNNING)
    for number, state in enumerate(states):
        write_run(library.engine, state, {0: [HAPPY]}, source=f"{state}.mp4", state=state)
        copy = library.settings.home / f"{number}.mp4"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(one_face.read_bytes())
        library.begin(copy, received=one_face.stat().st_size, run=state)
    page.goto(f"{library.address}/recordings")
    expect(page.locator(".runs tbody tr")).to_have_count(4)
    expect(page.get_by_role("button", name=re.compile("Delete the file"))).to_have_count(3)
    for state in states[:3]:
        page.get_by_role("button", name=f"Delete the file: {state}.mp4").click()
        expect(page.get_by_role("button", name=f"Delete the file: {state}.mp4")).to_have_count(0)
    assert [line.run_id for line in library.uploads.all()] == ["running"]


def test_an_upload_is_analysed_as_its_form_says(
    page: Page, library: Library, one_face: Path
) -> None:
    """Given a mask that is drawn before the picture is turned, it moves with the picture."""
    page.goto(f"{library.address}/recordings")
    page.get_by_text("How new recordings are read: as in the settings").click()
    page.get_by_role("button", name="Draw a zone: Privacy mask").click()
    page.locator("#recording-files").set_input_files(one_face)
    expect(page.get_by_text("A zone is being drawn: finish it")).to_be_visible()
    page.get_by_role("button", name="Use a rectangle").click()
    corner = page.get_by_role("button", name=re.compile("^Corner 1 of mask 1"))
    for _ in range(4):
        corner.press("Shift+ArrowLeft")
    page.get_by_label("Picture", exact=True).select_option("90")
    page.get_by_label("Mirrored left to right").check()
    page.get_by_label("Smallest face").fill("40")
    page.get_by_label("Still faces").select_option("Counted")
    expect(page.locator(".reading-options > summary")).to_have_text(
        "How new recordings are read: Picture turned by 90° clockwise, mirrored · "
        "Zones: privacy mask mask 1. Faces from 40 pixels · Still faces counted"
    )
    page.locator("#recording-files").set_input_files(one_face)
    expect(page.locator(".runs tbody tr")).to_contain_text(one_face.name)
    with library.engine.connect() as connection:
        stored = connection.execute(select(Run.options)).scalar_one()
    options = decode_run_options(stored).analysis
    assert options.turn == Turn(90, mirror=True)
    assert (options.min_face_px, options.keep_static) == (40, True)
    (mask,) = options.zones
    drawn = [(0.1, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7)]
    # Turned clockwise and mirrored, x and y change places.
    assert mask == Zone(ZoneKind.MASK, "mask 1", tuple((y, x) for x, y in drawn))


def test_zones_are_drawn_over_a_picture_of_the_recording(
    page: Page, library: Library, tmp_path: Path
) -> None:
    """Given a recording that the browser can play, it is shown here as it is turned."""
    clip, broken = tmp_path / "door.webm", tmp_path / "none.mp4"
    write_video(clip, steady(25), VideoSpec(size=(320, 180), codec="libvpx-vp9"))
    broken.write_text("no film")
    page.goto(f"{library.address}/recordings")
    page.get_by_text("How new recordings are read").click()
    page.locator(".reading-options input[type=file]").set_input_files(clip)
    picture = page.get_by_alt_text(f"A picture of {clip.name}")
    expect(picture).to_have_js_property("naturalWidth", 320)
    page.get_by_label("Picture", exact=True).select_option("270")
    expect(picture).to_have_js_property("naturalWidth", 180)
    page.locator(".reading-options input[type=file]").set_input_files(broken)
    expect(page.get_by_text("This browser cannot play that file")).to_be_visible()
    assert library.uploads.all() == []
