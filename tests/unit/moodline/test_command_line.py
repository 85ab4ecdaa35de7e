"""The command line: every command loads, and the short ones do not import what they do not use."""

import io
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from rich.text import Text

from contracts.expressions import COLOURS
from contracts.settings import Device
from moodline.cli import command_line
from moodline.commands.services.worker import DeviceName
from moodline.terminal.output import Screen

HEAVY_MODULES = {
    *("alembic", "av", "cryptography", "cv2", "dash", "keras", "numpy", "pandas", "pyarrow"),
    *("pydantic_settings", "redis", "sqlalchemy", "structlog", "tensorflow"),
}


def imported_by(arguments: list[str]) -> set[str]:
    """Return the modules that a command has imported when it ends."""
    code = (
        "import sys; from moodline.__main__ import run\n"
        f"sys.argv = ['moodline', *{arguments!r}]\n"
        "try: run()\n"
        "except SystemExit as exc: assert not exc.code, exc\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_a_stop_before_the_command_begins_ends_it_without_a_traceback() -> None:
    code = (
        "import os, signal; from moodline import cli\n"
        "cli.command_line = lambda: os.kill(os.getpid(), signal.SIGTERM)\n"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_version_imports_nothing_that_reads_options_or_settings() -> None:
    third_party = {*HEAVY_MODULES, "asyncio", "click", "pydantic", "rich", "typer"}
    assert sorted(imported_by(["version"]) & third_party) == []


@pytest.mark.parametrize("arguments", [["version"], ["--version"], ["--help"], ["model", "--help"]])
def test_short_commands_import_no_heavy_module(arguments: list[str]) -> None:
    imported = {name.partition(".")[0] for name in imported_by(arguments)}
    assert sorted(imported & HEAVY_MODULES) == []


def test_the_workers_of_analyze_wait_for_no_module_that_decodes_draws_or_exports() -> None:
    unused = {*("av", "cv2", "numpy", "pyarrow", "scipy"), "ai_edge_litert", "analytics.export"}
    code = "import sys, moodline.analysis.analyze; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted(unused & set(done.stdout.split())) == []


def test_the_process_that_publishes_recordings_needs_no_opencv() -> None:
    code = "import sys, ingest.files.process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted({"cv2", "scipy", "typer", "dash"} & set(done.stdout.split())) == []


def test_a_summary_needs_no_web_server() -> None:
    code = "import sys, dashboard.report.page; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted({"dash", "fastapi", "plotly"} & set(done.stdout.split())) == []


def completed(words: str, home: Path, code: str = "") -> list[str]:
    """Return what bash offers for the last word."""
    done = subprocess.run(
        [sys.executable, "-c", f"from moodline.cli import main; main(){code}"],
        env={
            **{name: text for name, text in os.environ.items() if name != "MOODLINE_DATABASE_URL"},
            "MOODLINE_HOME": str(home),
            "_MOODLINE_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    return done.stdout.split()


def test_completion_imports_what_it_needs(tmp_path: Path) -> None:
    imported = completed("moodline source show ", tmp_path, "; import sys; print(*sys.modules)")
    found = {name.partition(".")[0] for name in imported}
    assert sorted(found & {*HEAVY_MODULES, "pydantic", "rich"}) == []


def test_commands_options_and_names_are_completed(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "moodline.db")) as records, records:
        records.execute("CREATE TABLE sources (name, kind, removed_at)")
        records.execute(
            "INSERT INTO sources VALUES ('door', 'live', NULL), ('d_talk.mp4', 'file', NULL), "
            "('dxtalk.mp4', 'file', NULL), ('old', 'live', 1)"
        )
        records.execute("CREATE TABLE runs (id INTEGER, run_id)")
        records.execute("INSERT INTO runs VALUES (1, '261123-aa'), (2, '261124-bb')")
    expected = {
        "moodline sch": ["scheduler", "schedule"],
        "moodline runs sh": ["show"],
        "moodline runs show 26": ["261124-bb", "261123-aa"],
        "moodline runs show --": ["--json", "--help"],
        "moodline export --run 261123": ["261123-aa"],
        "moodline export --source d_": ["d_talk.mp4"],
        "moodline source show ": ["door"],
        "moodline source show x --json ": [],
        "moodline worker --device c": ["cpu"],
    }
    assert {words: completed(words, tmp_path) for words in expected} == expected
    assert completed("moodline runs show 26", tmp_path / "nowhere") == []


def test_help_names_types_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["up", "--help"], ["runs", "show", "--help"], ["export", "--help"]):
        with pytest.raises(SystemExit):
            command_line()(words, prog_name="moodline")
    said = capsys.readouterr().out
    assert "1 to 64" in said and "moodline runs show [OPTIONS] RUN" in said and "PATH" in said
    assert not re.search(r"<\w+( range)?>|<=x", said)


def test_an_option_out_of_its_range_is_still_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line()(["up", "--workers", "0"])
    assert ended.value.code == 2 and "--workers" in capsys.readouterr().err


def test_a_wrong_choice_is_refused_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line()(["token", "add", "phone", "--scope", "root"])
    said = " ".join(capsys.readouterr().err.split())
    assert "'root' is not one of" in said and "Value error" not in said


def test_the_help_lists_every_command_by_task(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line()(["--help"])
    said = capsys.readouterr().out
    assert said.index("Start here") < said.index("Analyse recordings") < said.index("Watch cameras")


def test_on_sixteen_colours_happy_is_not_red() -> None:
    out = io.StringIO()
    console = Screen(file=out, force_terminal=True, color_system="standard")
    for label, colour in COLOURS.items():
        console.print(Text(label, style=f"bold {colour}"))
    codes = {label: code for code, label in re.findall(r"\x1b\[1;(\d+)m(\w+)", out.getvalue())}
    assert set(codes) == set(COLOURS) and len(set(codes.values())) == len(codes)
    assert (codes["angry"], codes["happy"]) == ("31", "33")


def test_a_misspelled_command_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line()(["analize"])
    assert "analyze" in capsys.readouterr().err


def test_the_worker_takes_every_device() -> None:
    """The option spells out the devices, because importing the settings would be slow."""
    assert set(DeviceName.__args__) == set(Device)  # type: ignore[attr-defined]
