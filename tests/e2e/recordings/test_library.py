"""Many recordings in a browser: search, sort, pages, selection; the player; a time that is set."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect
from sqlalchemy import update

from analytics.recordings.listing import RecordingQuery, list_recordings
from analytics.snapshots import in_snapshot
from records.tables.runs import Run
from tests.e2e.commands import poll
from tests.e2e.recordings.library import Library, write_faces
from tests.media import VideoSpec, steady, write_video
from tests.recording_rows import write_recordings
from tests.rows import FaceSpec, write_run


def test_recordings_are_searched_sorted_selected_and_deleted(page: Page, library: Library) -> None:
    write_recordings(library.engine, 120)
    for number in range(2):
        write_run(
            library.engine, f"odd-{number}", {0: [FaceSpec(1, "sad")]}, source=f"odd {number}"
        )
    page.goto(f"{library.address}/recordings")
    rows = page.locator(".runs tbody tr")
    expect(page.locator(".list-count")).to_have_text("1 to 50 of 122")
    expect(rows).to_have_count(50)

    page.get_by_role("button", name="Next").click()
    expect(page.locator(".list-count")).to_have_text("51 to 100 of 122")
    page.get_by_role("button", name="Recording", exact=True).click()
    expect(rows.first).to_contain_text("P0001.mp4")
    expect(page.locator('th[aria-sort="ascending"]')).to_contain_text("Recording")
    page.get_by_label("Show").select_option("copy")
    expect(rows.first).to_contain_text("Copy of interviews/P0001.mp4")
    page.get_by_label("Show").select_option("all")
    page.get_by_label("Search").fill("odd")
    expect(page.locator(".list-count")).to_have_text("1 to 2 of 2 (of 122 recordings)")

    page.get_by_label("Select all on this page").check()
    bulk = page.get_by_label("Selected recordings")
    expect(bulk).to_contain_text("2 recordings selected")
    link = bulk.get_by_role("link", name="Export records (CSV)").get_attribute("href") or ""
    assert re.search(r"export/csv\?runs=odd-\d&runs=odd-\d$", link)
    bulk.get_by_role("button", name="Delete results").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete results").click()
    expect(page.get_by_text("No recording matches.")).to_be_visible()
    expect(bulk).to_be_hidden()
    assert in_snapshot(library.engine, list_recordings, RecordingQuery()).all == 120


def test_the_list_is_in_the_address_and_back_undoes_one_step(page: Page, library: Library) -> None:
    write_recordings(library.engine, 120)
    count, rows = page.locator(".list-count"), page.locator(".runs tbody tr")
    page.goto(f"{library.address}/recordings?q=mp4&sort=name&order=asc&page=2&show=nonsense")
    expect(count).to_have_text("51 to 100 of 120")
    expect(rows.first).to_contain_text("P0051.mp4")
    expect(page.get_by_label("Search")).to_have_value("mp4")
    assert page.url.endswith("/recordings?q=mp4&sort=name&order=asc&page=2")
    page.get_by_role("button", name="Next").click()
    expect(count).to_have_text("101 to 120 of 120")
    page.get_by_label("Show").select_option("copy")
    expect(rows.first).to_contain_text("Copy of")
    assert page.url.endswith("/recordings?q=mp4&show=copy&sort=name&order=asc")
    page.go_back()
    expect(count).to_have_text("101 to 120 of 120")
    expect(page.get_by_label("Show")).to_have_value("all")
    page.go_back()
    expect(count).to_have_text("51 to 100 of 120")

    rows.first.get_by_role("link").first.click()
    page.get_by_role("link", name="All recordings").click()
    expect(count).to_have_text("51 to 100 of 120")
    assert page.url.endswith("?q=mp4&sort=name&order=asc&page=2")
    page.get_by_role("link", name="Recordings", exact=True).click()
    expect(page.get_by_label("Search")).to_have_value("")
    expect(count).to_have_text("1 to 50 of 120")


def test_all_that_match_are_selected_beyond_the_page(page: Page, library: Library) -> None:
    write_recordings(library.engine, 120)
    page.goto(f"{library.address}/recordings")
    page.get_by_label("Show").select_option("done")
    page.get_by_label(re.compile(r"^Select interviews/")).first.check()
    bulk = page.get_by_label("Selected recordings")
    bulk.get_by_role("button", name=re.compile("Select all .* that match")).click()
    total = in_snapshot(library.engine, list_recordings, RecordingQuery()).counts["done"]
    expect(bulk).to_contain_text(f"{total} recordings selected")
    link = bulk.get_by_role("link", name="Provenance (JSON)").get_attribute("href") or ""
    assert link.endswith("export/provenance?q=&show=done")


def test_the_player_steps_by_frame_and_obeys_keys(
    page: Page, library: Library, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, steady(60), VideoSpec())
    gap_us = steady(60)[1]
    write_faces(library.engine, "steps", {number * gap_us: [100] for number in range(60)})
    library.set_recording("steps", clip)
    page.goto(f"{library.address}/recordings/steps")
    poll(lambda: bool(page.evaluate("document.querySelector('video')?.readyState >= 2")))
    expect(page.locator(".overlay .face-box")).to_have_count(1)
    at = f"Math.round(document.querySelector('video').currentTime * 1e6 / {gap_us})"

    page.get_by_role("button", name="Next frame").click()
    poll(lambda: page.evaluate(at) == 1)
    page.locator("body").press(".")
    poll(lambda: page.evaluate(at) == 2)
    page.locator("body").press(",")
    poll(lambda: page.evaluate(at) == 1)
    page.locator("body").press("5")
    poll(lambda: page.evaluate(at) == 30)
    page.locator("body").press("ArrowLeft")
    poll(lambda: page.evaluate(at) == 0)
    page.locator("body").press(">")
    assert page.evaluate("document.querySelector('video').playbackRate") == 1.5
    page.locator("body").press("o")
    assert page.evaluate("document.querySelector('video').loop")
    page.evaluate("document.querySelector('video').muted = true")
    page.locator("body").press("k")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert not page.evaluate("document.querySelector('video').controls")


def test_the_time_of_a_recording_is_shown_with_its_origin_and_set(
    page: Page, library: Library
) -> None:
    write_faces(library.engine, "timed", {0: [100], 40_000: [100]})
    with library.engine.begin() as connection:
        connection.execute(update(Run).values(recorded_at_origin="container"))
    page.goto(f"{library.address}/recordings/timed")
    recorded = page.locator(".recorded-time")
    expect(recorded).to_contain_text("from the file's header")
    recorded.get_by_role("button", name="Set the time").click()
    page.get_by_label("Recorded at").fill("2026-03-01T09:30:15")
    recorded.get_by_role("button", name="Save").click()
    expect(recorded).to_contain_text("set by hand")
    expect(recorded).to_contain_text("2026")
    link = recorded.get_by_role("link", name="Trends of that time").get_attribute("href") or ""
    assert "from=2026-03-01T" in link and "sources=door" in link
    page.goto(f"{library.address}/recordings")
    expect(page.locator(".runs tbody tr")).to_contain_text("set by hand")
