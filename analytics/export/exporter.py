"""Exports: the selected records as CSV, Parquet or JSON lines.

pandas and pyarrow take seconds to load, so they are loaded when something is exported.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine

from analytics.export.atomic_files import written_whole
from analytics.export.columns import COLUMNS, Kind
from analytics.export.record_pages import Selection, record_pages, type_of_row
from contracts.errors import ExportError
from contracts.times import from_micros

if TYPE_CHECKING:
    import pandas as pd

_NAMES: Final = [column.name for column in COLUMNS]


def check_export_path(path: Path) -> None:
    """Raise ExportError now for a file that could not be written after hours of work."""
    if path.suffix not in _WRITERS:
        raise ExportError(
            f"no export format {path.suffix or path.name!r}",
            hint=f"Use one of {', '.join(_WRITERS)}",
        )
    if not path.absolute().parent.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise ExportError(f"cannot write into {path.absolute().parent}", hint="Make the folder")


def export_records(engine: Engine, selection: Selection, path: Path) -> int:
    """Write the selection to `path`, by its suffix; the number of rows.

    The file appears whole or not at all: it is written beside its place and then moved there.
    """
    check_export_path(path)
    try:
        with written_whole(path) as part:
            return _WRITERS[path.suffix](engine, selection, part)
    except OSError as exc:
        raise ExportError(f"cannot write {path}: {exc.strerror}") from exc


def _write_csv(engine: Engine, selection: Selection, part: Path) -> int:
    import pandas as pd

    rows = 0
    with part.open("w", newline="", encoding="utf-8") as file:
        pd.DataFrame(columns=_NAMES).to_csv(file, index=False)
        for page in record_pages(engine, selection):
            _text_frame(page).to_csv(file, index=False, header=False, lineterminator="\n")
            rows += len(page)
    return rows


def _write_jsonl(engine: Engine, selection: Selection, part: Path) -> int:
    import pandas as pd

    rows = 0
    with part.open("w", encoding="utf-8") as file:
        for page in record_pages(engine, selection):
            frame = pd.DataFrame([_values(row) for row in page], columns=_NAMES, dtype=object)
            frame.to_json(file, orient="records", lines=True, double_precision=6)
            rows += len(page)
    return rows


def _write_parquet(engine: Engine, selection: Selection, part: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        Kind.TEXT: pa.string(),
        Kind.COUNT: pa.int64(),
        Kind.MEDIA_TIME: pa.float64(),
        Kind.MOMENT: pa.timestamp("us", tz="UTC"),
        Kind.PIXELS: pa.float64(),
        Kind.SHARE: pa.float64(),
    }
    schema = pa.schema([(column.name, types[column.kind]) for column in COLUMNS])
    rows = 0
    with pq.ParquetWriter(part, schema) as writer:
        for page in record_pages(engine, selection):
            columns = list(zip(*page, strict=True))
            arrays = [
                pa.array(
                    [v / 1e6 if v is not None else None for v in values]
                    if column.kind is Kind.MEDIA_TIME
                    else values,
                    type=types[column.kind],
                )
                for column, values in zip(COLUMNS, columns, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            rows += len(page)
    return rows


def _text_frame(page: list[type_of_row]) -> "pd.DataFrame":
    """The page as text: exact decimals, no float noise, empty for what is not there."""
    import pandas as pd

    writers = [_TEXT[column.kind] for column in COLUMNS]
    return pd.DataFrame(
        [
            ["" if v is None else write(v) for write, v in zip(writers, row, strict=True)]
            for row in page
        ],
        columns=_NAMES,
        dtype=object,
    )


def _values(row: type_of_row) -> list[Any]:
    """The row as JSON values."""
    return [
        v
        if v is None or column.kind not in (Kind.MEDIA_TIME, Kind.MOMENT)
        else (v / 1e6 if column.kind is Kind.MEDIA_TIME else _moment(v))
        for column, v in zip(COLUMNS, row, strict=True)
    ]


def _moment(micros: int) -> str:
    return f"{from_micros(micros):%Y-%m-%dT%H:%M:%S.%f}Z"


def _seconds(micros: int) -> str:
    sign = "-" if micros < 0 else ""
    return f"{sign}{abs(micros) // 1_000_000}.{abs(micros) % 1_000_000:06d}"


_TEXT: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.TEXT: str,
    Kind.COUNT: str,
    Kind.MEDIA_TIME: _seconds,
    Kind.MOMENT: _moment,
    Kind.PIXELS: lambda value: f"{value:.1f}",
    Kind.SHARE: lambda value: f"{value:.6f}",
}
_WRITERS: Final[dict[str, Callable[[Engine, Selection, Path], int]]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".jsonl": _write_jsonl,
}
