"""A recording that a newer run masks is not sent, and its copies have the masks."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from sqlalchemy import update

from contracts.analysis_spec import AnalysisOptions
from contracts.zones.zone import Zone, ZoneKind
from moodline.adapters.recording_files import annotated_path
from moodline.analysis.annotation import annotate_recording
from records.json_columns import encode_live_run_options
from records.tables.runs import Run
from runtime.files.free_space import FreeSpace
from tests.attacks.recordings_dashboard import (
    RecordingsDashboard,
    recordings_dashboard,
)
from tests.media import steady, write_video


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordingsDashboard]:
    with recordings_dashboard(tmp_path_factory.mktemp("media")) as one:
        yield one


def masked(site: RecordingsDashboard, run_id: str, *zones: Zone) -> str:
    """Give a run these zones."""
    options = AnalysisOptions(0.4, None, 24, 1280, zones=zones)
    with site.engine.begin() as connection:
        connection.execute(
            update(Run).where(Run.run_id == run_id).values(options=encode_live_run_options(options))
        )
    return run_id


def clip_of(path: Path, frames: int) -> Path:
    """Write a recording of so many frames: another content than those of the other tests."""
    write_video(path, steady(frames))
    return path


DESK = Zone(ZoneKind.MASK, "desk", ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5)))
WINDOW = Zone(ZoneKind.MASK, "window", ((0.5, 0.5), (1.0, 0.5), (1.0, 1.0)))
HALL = Zone(ZoneKind.INCLUDE, "hall", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)))


def test_a_masked_recording_is_not_sent_by_any_of_its_runs(site: RecordingsDashboard) -> None:
    """The original has no masks, so nobody gets it, neither by an older run without them."""
    clip = clip_of(site.allowed / "masked.mp4", 5)
    older, newer = site.analysed("bare", clip), site.analysed("covered", clip)
    assert site.answer("ola", "GET", f"/run/{older}")["media"] == "whole"

    masked(site, newer, DESK)

    for who in ("ola", "ada"):
        for run_id in (older, newer):
            assert "privacy masks" in site.error(who, "GET", f"/run/{run_id}/media")
            assert not site.answer(who, "GET", f"/run/{run_id}")["playable"]
    assert site.answer("ola", "GET", f"/run/{newer}")["media"] == "masked"
    assert site.answer("ola", "GET", f"/run/{older}")["media"] == "uncovered"


def test_a_copy_is_drawn_and_sent_only_of_the_run_with_the_newest_masks(
    site: RecordingsDashboard,
) -> None:
    clip = clip_of(site.allowed / "copies.mp4", 6)
    runs = [site.analysed(name, clip) for name in ("copy-1", "copy-2", "copy-3")]
    for run_id in runs:
        copy = annotated_path(site.settings, run_id)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(b"drawn before")
    assert all(site.status("ola", "GET", f"/run/{one}/annotated") == 200 for one in runs)

    masked(site, "copy-2", DESK)
    masked(site, "copy-3", DESK, WINDOW)

    for run_id in ("copy-1", "copy-2"):
        assert "newer run" in site.error("ola", "GET", f"/run/{run_id}/annotated")
        assert "newer run" in site.error("ola", "POST", f"/run/{run_id}/annotate")
    assert site.status("ola", "GET", "/run/copy-3/annotated") == 200


def test_a_recording_with_other_zones_only_is_sent(site: RecordingsDashboard) -> None:
    clip = clip_of(site.allowed / "zones.mp4", 7)
    masked(site, site.analysed("zoned", clip), HALL)
    assert site.status("ola", "GET", "/run/zoned/media") == 200


def test_an_annotated_copy_has_the_masks(site: RecordingsDashboard, tmp_path: Path) -> None:
    clip = clip_of(site.allowed / "drawn.mp4", 8)
    masked(site, site.analysed("drawn", clip, frames=4), DESK)
    out = tmp_path / "copy.mp4"
    annotate_recording(site.engine, "drawn", clip, out, FreeSpace(0))
    with av.open(str(out)) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="gray")
    height, width = frame.shape
    # A box may be drawn there.
    assert np.median(frame[: height // 2 - 4, : width // 2 - 4]) < 24
    assert np.median(frame[height // 2 + 4 :]) > 30
