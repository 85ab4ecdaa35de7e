"""`moodline analyze` on real clips, from the command line to the rows."""

import json
import signal
from pathlib import Path

import av
import pandas as pd
import psutil
import pytest

from broker.embedded import EmbeddedBroker
from tests.e2e.commands import TIMEOUT_S, Installation, assert_plain_failure, wait_for_frames
from tests.media import (
    SIZE,
    VideoSpec,
    make_content_unique,
    spoil_packet,
    steady,
    varying,
    write_video,
)

COLUMNS = (
    "source,run_id,frame_index,media_time_s,captured_at,track_id,x,y,w,h,emotion,confidence,"
    "angry,disgust,fear,happy,sad,surprise,neutral,smoothed_emotion,quality,model_version,"
    "roll,yaw,pitch,mark,zones,dwell_s,rotate,mirror,min_face_px,keep_static,copy_of,"
    "eye_openness,mouth_openness"
)


def test_every_frame_of_every_recording_has_its_rows(
    installation: Installation, one_face: Path, three_faces: Path, tmp_path: Path
) -> None:
    out = tmp_path / "faces.csv"

    one, three = installation.analyze(one_face, three_faces, "--export", out)

    assert set(one) == {
        *("path", "run_id", "frames_total", "frames_analyzed", "faces", "tracks", "emotions"),
        *("seconds", "fps", "state", "error", "dropped", "left_out", "hint"),
        *("recorded_at", "recorded_text", "copy_of"),
    }
    assert (one["frames_total"], one["frames_analyzed"], one["state"]) == (60, 60, "done")
    assert (three["frames_total"], three["frames_analyzed"], three["tracks"]) == (30, 30, 3)
    assert one["fps"] > 0
    assert out.read_text().splitlines()[0] == COLUMNS
    rows = pd.read_csv(out)
    own = rows[rows.run_id == one["run_id"]]
    assert list(own.frame_index) == list(range(60))
    assert list(own.media_time_s) == pytest.approx([i / 15 for i in range(60)], abs=0.001)
    assert own.smoothed_emotion.mode()[0] == "neutral"
    assert sum(one["emotions"].values()) == pytest.approx(60 / 15, abs=0.001)
    assert own.dwell_s.sum() == pytest.approx(60 / 15, abs=0.001)


def test_the_report_shows_a_row_and_a_timeline_for_each_recording(
    installation: Installation, one_face: Path, three_faces: Path
) -> None:
    done = installation.run("analyze", one_face, three_faces)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("one-face.mp4") == 2
    assert "NNNN" in done.stdout


def test_a_finished_run_is_reused_without_again(installation: Installation, one_face: Path) -> None:
    (first,) = installation.analyze(one_face)

    (reused,) = installation.analyze(one_face)
    (sampled,) = installation.analyze(one_face, "--fps", "5")
    (repeated,) = installation.analyze(one_face, "--again")

    assert reused["run_id"] == first["run_id"]
    assert sampled["run_id"] != first["run_id"]
    assert (sampled["frames_analyzed"], sampled["frames_total"]) == (20, 60)
    assert repeated["run_id"] not in (first["run_id"], sampled["run_id"])


