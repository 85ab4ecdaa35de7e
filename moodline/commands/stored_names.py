"""Names of the records for completion: sources, live sources and runs.

The settings and SQLAlchemy take longer to import than the shell may wait. So the database is asked
directly, and only what the environment says of its place counts. Nothing is completed where that
fails.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

_MOST: Final = 100
_TIMEOUT_S: Final = 1
_LIVE: Final = (
    "SELECT name FROM sources WHERE kind = 'live' AND removed_at IS NULL AND name LIKE {0} "
    "ESCAPE '!' ORDER BY name LIMIT {1}"
)
_SOURCES: Final = "SELECT name FROM sources WHERE name LIKE {0} ESCAPE '!' ORDER BY name LIMIT {1}"
_RUNS: Final = "SELECT run_id FROM runs WHERE run_id LIKE {0} ESCAPE '!' ORDER BY id DESC LIMIT {1}"


def complete_live_source(incomplete: str) -> list[str]:
    """Return the live sources whose names begin so."""
    return _names(_LIVE, incomplete)


def complete_source(incomplete: str) -> list[str]:
    """Return the sources whose names begin so."""
    return _names(_SOURCES, incomplete)


def complete_run(incomplete: str) -> list[str]:
    """Return the runs whose ids begin so, the newest first."""
    return _names(_RUNS, incomplete)


def _names(query: str, incomplete: str) -> list[str]:
    for sign in "!%_":
        incomplete = incomplete.replace(sign, f"!{sign}")
    values = (f"{incomplete}%", _MOST)
    with suppress(Exception):  # A shell that completes shows no errors.
        url = os.environ.get("MOODLINE_DATABASE_URL", "")
        if url.startswith("postgres"):
            return _ask_postgresql(url, query.format("%s", "%s"), values)
        return _ask_sqlite(url, query.format("?", "?"), values)
    return []


def _ask_sqlite(url: str, query: str, values: Sequence[Any]) -> list[str]:
    home = Path(os.environ.get("MOODLINE_HOME") or "~/.local/share/moodline").expanduser()
    path = str(home / "moodline.db")
    if url.startswith("sqlite:///"):
        path = unquote(url.removeprefix("sqlite:///").partition("?")[0])
    address = f"file:{quote(str(Path(path).absolute()))}?mode=ro"
    with closing(sqlite3.connect(address, timeout=_TIMEOUT_S, uri=True)) as records:
        return [name for (name,) in records.execute(query, values)]


def _ask_postgresql(url: str, query: str, values: Sequence[Any]) -> list[str]:
    import psycopg

    plain = "postgresql://" + url.partition("://")[2]
    with psycopg.connect(plain, connect_timeout=_TIMEOUT_S + 1) as records:
        return [name for (name,) in records.execute(query, values)]
