"""Reports on recordings: what FileSource reads of each input."""

from pathlib import Path

import pytest

from contracts.errors import SourceError
from ingest.files.discovery import RefusedPath, discover
from ingest.files.source import FileSource
from tests.media import VideoSpec, number_of, steady, write_video
from tests.reports.recording_times import TIME_REPORTS
from tests.reports.recordings import REPORTS, Report


@pytest.mark.parametrize("report", [*REPORTS, *TIME_REPORTS], ids=lambda report: report.name)
def test_a_reported_recording_is_read_rightly(tmp_path: Path, report: Report) -> None:
    path, expected = report.write(tmp_path), report.expected
    try:
        with FileSource(path, fps=None, max_side=1280) as source:
            length_us = source.measure().duration_us
            frames = list(source.frames())
            totals = source.totals
    except SourceError as exc:
        assert expected.error and expected.error in exc.line()
        assert expected.frames == 0
        return
    assert len(frames) == expected.frames
    assert expected.error in totals.error
    counters = totals.counters
    if expected.dropped or not totals.error:
        assert counters.dropped == expected.dropped or totals.error
        assert counters.captured == len(frames) + sum(counters.dropped.values())
    if expected.times_us is not None:
        assert [one.media_time_us for one in frames] == pytest.approx(expected.times_us, abs=500)
    if expected.length_us is not None:
        assert length_us == pytest.approx(expected.length_us, abs=500)
        assert sum(one.dwell_us for one in frames) == pytest.approx(length_us, abs=500)
    if expected.numbers is not None:
        numbers = [number_of(one.luma, one.width, one.height) for one in frames]
        assert numbers == expected.numbers
    if expected.size is not None:
        assert (source.info.display_width, source.info.display_height) == expected.size


@pytest.mark.parametrize(
    "report", ["gorakhargosh/watchdog#812", "cloud-gov/pages-build-container#101"]
)
def test_a_name_that_is_not_text_stops_no_other_file(tmp_path: Path, report: str) -> None:
    write_video(tmp_path / "good.mp4", steady(3), VideoSpec())
    (tmp_path / "bad\udcff.mp4").write_bytes((tmp_path / "good.mp4").read_bytes())
    bad, good = discover([str(tmp_path)])
    assert isinstance(bad, RefusedPath), report
    assert "is not UTF-8" in bad.error.line()
    assert good.path == str(tmp_path / "good.mp4") or good.path == tmp_path / "good.mp4"