def test_each_of_several_paths_with_one_content_is_a_recording_that_is_analysed_once(
    installation: Installation, one_face: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "study", tmp_path / "faces.csv"
    folder.mkdir()
    for number in range(1, 6):
        path = folder / f"P{number:02}_2026-03-{number:02}.mp4"
        path.write_bytes(one_face.read_bytes())
    pattern = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"

    arguments = (folder, "--recorded-at-pattern", pattern, "--workers", "2")
    done = installation.run("analyze", *arguments, "--export", out)

    assert done.returncode == 0, done.stderr
    first = "study/P01_2026-03-01.mp4"
    verdict = f"5 recordings, all analysed; 4 are copies of {first} (the same content, analysed"
    assert verdict in " ".join(done.stdout.split())
    rows = pd.read_csv(out)
    assert set(rows.groupby("source").size()) == {60}
    begins = rows.groupby("source").captured_at.min()
    assert [one[:10] for one in begins] == [f"2026-03-{day:02}" for day in range(1, 6)]
    (original,) = rows[rows.source == first].run_id.unique()
    assert rows[rows.source == first].copy_of.isna().all()
    assert set(rows[rows.source != first].copy_of) == {original}
    provenance = json.loads((tmp_path / "faces.csv.provenance.json").read_text())
    assert [one["copy_of"] for one in provenance["runs"]] == [None, *[original] * 4]
    assert len({one["file_sha256"] for one in provenance["runs"]}) == 1
    repeated = installation.analyze(*arguments)
    assert [one["copy_of"] for one in repeated] == [None, *[original] * 4]


def test_the_user_gives_capture_time_and_source_name(
    installation: Installation, tmp_path: Path
) -> None:
    clip = tmp_path / "door_20260102-030405.mp4"
    write_video(clip, varying(10), VideoSpec())
    pattern = (
        r"door_(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)-"
        r"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)"
    )
    out = tmp_path / "frames.csv"

    installation.analyze(
        clip, "--recorded-at-pattern", pattern, "--source", "door", "--frames", "--export", out
    )

    rows = pd.read_csv(out)
    assert list(rows.frame_index) == list(range(10))
    assert set(rows.source) == {"door"}
    assert rows.captured_at[0] == "2026-01-02T03:04:05.000000Z"
    assert list(rows.media_time_s) == [t / 1e6 for t in varying(10)]
    assert rows.emotion.isna().all()


def test_annotation_draws_every_frame_at_its_time(
    installation: Installation, one_face: Path, tmp_path: Path
) -> None:
    out = tmp_path / "drawn.mp4"

    installation.analyze(one_face, "--annotate", out)

    with av.open(str(out)) as drawn, av.open(str(one_face)) as plain:
        shown = list(drawn.decode(video=0))
        times = [frame.time for frame in plain.decode(video=0)]
    assert [frame.time for frame in shown] == pytest.approx(times, abs=0.001)
    picture = shown[58].to_ndarray(format="rgb24").astype(int)
    assert (picture.max(axis=2) - picture.min(axis=2)).max() > 20, "no colour was drawn"


def test_given_servers_store_the_same_rows_as_embedded_ones(
    installation: Installation,
    three_faces: Path,
    postgresql_database: str,
    tmp_path: Path,
) -> None:
    installation.analyze(three_faces)
    with EmbeddedBroker() as broker:
        served = Installation(
            tmp_path / "other",
            {"MOODLINE_DATABASE_URL": postgresql_database, "MOODLINE_REDIS_URL": broker.url},
        )
        served.analyze(three_faces)

        embedded_rows = installation.exported(tmp_path / "embedded.csv")
        served_rows = served.exported(tmp_path / "served.csv")

    assert len(embedded_rows) == 90
    pd.testing.assert_frame_equal(served_rows, embedded_rows)


@pytest.mark.slow  # test_chaos.py does this with services.
@pytest.mark.parametrize(
    ("failpoint", "message"),
    [
        ("before-commit:7", "worker ended"),
        ("before-ack:7", "worker ended"),
        ("analysing:7", "worker ended"),
        ("after-publish:25", "ingestor crashed"),
    ],
)
def test_repeated_crashes_change_no_row(
    installation: Installation, one_face: Path, failpoint: str, message: str, tmp_path: Path
) -> None:
    installation.analyze(one_face)
    shaken = Installation(
        tmp_path / "shaken", {"MOODLINE_FAILPOINT": failpoint, "MOODLINE_BATCH_FRAMES": "4"}
    )

    done = shaken.run("analyze", one_face)

    assert done.returncode == 0, done.stderr
    assert message in done.stderr
    pd.testing.assert_frame_equal(
        shaken.exported(tmp_path / "shaken.csv"), installation.exported(tmp_path / "calm.csv")
    )


def test_after_ctrl_c_the_same_command_continues(
    installation: Installation, long_clip: Path, tmp_path: Path
) -> None:
    # One commit per frame leaves time to stop it.
    slow = Installation(installation.home, {"MOODLINE_BATCH_FRAMES": "1"})
    analyze = ("analyze", long_clip, "--fps", "7", "--json")
    process = slow.start(*analyze)
    wait_for_frames(slow, 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130, err
    assert "Run the same command again" in err

    continued = installation.run(*analyze)

    (file,) = json.loads(continued.stdout)["files"]
    assert (file["frames_total"], file["frames_analyzed"]) == (315, 147)
    calm = Installation(tmp_path / "calm")
    calm.run(*analyze)
    pd.testing.assert_frame_equal(
        installation.exported(tmp_path / "a.csv"), calm.exported(tmp_path / "b.csv")
    )


@pytest.mark.slow
def test_a_killed_command_leaves_nothing_running(
    installation: Installation, long_clip: Path
) -> None:
    process = installation.start("analyze", long_clip)
    wait_for_frames(installation, 1)
    children = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    assert len(children) >= 3, "a broker, an ingestor and a worker"

    process.kill()
    process.communicate(timeout=TIMEOUT_S)

    _, alive = psutil.wait_procs(
        [psutil.Process(pid) for pid in children if psutil.pid_exists(pid)], timeout=20
    )
    assert not alive
    (file,) = installation.analyze(long_clip)
    assert file["frames_analyzed"] == 315


def test_runs_are_listed_shown_exported_and_deleted(
    installation: Installation, one_face: Path, three_faces: Path, tmp_path: Path
) -> None:
    empty = installation.run("runs", "list")
    assert "moodline analyze" in empty.stdout
    one, three = installation.analyze(one_face, three_faces)

    shown = installation.run("runs", "show", one["run_id"])
    assert "60 analysed of 60" in shown.stdout
    done = installation.run("export", "--run", three["run_id"], "--out", tmp_path / "three.parquet")
    assert done.returncode == 0
    assert len(pd.read_parquet(tmp_path / "three.parquet")) == 90
    assert installation.run("runs", "delete", one["run_id"]).returncode == 0

    listed = json.loads(installation.run("runs", "list", "--json").stdout)["runs"]
    assert [run["run_id"] for run in listed] == [three["run_id"]]
    gone = installation.run("runs", "show", one["run_id"])
    assert_plain_failure(gone)
    assert_plain_failure(installation.run("export", "--source", "nobody", "--out", "x.csv"))


def test_a_folder_of_recordings_ends_in_one_report(
    installation: Installation, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    write_video(folder / "000.mp4", steady(3), VideoSpec(size=SIZE))
    content = (folder / "000.mp4").read_bytes()
    for number in range(1, 12):
        (folder / f"{number:03}.mp4").write_bytes(content)
        make_content_unique(folder / f"{number:03}.mp4", number)
    (folder / "012.mp4").write_text("no video")
    (folder / "013.mp4").write_text("no video")
    (folder / "notes.txt").write_text("no recording")

    done = installation.run("analyze", folder, "--json")

    result = json.loads(done.stdout)
    files = result["files"]
    assert done.returncode == 1
    assert [file["frames_total"] for file in files[:-2]] == [3] * 12
    assert files[-2]["error"].startswith("012.mp4 is not a recording")
    assert files[-1]["error"].startswith("same content as many/012.mp4: ")
    assert [Path(one["path"]).name for one in result["not_read"]] == ["notes.txt"]


def test_lost_frames_are_in_the_report_and_in_the_exit_status(
    installation: Installation, tmp_path: Path
) -> None:
    packets = write_video(tmp_path / "whole.mp4", steady(60), VideoSpec(gop=20))
    (tmp_path / "torn.mp4").write_bytes((tmp_path / "whole.mp4").read_bytes())
    spoil_packet(tmp_path / "torn.mp4", packets[30])

    done = installation.run("analyze", tmp_path / "whole.mp4", tmp_path / "torn.mp4", "--json")
    shown = installation.run("analyze", tmp_path / "whole.mp4", tmp_path / "torn.mp4")

    whole, torn = json.loads(done.stdout)["files"]
    assert (done.returncode, shown.returncode) == (3, 3), shown.stderr
    assert (whole["frames_analyzed"], whole["dropped"]) == (60, {})
    assert (torn["frames_analyzed"], torn["dropped"]) == (50, {"corrupt": 10})
    assert (torn["state"], torn["error"]) == ("done", "")
    assert "torn.mp4: 10 of 60 frames were lost" in shown.stdout
    assert "all analysed, 1 with lost frames" in shown.stdout
