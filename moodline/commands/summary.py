"""`moodline summary`: one run as a page to read and as JSON, two files to hand on."""

import json
import os
from pathlib import Path
from typing import Final

from rich.console import Console
from sqlalchemy import Engine

from analytics.export.atomic_files import written_whole
from analytics.runs.report import report_json, run_report
from contracts.errors import ExportError
from dashboard.report.page import summary_page

_HINT: Final = "Choose another folder with --out"


def write_summary(engine: Engine, run_id: str, folder: Path, console: Console) -> None:
    """Write summary-RUN.json and summary-RUN.html into `folder`, and say where they are.

    Raises RunNotFoundError, ExportError.
    """
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ExportError(f"cannot write into {folder}", hint="Make the folder")
    report = run_report(engine, run_id)
    texts = {
        "json": json.dumps(report_json(report), indent=1, ensure_ascii=False) + "\n",
        "html": summary_page(report),
    }
    for suffix, text in texts.items():
        path = folder / f"summary-{report.summary.run_id}.{suffix}"
        _write(path, text)
        console.print(str(path), highlight=False, markup=False, soft_wrap=True)


def _write(path: Path, text: str) -> None:
    try:
        with written_whole(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise ExportError(f"cannot write {path}: {exc.strerror}", hint=_HINT) from exc
