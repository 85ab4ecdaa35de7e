"""A large upload over a connection that breaks; the memory of its tab does not grow."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from contracts.settings import Settings
from moodline.adapters.recording_files import uploads_of
from moodline.adapters.recordings import RecordingLibrary
from records.database import open_engine
from records.schema import upgrade
from records.uploads.uploads import MAX_CHUNK_BYTES
from serving.backend import Backend
from tests.browser import chromium
from tests.pages import patient_page, serving, wait_for_route

pytestmark = pytest.mark.slow

PIECES = 32


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium("--enable-precise-memory-info") as one:
        yield one


def test_a_large_upload_resumes_at_half_and_its_tab_stays_small(
    browser: Browser, one_face: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.mp4"
    clip = one_face.read_bytes()
    free = PIECES * MAX_CHUNK_BYTES - len(clip)
    large.write_bytes(clip + free.to_bytes(4) + b"free")
    with large.open("r+b") as file:
        file.truncate(PIECES * MAX_CHUNK_BYTES)  # Sparse: 256 MiB that take no disk space.
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    settings = Settings(home=tmp_path / "home")
    uploads = uploads_of(settings, engine)
    backend = Backend(engine, settings, recordings=RecordingLibrary(settings, engine, uploads))
    pieces: list[int] = []
    heap: list[int] = []
    held: list[Route] = []
    with serving(backend) as address, browser.new_context() as viewer, patient_page(viewer) as page:
        tab = viewer.new_cdp_session(page)
        tab.send("Performance.enable")

        def cut_at_half(route: Route) -> None:
            pieces.append(int(route.request.url.partition("offset=")[2]) // MAX_CHUNK_BYTES)
            metrics = tab.send("Performance.getMetrics")["metrics"]
            heap.append(next(int(m["value"]) for m in metrics if m["name"] == "JSHeapUsedSize"))
            if pieces.count(PIECES // 2) == 1 and pieces[-1] == PIECES // 2:
                route.abort("connectionreset")
            else:
                route.continue_()

        def hold(route: Route) -> None:
            held.append(route)

        page.route(re.compile(r"offset="), cut_at_half)
        # The question how much has arrived: the message is shown until its answer.
        page.route(re.compile(r"recordings/upload/[^/?]+$"), hold)
        page.goto(f"{address}/recordings")
        page.locator("#recording-files").set_input_files(large)
        upload = page.locator(".upload")
        expect(upload).to_contain_text("The connection was lost. Trying again")
        wait_for_route(page, held).continue_()
        expect(upload.locator("progress")).to_have_js_property("value", 0.5)
        expect(page.locator(".runs tbody tr")).to_contain_text("large.mp4", timeout=300_000)
    engine.dispose()
    assert pieces == [*range(PIECES // 2 + 1), *range(PIECES // 2, PIECES)]
    assert max(heap) < heap[0] + 2 * MAX_CHUNK_BYTES, heap
