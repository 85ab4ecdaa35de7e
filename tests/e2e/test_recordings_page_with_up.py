"""The page Recordings over a real `moodline up`: upload, play, cancel, retry, resume."""

import csv
import io
import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from analytics.runs.run_list import RunLine
from records.uploads.uploads import MAX_CHUNK_BYTES
from tests.e2e.commands import Installation, poll, runs_of
from tests.e2e.live_stack import LiveStack
from tests.pages import patient_page, quiet_page, wait_for_route
from tests.rtsp import free_ports


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """One `moodline up`. Each test analyses a recording with a name and content of its own."""
    folder = tmp_path_factory.mktemp("up")
    allowed = {"MOODLINE_RECORDING_FOLDERS": str(tmp_path_factory.getbasetemp())}
    installation = Installation(folder / "home", allowed)
    with LiveStack(installation, folder / "up.log", port=free_ports(1)[0]) as one:
        one.wait_for_dashboard()
        yield one


def copy_of(clip: Path, path: Path, padding: int) -> Path:
    """Write the clip with an MP4 box of that many bytes, which players skip."""
    box = (padding + 8).to_bytes(4) + b"free" + b"\0" * padding
    path.write_bytes(clip.read_bytes() + box)
    return path


def run_of(stack: LiveStack, recording: Path) -> RunLine:
    """The only run of the recording."""
    (run,) = (run for run in runs_of(stack.installation) if run.source == recording.name)
    return run


def row_of(page: Page, recording: Path) -> Locator:
    return page.locator(".runs tbody tr").filter(has_text=recording.name)


