"""The page Recordings and its player in a browser, over records that the tests write."""

import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect
from sqlalchemy import Engine, insert, update

from analytics.audit import audit_entries
from analytics.snapshots import in_snapshot
from contracts.expressions import EXPRESSIONS
from contracts.runs import RunState
from contracts.settings import Settings
from contracts.times import to_micros, utc_now
from dashboard.web.backend import Backend
from ingest.files.content_hash import read_content
from moodline.adapters.recording_files import uploads_of
from moodline.adapters.recordings import RecordingLibrary
from records.audit_actions import Kind
from records.database import open_engine
from records.schema import upgrade
from records.tables.faces import Face, Frame
from records.tables.runs import Run
from records.uploads import MAX_CHUNK_BYTES, Uploads
from records.users.accounts import add_user
from records.users.roles import Role
from tests.e2e.commands import TIMEOUT_S, poll
from tests.history import write_history_run
from tests.http_client import PASSWORD, ask, cookie_of, sign_in
from tests.media import VideoSpec, write_video
from tests.pages import patient_page, quiet_page, serving, wait_for_route
from tests.rows import FaceSpec, write_run

HAPPY = FaceSpec(1, "happy")


@dataclass(frozen=True)
class Library:
    """A dashboard that accepts recordings, without services that analyse them."""

    engine: Engine
    settings: Settings
    uploads: Uploads
    backend: Backend
    address: str

    def begin(self, path: Path, *, received: int, error: str = "", run: str | None = None) -> str:
        """Upload the first `received` bytes, as a browser would. error, run: the result."""
        data = path.read_bytes()
        os.utime(path, (1_700_000_000, 1_700_000_000))  # Browsers report whole milliseconds.
        mark = f"{path.name} {len(data)} 1700000000000"
        line = self.uploads.start(path.name, len(data), mark, "")
        for at in range(0, received, MAX_CHUNK_BYTES):
            self.uploads.append(line.id, at, data[at : min(at + MAX_CHUNK_BYTES, received)])
        if error or run:
            self.uploads.set_result(line.id, run, error)
        return line.id

    def set_recording(self, run_id: str, path: Path) -> None:
        """Make the file the run's recording."""
        values = {"uri": str(path), "content_hash": read_content(path).digest}
        with self.engine.begin() as connection:
            connection.execute(update(Run).where(Run.run_id == run_id).values(values))


