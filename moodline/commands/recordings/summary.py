"""`moodline summary`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import ExportError
from moodline.commands.options import RunArgument, command_app
from moodline.commands.session import current_actor, open_records, read_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from contracts.model_card import ModelCard

app = command_app()


def _complete(begun: str) -> list[str]:
    from dashboard.language.offered import LANGUAGES

    return [one for one in LANGUAGES if one.startswith(begun)]


@app.command(epilog="Example: [cyan]moodline summary 261123-88ad06a5 --out reports[/]")
def summary(
    run: RunArgument,
    out: Annotated[Path, typer.Option(help="Folder for the two files.")] = Path(),
    language: Annotated[
        str, typer.Option(help="Of the page: en, de, es, fr or zh.", autocompletion=_complete)
    ] = "en",
) -> None:
    """Write a report of a run: one HTML page with charts, and the same numbers as JSON."""
    from analytics.audit import audit_export
    from dashboard.language.offered import LANGUAGES, viewing
    from dashboard.language.words import set_viewing
    from moodline.analysis.run_spec import card_in_use
    from moodline.terminal.output import print_line

    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise typer.BadParameter(f"{language!r} is not one of {known}.", param_hint="--language")
    set_viewing(viewing(language, ""))
    settings = read_settings()
    with open_records(settings) as engine:
        for path in write_summary(engine, run, out, card_in_use(settings)):
            audit_export(engine, current_actor(), run=run, file=str(path))
            print_line(str(path))


def write_summary(
    engine: "Engine", run_id: str, folder: Path, card: "ModelCard | None" = None
) -> list[Path]:
    """Write summary-RUN.json and summary-RUN.html into `folder`; return their paths.

    card: of the model in use, for the provenance.
    Raises RunNotFoundError, ExportError.
    """
    from analytics.recordings.provenance import provenance_json, provenance_of
    from analytics.runs.reports.report import run_report
    from analytics.runs.reports.report_json import report_json
    from analytics.runs.track_timelines import run_episodes
    from analytics.snapshots import in_snapshot
    from dashboard.report.page import report_page

    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ExportError(
            f"cannot write into {folder}", hint="Create it, or choose another folder with --out"
        )
    report = in_snapshot(engine, run_report, run_id)
    episodes = in_snapshot(engine, run_episodes, run_id)
    (made_by,) = in_snapshot(engine, provenance_of, [run_id], card)
    texts = {
        "json": report_json(report, provenance_json(made_by), episodes),
        "html": report_page(report),
    }
    paths = []
    for suffix, text in texts.items():
        path = folder / f"summary-{report.summary.run_id}.{suffix}"
        _write(path, text)
        paths.append(path)
    return paths


def _write(path: Path, text: str) -> None:
    from analytics.export.atomic_files import atomic_file

    try:
        with atomic_file(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise ExportError(
            f"cannot write {path}: {exc.strerror}", hint="Choose another folder with --out"
        ) from exc