def ask(stack: LiveStack, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(
        f"{stack.address}api/recordings/{path}", method=method, headers=headers
    )
    if method == "POST":
        request.data = b"{}"
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read()


def test_a_recording_is_uploaded_analysed_played_and_deleted(
    browser: Browser, stack: LiveStack, one_face: Path, tmp_path: Path
) -> None:
    recording = copy_of(one_face, tmp_path / "whole.mp4", 1)
    changed_at = datetime(2024, 3, 1, 12, tzinfo=UTC).timestamp()
    os.utime(recording, (changed_at, changed_at))
    with browser.new_context() as viewer, quiet_page(viewer, stack.address) as page:
        page.goto(f"{stack.address}recordings")
        expect(page.locator(".drop")).to_contain_text("deleted 7 days after their analysis")
        page.locator("#recording-files").set_input_files(recording)
        row = row_of(page, recording)
        expect(row).to_contain_text("Done")
        expect(row).to_contain_text("the file is deleted on")
        row.get_by_role("link", name="whole.mp4").click()
        expect(page.locator(".lead")).to_contain_text(re.compile("neutral|happy"))
        expect(page.locator(".recorded-time")).to_contain_text(
            re.compile(r"Recorded .*2024.* \(the file's modification time, less the duration\)")
        )
        expect(page.locator(".lane")).to_have_count(3)
        poll(lambda: bool(page.evaluate("document.querySelector('video').readyState >= 2")))
        page.locator(".lane canvas").nth(1).click(position={"x": 2, "y": 5})
        poll(lambda: bool(page.evaluate("document.querySelector('video').currentTime < 0.5")))
        slider = page.get_by_label("Position in the recording")
        slider.fill("3.48")
        poll(lambda: bool(page.evaluate("document.querySelector('video').currentTime > 3.4")))
        expect(page.locator(".now-face")).to_have_count(1)
        expect(page.locator(".overlay .face-box")).to_have_count(1)
        expect(page.locator(".now-face .bar")).to_have_count(7)
        slider.press("ArrowLeft")
        poll(lambda: bool(page.evaluate("document.querySelector('video').currentTime < 3.47")))
        with page.expect_download() as download:
            page.get_by_role("link", name="Records (CSV)").click()
        rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
        assert len(rows) == 60 and {row["frame_index"] for row in rows} == {
            str(number) for number in range(60)
        }
        page.get_by_role("button", name="Draw an annotated video").click()
        expect(page.get_by_role("link", name="Annotated video")).to_be_visible()
        page.get_by_role("link", name="All recordings").click()
        row.get_by_role("button", name="Delete the file").click()
        expect(row).to_be_visible()
        expect(row.get_by_role("button", name="Delete the file")).to_have_count(0)
    run = run_of(stack, recording)
    status, copy = ask(stack, f"run/{run.run_id}/annotated")
    assert status == 200 and copy[4:8] == b"ftyp"
    assert ask(stack, f"run/{run.run_id}/media")[0] == 400
    kept = [
        path
        for path in (stack.installation.home / "uploads").rglob("*.mp4")
        if path.stem == run.run_id or path.read_bytes() == recording.read_bytes()
    ]
    assert [path.parent.name for path in kept] == ["annotated"]


def test_range_requests_return_a_part_of_the_recording(
    stack: LiveStack, one_face: Path, tmp_path: Path
) -> None:
    recording = copy_of(one_face, tmp_path / "ranges.mp4", 2)
    stack.installation.analyze(recording)
    run = run_of(stack, recording)
    whole = recording.read_bytes()
    assert ask(stack, f"run/{run.run_id}/media") == (200, whole)
    assert ask(stack, f"run/{run.run_id}/media", Range="bytes=10-19") == (206, whole[10:20])
    assert ask(stack, f"run/{run.run_id}/media", Range="bytes=-5") == (206, whole[-5:])
    assert ask(stack, f"run/{run.run_id}/media", Range="bytes=99999999-")[0] == 416
    for path in ("run/nowhere/media", "run/nowhere", "run/..%2F..%2Fetc/annotated"):
        assert ask(stack, path)[0] in {400, 404}


def test_an_interrupted_upload_resumes_where_it_stopped(
    browser: Browser, stack: LiveStack, one_face: Path, tmp_path: Path
) -> None:
    large = copy_of(one_face, tmp_path / "large.mp4", 2 * MAX_CHUNK_BYTES + 1000)
    pieces: list[str] = []
    held: list[Route] = []

    def cut(route: Route) -> None:
        pieces.append(route.request.url.partition("offset=")[2])
        if len(pieces) == 2:
            route.abort("connectionreset")
        else:
            route.continue_()

    def hold(route: Route) -> None:
        held.append(route)

    with browser.new_context() as viewer, patient_page(viewer) as page:
        page.route(re.compile(r"\?offset="), cut)
        # The question how much has arrived: the message is shown until its answer.
        page.route(re.compile(r"recordings/upload/[^/?]+$"), hold)
        page.goto(f"{stack.address}recordings")
        page.locator("#recording-files").set_input_files(large)
        upload = page.get_by_role("region", name="large.mp4")
        expect(upload).to_contain_text("The connection was lost. Trying again")
        wait_for_route(page, held).continue_()
        expect(row_of(page, large)).to_contain_text("Done")
    assert pieces == ["0", f"{MAX_CHUNK_BYTES}", f"{MAX_CHUNK_BYTES}", f"{2 * MAX_CHUNK_BYTES}"]
    assert run_of(stack, large).frames_analyzed == 60


def test_a_file_that_is_not_a_recording_is_refused(
    browser: Browser, stack: LiveStack, tmp_path: Path
) -> None:
    text, cut, hostile = (tmp_path / name for name in ("notes.mp4", "cut.mkv", "list.ts"))
    text.write_text("ceci n'est pas un film\n" * 100)
    cut.write_bytes(b"\x1a\x45\xdf\xa3" + b"\xff" * 5000)
    hostile.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    with browser.new_context() as viewer, patient_page(viewer) as page:
        page.goto(f"{stack.address}recordings")
        for path in (text, cut, hostile):
            page.locator("#recording-files").set_input_files(path)
            one = page.get_by_role("region", name=path.name)
            expect(one.locator(".trouble")).to_contain_text(re.compile(r"\w+ \w+"))
            expect(one).not_to_contain_text("Traceback")
            assert str(stack.installation.home) not in one.inner_text()
    refused = {text.name, cut.name, hostile.name}
    assert not refused & {run.source for run in runs_of(stack.installation)}


@contextmanager
def suspended_workers(stack: LiveStack) -> Iterator[None]:
    suspended = stack.processes_with("inference_worker")
    for worker in suspended:
        worker.suspend()
    try:
        yield
    finally:
        for worker in suspended:
            with suppress(psutil.NoSuchProcess):
                worker.resume()


def test_a_folder_is_queued_and_its_run_cancelled_and_retried(
    browser: Browser, stack: LiveStack, one_face: Path, long_clip: Path
) -> None:
    with (
        ExitStack() as workers,
        browser.new_context() as viewer,
        quiet_page(viewer, stack.address) as page,
    ):
        workers.enter_context(suspended_workers(stack))
        page.goto(f"{stack.address}recordings")
        page.get_by_label("A file or folder on the server").fill(str(long_clip))
        page.get_by_role("button", name="Analyse").click()
        expect(page.locator(".folder-form")).to_contain_text("1 queued.")
        page.get_by_role("button", name="Cancel: long.mp4").click()
        row = row_of(page, long_clip)
        expect(row).to_contain_text("Cancelled")
        workers.close()
        page.get_by_role("button", name="Try again: long.mp4").click()
        expect(row).to_contain_text("Done")
    assert run_of(stack, long_clip).frames_analyzed == 315


def test_an_unknown_run_is_named_in_the_error(stack: LiveStack) -> None:
    status, answer = ask(stack, "run/none/summary")
    assert status == 400 and "none" in json.loads(answer)["error"]
