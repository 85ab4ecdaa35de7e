"""The history commands: trends, summary, rollups, erase, audit and schedule."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.settings import Settings
from records.database import open_engine
from records.schema import upgrade
from tests.e2e.commands import Installation
from tests.history import WrittenRun, at_us, write_history_run

BEGIN = datetime(2026, 5, 4, 9, 58, 10, tzinfo=UTC)


@pytest.fixture
def installed(tmp_path: Path) -> tuple[Installation, WrittenRun]:
    """A MOODLINE_HOME with one run on a Monday in Berlin."""
    home = tmp_path / "home"
    engine = open_engine(Settings(home=home).effective_database_url)
    upgrade(engine)
    run = write_history_run(engine, "door", at_us(BEGIN), 600, random.Random(1))
    engine.dispose()
    return Installation(home, {"MOODLINE_TIMEZONE": "Europe/Berlin"}), run


def output_of(installation: Installation, *arguments: str | Path) -> str:
    done = installation.run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def json_of(installation: Installation, *arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output_of(installation, *arguments, "--json"))
    return found


def test_trends_fit_into_eighty_columns_without_losing_a_name(
    installed: tuple[Installation, WrittenRun],
) -> None:
    moodline, _ = installed
    name = "entrance hall of the north wing, second floor"
    engine = open_engine(Settings(home=moodline.home).effective_database_url)
    write_history_run(engine, name, at_us(BEGIN), 600, random.Random(2))
    engine.dispose()
    narrow = Installation(moodline.home, {**moodline.env, "COLUMNS": "80"})

    page = output_of(narrow, "trends", "--from", "2026-05-04T11:00", "--to", "2026-05-04T13:00")

    assert max(map(len, page.splitlines())) <= 80
    assert "…" not in page
    table = page[page.index("person-time") :]
    assert "covered" in table.splitlines()[0] and "valence*" in table.splitlines()[0]
    assert all(word in table for word in name.replace(",", "").split())


def test_history_is_shown_summarised_recomputed_and_erased(
    installed: tuple[Installation, WrittenRun], tmp_path: Path
) -> None:
    moodline, run = installed
    span = ("--from", "2026-05-04T11:00", "--to", "2026-05-06T13:00")

    trends = json_of(moodline, "trends", *span)
    assert sum(one["frames"] for one in trends["series"]["door"]) == 600
    assert {(one["weekday"], one["hour"]) for one in trends["week"]} == {(0, 11), (0, 12)}
    assert trends["totals"][0]["now"]["frames"] == 600
    page = output_of(moodline, "trends", *span)
    assert "door" in page and "Mon" in page

    compared = json_of(moodline, "trends", *span, "--compare", "2026-05-04/2026-05-04T12:05")
    verdict = compared.pop("comparison")
    assert verdict["outcome"] == "unclear" and verdict["name"] == "4 May 2026 00:00 to 12:05"
    assert verdict["tracks"]["now"] >= verdict["tracks"]["before"] > 0
    assert set(verdict["shares"]["happy"]) == {"now", "before", "change", "margin", "clear"}
    assert compared["series"] == trends["series"], "the other keys stay"
    said = output_of(moodline, "trends", *span, "--compare", "previous")
    assert said.startswith("Happy ") and "Nothing to compare with" in said
    for wrong in (("--compare", "tuesday"), ("--last", "today", "--from", "2026-05-04")):
        done = moodline.run("trends", *wrong)
        assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "Nothing was analysed" in output_of(moodline, "trends", "--last", "yesterday")

    # What trends shows, erase and export find: every command reads times in the same zone.
    scope = ("--source", "door", *span)
    planned = json_of(moodline, "erase", *scope, "--dry-run")
    assert planned["frames"] == 600
    assert planned["since"] == "2026-05-04T11:00:00+02:00"
    said = output_of(moodline, "erase", *scope, "--dry-run")
    asked = "Captured from 2026-05-04 11:00:00 to 2026-05-06 13:00:00"
    assert said.startswith(f"{asked} (Europe/Berlin).")
    said = output_of(moodline, "export", *scope, "--frames", "--out", tmp_path / "all.csv")
    assert said.startswith(f"{asked} (Europe/Berlin).")
    exported = (tmp_path / "all.csv").read_text().splitlines()[1:]
    assert len({line.split(",")[2] for line in exported}) == 600
    said = output_of(moodline, "erase", *scope, "--zone", "UTC", "--dry-run")
    assert f"{asked} (UTC)." in said and "Would erase 0 frames" in said

    output_of(moodline, "summary", run.run_id, "--out", tmp_path)
    summary = json.loads((tmp_path / f"summary-{run.run_id}.json").read_text())
    assert summary["summary"]["frames_analyzed"] == 600
    assert (tmp_path / f"summary-{run.run_id}.html").stat().st_size > 1000

    assert "Recomputed 3 minutes" in output_of(moodline, "rollups", "rebuild")
    assert json_of(moodline, "trends", *span) == trends

    until = (BEGIN + timedelta(seconds=20)).isoformat()
    scope = ("--run", run.run_id, "--to", until)
    assert json_of(moodline, "erase", *scope, "--dry-run")["frames"] == 100
    receipt = json_of(moodline, "erase", *scope, "--yes")
    assert (receipt["frames"], receipt["run_ids"]) == (100, [run.run_id])
    (entry,) = json_of(moodline, "audit", "--kind", "erasure")["audit"]
    assert (entry["id"], entry["action"]) == (receipt["number"], "erase")
    assert entry["details"]["frames"] == 100
    left = json_of(moodline, "trends", *span)["series"]["door"]
    assert sum(one["frames"] for one in left) == 500


def test_folders_are_scheduled_and_invalid_arguments_are_one_line(
    installed: tuple[Installation, WrittenRun], tmp_path: Path
) -> None:
    moodline, _ = installed
    output_of(moodline, "schedule", "add-folder", tmp_path, "--cron", "0 20 * * 1-5", "--name", "r")
    lines = {line["job"]: line for line in json_of(moodline, "schedule", "list")["jobs"]}
    due = datetime.fromisoformat(lines["folder r"]["next"])
    assert due.weekday() < 5 and due.hour in (18, 19)
    for wrong in (
        ("schedule", "add-folder", tmp_path, "--cron", "0 20 * * 8"),
        ("trends", "--last", "999999w"),
        ("trends", "--from", "0001-01-02"),
        ("erase", "--yes"),
    ):
        done = moodline.run(*wrong)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) <= 3, done.stderr