@pytest.fixture
def library(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    settings = Settings(home=tmp_path / "home", recording_folders=(tmp_path_factory.getbasetemp(),))
    uploads = uploads_of(settings, engine)
    backend = Backend(engine, settings, recordings=RecordingLibrary(settings, engine, uploads))
    with serving(backend) as address:
        yield Library(engine, settings, uploads, backend, address)
    engine.dispose()


@pytest.fixture
def page(browser: Browser, library: Library) -> Iterator[Page]:
    with browser.new_context() as viewer, quiet_page(viewer, library.address) as one:
        yield one


def padded(clip: Path, path: Path, pieces: int) -> Path:
    """Write the clip with an MP4 box that players skip: `pieces` chunks and a little more."""
    free = (pieces - 1) * MAX_CHUNK_BYTES + 1000
    path.write_bytes(clip.read_bytes() + (free + 8).to_bytes(4) + b"free" + b"\0" * free)
    return path


# -- uploads ------------------------------------------------------------------------


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
    page.on("request", lambda request: sent.append(request.url.partition("offset=")[2]))
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

    page.route(re.compile(r"offset="), hold)
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
    with page.expect_response("**/api/recordings/list"):
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
        with page.expect_response("**/api/recordings/list"):
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
        with page.expect_response("**/api/recordings/list"):
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


# -- the player ---------------------------------------------------------------------


def write_faces(engine: Engine, run_id: str, frames: Mapping[int, Sequence[int]]) -> None:
    """Write a finished run. frames: left edges of faces, of 1000 pixels, by media time in us."""
    run_pk = write_run(engine, run_id, {})
    times = sorted(frames)
    with engine.begin() as connection:
        connection.execute(
            update(Run)
            .where(Run.id == run_pk)
            .values(display_width=1000, display_height=1000, duration_us=times[-1] + 40_000)
        )
        for index, at in enumerate(times):
            _add_frame(connection.execute, run_pk, index, at, frames[at])


def _add_frame(
    execute: Callable[..., object], run_pk: int, index: int, at_us: int, places: Sequence[int]
) -> None:
    execute(
        insert(Frame).values(
            run_pk=run_pk,
            frame_index=index,
            media_time_us=at_us,
            captured_at=utc_now(),
            dwell_ms=40,
            face_count=len(places),
        )
    )
    shares = dict.fromkeys(EXPRESSIONS, 0.04) | {"happy": 0.76}
    for track, x in enumerate(places, 1):
        place = {"x": x, "y": 100, "w": 50, "h": 50, "quality": 0.9}
        read = {"emotion": "happy", "confidence": 0.76, "smoothed_emotion": "happy"}
        execute(
            insert(Face).values(
                run_pk=run_pk,
                frame_index=index,
                track_id=track,
                smoothed_confidence=0.7,
                **place,
                **read,
                **shares,
            )
        )


# The number encoded in the shown picture, and the number that the place of the box stands for.
SHOWN = """() => {
  const video = document.querySelector("video"), canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  ink.drawImage(video, 0, 0);
  let number = 0;
  for (let bit = 0; bit < 12; bit += 1) {
    const [column, row] = [bit % 4 + 0.5, Math.floor(bit / 4) + 0.5];
    const [x, y] = [column * canvas.width / 4, row * canvas.height / 3];
    number |= (ink.getImageData(x, y, 1, 1).data[0] > 128) << bit;
  }
  const box = document.querySelector(".overlay .face-box");
  return [video.seeking, number, box ? Math.round(parseFloat(box.style.left) * 10) : null];
}"""


def uneven(count: int) -> list[int]:
    """Times of frames 8 to 120 ms apart, in microseconds."""
    times, at = [], 0
    for number in range(count):
        times.append(at * 1000)
        at += (8, 17, 9, 120, 8, 33, 16, 70)[number % 8]
    return times


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_boxes_match_the_shown_picture_at_uneven_frame_intervals(
    page: Page, library: Library, tmp_path: Path, suffix: str
) -> None:
    times = uneven(64)
    clip = tmp_path / f"uneven.{suffix}"
    write_video(clip, times, VideoSpec(b_frames=0, gop=16))
    frames = {at: [number] if number % 8 != 3 else [] for number, at in enumerate(times)}
    write_faces(library.engine, "uneven", frames)
    library.set_recording("uneven", clip)
    page.goto(f"{library.address}/recordings/uneven")
    poll(lambda: bool(page.evaluate("document.querySelector('video')?.readyState >= 2")))
    expect(page.locator(".overlay .face-box")).to_have_count(1)
    pictures = set()
    for number in range(1, 63):
        gap = times[number + 1] - times[number]
        for at_us in (times[number] + 1000, times[number] + gap // 2, times[number] + gap - 1000):
            page.evaluate(f"document.querySelector('video').currentTime = {at_us / 1e6}")
            deadline = time.monotonic() + TIMEOUT_S
            while True:
                seeking, picture, box = page.evaluate(SHOWN)
                drawn = picture if picture % 8 != 3 else None
                if not seeking and box == drawn:
                    break
                assert time.monotonic() < deadline, (at_us, picture, box)
            pictures.add(picture)
    assert len(pictures) > 40, "the picture must change"


def test_many_faces_are_shown_to_the_end_of_the_recording(page: Page, library: Library) -> None:
    crowd = {number * 33_333: [100 * track for track in range(1, 9)] for number in range(600)}
    write_faces(library.engine, "crowd", crowd)
    page.goto(f"{library.address}/recordings/crowd")
    expect(page.locator(".now-faces")).to_contain_text("4 more in view")
    page.get_by_label("Position in the recording").fill("19.52")
    expect(page.locator(".at")).to_contain_text("00:19 of")
    expect(page.locator(".now-face")).to_have_count(4)
    page.get_by_label("Position in the recording").fill("0")
    expect(page.locator(".now-faces")).to_contain_text("4 more in view")


def test_the_lanes_of_a_long_run_show_their_resolution(
    page: Page, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_history_run(
        library.engine, "hours.mp4", to_micros(utc_now()), 300, random.Random(1)
    )
    page.goto(f"{library.address}/recordings/{run.run_id}")
    expect(page.locator(".lane-name").first).to_be_visible()
    coarse = page.get_by_text("The run is long")
    expect(coarse).to_be_hidden()
    monkeypatch.setattr("analytics.runs.track_timelines.MAX_ROWS", 10)
    page.reload()
    expect(coarse).to_contain_text("each 1 s of a lane has the label shown longest")


def test_a_growing_run_updates_the_page_in_place(
    page: Page, library: Library, long_clip: Path
) -> None:
    run_pk = write_run(
        library.engine, "going", {n: [HAPPY] for n in range(50)}, state=RunState.RUNNING
    )
    library.set_recording("going", long_clip)
    page.goto(f"{library.address}/recordings/going")
    expect(page.locator(".run-facts")).to_contain_text("Being analysed")
    poll(lambda: bool(page.evaluate("document.querySelector('video')?.readyState >= 2")))
    page.evaluate("document.querySelector('video').id = 'mine'")
    slider = page.get_by_label("Position in the recording")
    slider.fill("2.4")
    slider.focus()
    expect(page.locator(".lane")).to_have_count(3)
    with library.engine.begin() as connection:
        for index in range(50, 100):
            _add_frame(connection.execute, run_pk, index, index * 100_000, [100, 200])
        connection.execute(update(Run).values(state=RunState.DONE, duration_us=10_000_000))
    expect(page.locator(".lane")).to_have_count(4)
    expect(page.locator(".run-facts")).not_to_contain_text("Being analysed")
    expect(slider).to_be_focused()
    expect(slider).to_have_attribute("max", "10")
    video = page.locator("video")
    expect(video).to_have_id("mine")
    assert abs(video.evaluate("video => video.currentTime") - 2.4) < 0.01
    slider.fill("6")
    expect(page.locator(".overlay .face-box")).to_have_count(2)


# -- roles --------------------------------------------------------------------------


def annotated_video(library: Library, run_id: str, clip: Path) -> Path:
    copy = library.settings.uploads_path / "annotated" / f"{run_id}.mp4"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(clip.read_bytes())
    return copy


def test_an_annotated_video_is_deleted_after_confirmation_and_audited(
    page: Page, library: Library, one_face: Path
) -> None:
    write_run(library.engine, "seen", {n: [HAPPY] for n in range(40)}, source="one-face.mp4")
    library.set_recording("seen", one_face)
    copy = annotated_video(library, "seen", one_face)
    page.goto(f"{library.address}/recordings/seen")
    delete = page.get_by_role("button", name="Delete the annotated video")
    delete.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It can be drawn again.")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_have_count(0)
    assert copy.exists()
    delete.click()
    dialog.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("button", name="Draw an annotated video")).to_be_focused()
    assert not copy.exists()
    (entry,) = in_snapshot(library.engine, audit_entries, kind=Kind.RECORDING)
    assert (entry.action, entry.details) == ("annotated copy deleted", {"run": "seen"})
    assert entry.actor == "dashboard on this machine"


def test_only_operators_of_this_site_can_delete_an_annotated_video(
    library: Library, one_face: Path
) -> None:
    write_run(library.engine, "seen", {0: [HAPPY]}, source="one-face.mp4")
    copy = annotated_video(library, "seen", one_face)
    add_user(library.engine, "vic", Role.VIEWER, PASSWORD, actor="test")
    add_user(library.engine, "ola", Role.OPERATOR, PASSWORD, actor="test")
    path = "/api/recordings/run/seen/annotated"
    with serving(library.backend, sign_in=True) as address:
        vic, ola = (cookie_of(sign_in(address, name, PASSWORD)) for name in ("vic", "ola"))
        assert ask(address, path, "DELETE").status == 401
        assert ask(address, path, "DELETE", Cookie=vic).status == 403
        elsewhere = ask(address, path, "DELETE", Cookie=ola, Sec_Fetch_Site="cross-site")
        assert elsewhere.status == 403 and copy.exists()
        unknown = "/api/recordings/run/..%2Fseen/annotated"
        assert ask(address, unknown, "DELETE", Cookie=ola).status in {400, 404, 405}
        assert copy.exists()
        assert ask(address, path, "DELETE", Cookie=ola).status == 200
        assert not copy.exists()
        assert ask(address, path, "DELETE", Cookie=ola).status == 400
    assert [
        one.actor for one in in_snapshot(library.engine, audit_entries) if "copy" in one.action
    ] == ["ola"]


def test_a_viewer_sees_results_but_no_controls_of_an_operator(
    browser: Browser, library: Library, one_face: Path
) -> None:
    write_run(library.engine, "seen", {n: [HAPPY] for n in range(40)}, source="one-face.mp4")
    library.set_recording("seen", one_face)
    add_user(library.engine, "vic", Role.VIEWER, PASSWORD, actor="test")
    add_user(library.engine, "ola", Role.OPERATOR, PASSWORD, actor="test")
    operators = ("#recording-files", ".folder-form", "video", ".copy button", "#erase form")
    with serving(library.backend, sign_in=True) as address:
        for name, sees in (("vic", False), ("ola", True)):
            with browser.new_context() as viewer, quiet_page(viewer, address) as page:
                page.goto(f"{address}/recordings")
                page.get_by_label("Name").fill(name)
                page.get_by_label("Password").fill(PASSWORD)
                page.get_by_role("button", name="Sign in").click()
                expect(page.locator(".runs tbody tr")).to_contain_text("one-face.mp4")
                for control in operators[:2]:
                    expect(page.locator(control)).to_have_count(int(sees))
                page.get_by_role("link", name="one-face.mp4").click()
                expect(page.locator(".lane canvas").first).to_be_visible()
                for control in operators[2:4]:
                    expect(page.locator(control)).to_have_count(int(sees))
                if not sees:
                    expect(page.locator(".empty")).to_contain_text("Only an operator can play it")
                    expect(page.get_by_role("link", name="Records (CSV)")).to_be_visible()
                page.get_by_role("link", name="Sources").click()
                add = page.get_by_role("button", name="Add a source")
                expect(page.locator(".source-list")).to_contain_text("No live source yet")
                expect(add).to_have_count(int(sees))
                page.get_by_role("link", name="System").click()
                expect(page.locator("#erase")).to_contain_text("An admin can erase")
                expect(page.locator(operators[4])).to_have_count(0)
