"""Exports: the selected records as CSV, Parquet or JSON lines, with their provenance.

Parquet files hold the provenance in their metadata; beside other files it is a JSON file. pyarrow
takes a second to load, so it is imported only when a Parquet file is written.
"""

import itertools
import json
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine

from analytics.export.atomic_files import atomic_file
from analytics.export.columns import BLENDSHAPES, COLUMNS, Kind
from analytics.export.csv_rows import PLAIN, CsvStyle, header, moment, rows
from analytics.export.json_lines import json_line
from analytics.export.record_pages import Record, Selection, record_pages
from analytics.recordings.provenance import Provenance, provenance_document, provenance_of
from analytics.snapshots import in_snapshot
from contracts.errors import ExportError
from contracts.model_card import ModelCard
from contracts.times import MICROS
from runtime.files.free_space import FreeSpace

PROVENANCE_KEY: Final = "moodline"
"""The key of the provenance in the metadata of a Parquet file."""
_PARQUET: Final = ".parquet"
_ANY_SPACE: Final = FreeSpace()
_PART_ROWS: Final = 2_000
"""Rows in each part of a download, which is in memory; several users may download at once."""


def check_export_path(path: Path) -> None:
    """Raise ExportError if `path` has an unknown suffix or its folder is not writable.

    Called before an analysis, so that it does not fail only after hours of work.
    """
    if path.suffix not in _SUFFIXES:
        raise ExportError(
            f"unknown export format {path.suffix or path.name!r}",
            hint=f"Use one of {', '.join(_SUFFIXES)}",
        )
    folder = path.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ExportError(
            f"cannot write to the folder {folder}", hint="Create it or make it writable"
        )


def export_records(  # noqa: PLR0913, PLR0917  (one export, with its file)
    engine: Engine,
    selection: Selection,
    path: Path,
    space: FreeSpace = _ANY_SPACE,
    style: CsvStyle = PLAIN,
    card: ModelCard | None = None,
) -> int:
    """Write the selection to `path` in the format of its suffix; return the number of rows.

    style: of CSV. card: of the model in use, for the provenance.

    An incomplete file never appears under this name. space: what must stay free on its disk.
    Raises ExportError, DiskFullError and RunNotFoundError.
    """
    check_export_path(path)
    rows_by_run: dict[str, int] = {}

    def pages() -> Iterator[list[Record]]:
        for page in record_pages(engine, selection):
            space.require(path.absolute().parent, 0, path.name)
            rows_by_run[page[0].run_id] = rows_by_run.get(page[0].run_id, 0) + len(page)
            yield page

    def provenance() -> str:
        runs = in_snapshot(engine, provenance_of, [*rows_by_run], card)
        return provenance_text(runs, selection, sum(rows_by_run.values()), path.name)

    try:
        with atomic_file(path) as part:
            if path.suffix == _PARQUET:
                return _write_parquet(pages(), part, provenance)
            rows = _WRITERS[path.suffix](pages(), part, style)
        with atomic_file(provenance_path(path)) as beside:
            beside.write_text(provenance(), encoding="utf-8")
    except OSError as exc:
        raise ExportError(f"cannot write {path}: {exc.strerror}") from exc
    return rows


def provenance_path(path: Path) -> Path:
    """Return where the provenance of an exported file is, unless the file holds it itself."""
    return path.with_name(f"{path.name}.provenance.json")


def provenance_text(
    runs: Sequence[Provenance], selection: Selection, rows: int | None = None, file: str = ""
) -> str:
    """Return the provenance of exported rows as JSON. rows: None if they were not counted."""
    document = provenance_document(
        runs,
        file=file or None,
        rows=rows,
        since=selection.since,
        until=selection.until,
        frames=selection.frames,
        columns=_NAMES,
    )
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def csv_text(engine: Engine, selection: Selection) -> Iterator[str]:
    """Return the CSV file of the selection in parts, to be sent without a file.

    Raises ExportError and RunNotFoundError before the first part.
    """
    pages = record_pages(engine, selection, page_rows=_PART_ROWS)
    first = next(pages, [])
    return itertools.chain([header()], map(rows, itertools.chain([first], pages)))


def _write_csv(pages: Iterable[list[Record]], part: Path, style: CsvStyle) -> int:
    count = 0
    with part.open("w", newline="", encoding="utf-8") as file:
        file.write(header(style))
        for page in pages:
            file.write(rows(page, style))
            count += len(page)
    return count


def _write_jsonl(pages: Iterable[list[Record]], part: Path, _style: CsvStyle) -> int:
    count = 0
    with part.open("w", encoding="utf-8") as file:
        for page in pages:
            file.writelines(json_line(_NAMES, _json_values(record)) for record in page)
            count += len(page)
    return count


def _write_parquet(pages: Iterable[list[Record]], part: Path, provenance: Callable[[], str]) -> int:
    """Write the rows. provenance: called when all rows were read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        Kind.TEXT: pa.string(),
        Kind.COUNT: pa.int64(),
        Kind.MEDIA_TIME: pa.float64(),
        Kind.MOMENT: pa.timestamp("us", tz="UTC"),
        Kind.PIXELS: pa.float64(),
        Kind.DEGREES: pa.float64(),
        Kind.SHARE: pa.float64(),
    }
    fields = [(column.name, types[column.kind]) for column in COLUMNS]
    schema = pa.schema([*fields, (BLENDSHAPES, pa.list_(pa.float32()))])
    count = 0
    with pq.ParquetWriter(part, schema) as writer:
        for page in pages:
            columns = zip(*(record.values() for record in page), strict=True)
            arrays = [
                pa.array(
                    [value / MICROS for value in values]
                    if column.kind is Kind.MEDIA_TIME
                    else values,
                    type=types[column.kind],
                )
                for column, values in zip(COLUMNS, columns, strict=True)
            ]
            shapes = [_blendshapes(record.blendshapes) for record in page]
            arrays.append(pa.array(shapes, type=pa.list_(pa.float32())))
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(page)
        writer.add_key_value_metadata({PROVENANCE_KEY: provenance()})
    return count


def _blendshapes(stored: bytes | None) -> list[float] | None:
    """Return the 52 numbers of a face, as they were stored."""
    if stored is None:
        return None
    return [value for (value,) in struct.iter_unpack("<e", stored)]


def _json_values(record: Record) -> list[str | int | float | None]:
    """Return the row as JSON values: media times in seconds, moments as ISO 8601."""
    values: list[Any] = list(record.values())
    for index, convert in _JSON_CONVERSIONS:
        values[index] = convert(values[index])
    return values


_NAMES: Final = [column.name for column in COLUMNS]
_JSON: Final[dict[Kind, Callable[[int], float | str]]] = {
    Kind.MEDIA_TIME: lambda micros: micros / MICROS,
    Kind.MOMENT: moment,
}
"""Conversions of kinds that no missing value has."""
_JSON_CONVERSIONS: Final = [
    (index, _JSON[column.kind]) for index, column in enumerate(COLUMNS) if column.kind in _JSON
]
_WRITERS: Final[dict[str, Callable[[Iterable[list[Record]], Path, CsvStyle], int]]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
}
_SUFFIXES: Final = (".csv", _PARQUET, ".jsonl")
