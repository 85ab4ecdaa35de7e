"""A researcher's walk: several recordings analysed, one found, played, dated and exported."""

import json
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
from playwright.sync_api import Browser, expect

from contracts.settings import Settings
from moodline.commands.services.dashboard import dashboard_backend
from records.database import open_engine
from tests.e2e.commands import Installation, poll
from tests.pages import quiet_page, serving


def test_a_researcher_finds_plays_dates_and_exports_a_recording(
    browser: Browser, tmp_path: Path, one_face: Path, three_faces: Path
) -> None:
    """Given three interviews, of which the last one is the first one under another name."""
    interviews = tmp_path / "interviews"
    interviews.mkdir()
    for name, clip in (("P01", one_face), ("P02", three_faces), ("P03", one_face)):
        shutil.copyfile(clip, interviews / f"{name}.mp4")
    installation = Installation(tmp_path / "home")
    assert len(installation.analyze(interviews)) == 3

    settings = Settings(home=installation.home, recording_folders=(interviews,))
    engine = open_engine(settings.effective_database_url)
    with (
        serving(dashboard_backend(settings, engine)) as address,
        browser.new_context(timezone_id="UTC", accept_downloads=True) as viewer,
        quiet_page(viewer, address) as page,
    ):
        page.goto(f"{address}/recordings")
        rows = page.locator(".runs tbody tr")
        expect(rows).to_have_count(3)
        page.get_by_label("Search").fill("P02")
        expect(rows).to_have_count(1)
        rows.get_by_role("link", name="P02.mp4").click()

        poll(lambda: bool(page.evaluate("document.querySelector('video')?.readyState >= 2")))
        page.evaluate("document.querySelector('video').muted = true")
        page.get_by_role("button", name="Play").click()
        poll(lambda: bool(page.evaluate("document.querySelector('video').currentTime > 0.2")))
        recorded = page.locator(".recorded-time")
        recorded.get_by_role("button", name="Set the time").click()
        page.get_by_label("Recorded at").fill("2026-03-01T09:30:15")
        recorded.get_by_role("button", name="Save").click()
        expect(recorded).to_contain_text("set by hand")

        with page.expect_download() as download:
            page.get_by_role("link", name="Records (Parquet)").click()
        table = pq.read_table(download.value.path())
        assert set(table["source"].to_pylist()) == {"interviews/P02.mp4"}
        (origin,) = json.loads(pq.read_metadata(download.value.path()).metadata[b"moodline"])[
            "runs"
        ]
        assert origin["recorded_at"].startswith("2026-03-01T09:30")
        assert re.fullmatch("[0-9a-f]{64}", origin["file_sha256"])

        page.get_by_role("link", name="All recordings").click()
        expect(page.get_by_label("Search")).to_have_value("P02")
        page.get_by_label("Search").fill("")
        expect(rows).to_have_count(3)
        page.get_by_label("Select all on this page").check()
        with page.expect_download() as download:
            page.get_by_role("link", name="Export records (Parquet)").click()
        table = pq.read_table(download.value.path())
        assert set(table["source"].to_pylist()) == {
            f"interviews/{name}.mp4" for name in ("P01", "P02", "P03")
        }
        assert not [*settings.home_path.glob("download-*")]
    engine.dispose()
