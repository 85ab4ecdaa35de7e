"""The CSV file of a view: one line a bucket of each series."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime

from analytics.export.spreadsheet_text import spreadsheet_text
from dashboard.trends.exports.bucket_rows import COLUMNS, BucketRows


def csv_lines(found: BucketRows) -> Iterator[str]:
    """Yield the lines of the file."""
    yield _line(COLUMNS)
    for source, tag, *values in found.rows():
        head = (spreadsheet_text(str(source)), spreadsheet_text(str(tag)))
        yield _line((*head, *map(_cell, values)))


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else value


def _line(values: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()
