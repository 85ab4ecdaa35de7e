"""`moodline summary`: one run as a page to read and as JSON, two files to hand on."""

import json
import os
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from sqlalchemy import Engine

from analytics.summaries import report_json, run_report
from analytics.summary_page import summary_page
from contracts.errors import ExportError

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
    """The file appears whole or not at all: it is written beside its place and then moved there."""
    try:
        handle, name = tempfile.mkstemp(prefix=".moodline-", dir=path.absolute().parent)
    except OSError as exc:
        raise ExportError(f"cannot write {path}: {exc.strerror}", hint=_HINT) from exc
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        part.chmod(0o644)
        part.replace(path)
    except OSError as exc:
        raise ExportError(f"cannot write {path}: {exc.strerror}", hint=_HINT) from exc
    finally:
        part.unlink(missing_ok=True)
