"""Lists, rows and rollups of the API against the records and exports that they are of."""

import csv
import io

import pytest

from analytics.export.exporter import csv_text
from analytics.export.record_pages import Selection
from tests.api_program import SPAN, Program, Site

pytestmark = pytest.mark.both_databases


def test_the_faces_are_the_rows_of_an_export(site: Site, reader: Program) -> None:
    run = site.runs["door"][0]
    text = "".join(csv_text(site.engine, Selection(run_ids=(run.run_id,))))
    expected = list(csv.DictReader(io.StringIO(text)))
    found = list(reader.pages(f"/runs/{run.run_id}/faces", limit=37))
    assert len(found) == len(expected) > 37
    for one, row in zip(found, expected, strict=True):
        assert [*one] == [*row]
        assert (str(one["track_id"]), str(one["frame_index"])) == (
            row["track_id"],
            row["frame_index"],
        )
        assert (one["smoothed_emotion"] or "") == row["smoothed_emotion"]
        assert one["media_time_s"] == float(row["media_time_s"])
        assert one["captured_at"].removesuffix("Z") in row["captured_at"]


def test_frames_and_faces_of_a_stretch_of_media_time(site: Site, reader: Program) -> None:
    run = site.runs["door"][1]
    stretch = {"media_time_from": 5.0, "media_time_to": 9.0}
    frames = list(reader.pages(f"/runs/{run.run_id}/frames", limit=7, **stretch))
    wanted = [one for one in run.frames if 5_000_000 <= one.media_time_us < 9_000_000]
    assert [one["frame_index"] for one in frames] == [one.frame_index for one in wanted]
    assert [one["face_count"] for one in frames] == [len(one.faces) for one in wanted]
    faces = list(reader.pages(f"/runs/{run.run_id}/faces", limit=3, **stretch))
    assert len(faces) == sum(len(one.faces) for one in wanted)


def test_tracks_and_summary(site: Site, reader: Program) -> None:
    run = site.runs["hall"][0]
    tracks = list(reader.pages(f"/runs/{run.run_id}/tracks", limit=2))
    numbers = {face.track_id for frame in run.frames for face in frame.faces}
    assert [one["track_id"] for one in tracks] == sorted(numbers)
    summary = reader.get(f"/runs/{run.run_id}/summary")
    assert summary["tracks"] == len(numbers) and summary["source"] == "hall"
    assert summary["frames_analyzed"] == len(run.frames)


def test_runs_and_sources_are_listed_by_pages(site: Site, reader: Program) -> None:
    runs = list(reader.pages("/runs", limit=2))
    written = [run.run_id for runs in site.runs.values() for run in runs]
    assert sorted(one["run_id"] for one in runs) == sorted(written)
    of_door = list(reader.pages("/runs", limit=1, source="door", state="done", kind="file"))
    assert [one["run_id"] for one in of_door] == [run.run_id for run in reversed(site.runs["door"])]
    assert list(reader.pages("/runs", state="failed")) == []
    assert reader.get(f"/runs/{written[0]}")["source"] == "door"
    sources = list(reader.pages("/sources", limit=3))
    assert [one["name"] for one in sources] == ["door", "gate", "hall", "yard"]
    live = list(reader.pages("/sources", kind="live", tag="gate"))
    assert [(one["name"], one["uri"]) for one in live] == [("gate", "rtsp://camera.example/gate")]
    assert reader.get("/sources/gate") == live[0]


def test_the_history_is_that_of_the_rows(site: Site, reader: Program) -> None:
    frames = {
        source: [frame for run in runs for frame in run.frames]
        for source, runs in site.runs.items()
    }
    analyzed_s = {
        source: sum(one.dwell_ms for one in found) / 1000 for source, found in frames.items()
    }
    person_s = {
        source: sum(one.dwell_ms * len(one.faces) for one in found) / 1000
        for source, found in frames.items()
    }
    totals = reader.get("/totals", **SPAN, compare="none")
    by_source = {one["source"]: one for one in totals["totals"]}
    for source in frames:
        assert by_source[source]["analyzed_s"] == pytest.approx(analyzed_s[source])
        assert by_source[source]["person_s"] == pytest.approx(person_s[source])
    assert totals["together"]["person_s"] == pytest.approx(sum(person_s.values()))
    assert by_source["gate"]["person_s"] is None, "unknown is not zero"
    timeline = reader.get("/timeline", **SPAN, step=3600, sources=["door"])
    (series,) = timeline["series"]
    assert len(series["buckets"]) == 72
    assert sum(one["person_s"] or 0 for one in series["buckets"]) == pytest.approx(person_s["door"])
    hours = reader.get("/heatmap", **SPAN)["hours"]
    together = totals["together"]
    for name in ("person_s", "analyzed_s", "static_s", "tentative_s", "tentative_tracks"):
        assert sum(one[name] or 0 for one in hours) == pytest.approx(together[name]), name
    coverage = {one["source"]: one for one in reader.get("/coverage", **SPAN)["sources"]}
    door = coverage["door"]
    assert door["captured"] == door["analyzed"] + door["sampled_out"] + sum(
        door["dropped"].values()
    )
    compared = reader.get("/totals", **SPAN, compare="2026-02-20T00:00Z/2026-02-23T00:00Z")
    assert compared["comparison"]["outcome"] == "unclear"
    assert compared["totals"][0]["before"]["person_s"] is None


def test_days_are_those_of_the_zone(reader: Program) -> None:
    span = {"from": "2026-03-01T00:00Z", "to": "2026-03-05T00:00Z", "step": 86400}
    found = reader.get("/timeline", **span, zone="Asia/Kathmandu")
    assert found["zone"] == "Asia/Kathmandu"
    assert found["series"][0]["buckets"][1]["begin"] == "2026-03-01T18:15:00Z"
