"""FileJob: its hash and its JSON are stored, so they must not change between versions."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.zones.zone import Zone, ZoneKind
from records.json_columns import RunOptions, decode_run_options
from records.runs.file_job import FileJob, source_name

NAMED = FileJob(
    uri="/a.mp4",
    content_hash="a" * 64,
    source="door",
    source_given=True,
    sampling_fps=5.0,
    detector="haar-alt2/1",
    model_version="model@1",
    options=AnalysisOptions(0.4, None, 24, 1280),
    recorded_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
    recorded_at_pattern="%Y",
)
PLAIN = FileJob(
    uri="/a.mp4",
    content_hash="a" * 64,
    source="door",
    source_given=False,
    sampling_fps=None,
    detector="haar-alt2/1",
    model_version="model@1",
    options=AnalysisOptions(0.4, 0.5, 24, 1280),
)


@pytest.mark.parametrize(
    ("job", "identity"),
    [
        (NAMED, "707d9871ca522419da2352e540635d8d4f3fce2bac078f4feac0fe1b2769d2fb"),
        (PLAIN, "319491402d7e6f08530b211be9c4c2518ebb0b18491215a7408dbe2f42b890b8"),
    ],
)
def test_the_identity_of_earlier_versions_is_kept(job: FileJob, identity: str) -> None:
    assert job.identity() == identity


EARLIER = (
    '{"analysis": {"smoothing_s": 0.4, "uncertain_below": null, "min_face_px": 24, '
    '"max_frame_side": 1280}, "recorded_at": "2026-11-23T09:30:00+00:00", '
    '"recorded_at_pattern": "%Y"}'
)


def test_only_new_runs_drop_damaged_frames() -> None:
    assert NAMED.stored_options() == EARLIER[:-1] + ', "drops_damaged": true}'
    assert decode_run_options(NAMED.stored_options()).drops_damaged
    assert not decode_run_options(EARLIER).drops_damaged


@pytest.mark.parametrize("job", [NAMED, PLAIN])
def test_stored_options_can_be_decoded(job: FileJob) -> None:
    expected = RunOptions(job.options, job.recorded_at, job.recorded_at_pattern, drops_damaged=True)
    assert decode_run_options(job.stored_options()) == expected


DESK = Zone(ZoneKind.MASK, "desk", ((0.0, 0.0), (0.3, 0.0), (0.3, 0.5)))
HALL = replace(DESK, kind=ZoneKind.INCLUDE)


@pytest.mark.parametrize(
    "options", [{"rotate": 90}, {"mirror": True}, {"zones": (DESK,)}, {"zones": (DESK, HALL)}]
)
def test_a_turned_or_masked_picture_is_other_work_and_is_stored(options: dict[str, Any]) -> None:
    turned = replace(PLAIN, options=replace(PLAIN.options, **options))
    assert turned.identity() != PLAIN.identity()
    assert decode_run_options(turned.stored_options()).analysis == turned.options


def test_zones_reach_the_process_that_reads_a_source() -> None:
    """The supervisor sends the specification as a line of JSON."""
    spec = AnalysisSpec("haar", "model@1", replace(PLAIN.options, zones=(DESK, HALL)))
    assert AnalysisSpec.decode(spec.encode()) == spec


def test_each_zone_makes_other_work() -> None:
    """Moving a mask, or making something else of it, is another analysis."""
    zones = [(), (DESK,), (HALL,), (replace(DESK, points=((0, 0), (0.4, 0), (0.3, 0.5))),)]
    jobs = [replace(PLAIN, options=replace(PLAIN.options, zones=one)) for one in zones]
    assert len({job.identity() for job in jobs}) == len(jobs)


def test_the_name_of_a_source_fits_into_its_column_and_stays_its_own() -> None:
    assert source_name("day/a.mp4") == "day/a.mp4"
    long = ["deep/" * 200 + name for name in ("a.mp4", "b.mp4")]
    names = [source_name(one) for one in long]
    assert [len(name) for name in names] == [512, 512]
    assert names[0] != names[1]
    assert names[0].startswith("deep/deep/") and names[0].endswith("a.mp4")
    assert len(source_name("x" * 513)) == 512


def test_the_name_of_a_source_steers_no_terminal_and_no_page() -> None:
    assert source_name("a\x1b[2J\nb\u202egpm.mp4") == "a\\x1b[2J\\nb\\u202egpm.mp4"
    assert source_name("café 日本.mp4") == "café 日本.mp4"
    assert source_name("\udce9.mp4") == "\\udce9.mp4"
