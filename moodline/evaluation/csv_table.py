"""A CSV file of an owner: UTF-8, with a line of column names."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from contracts.errors import DatasetError
from runtime.files.regular_files import read_regular


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows by column. Raises DatasetError if it lacks one of `columns`."""
    try:
        text = read_regular(path).decode("utf-8-sig")
        table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        known = table.fieldnames or ()
        rows = list(table)
    except OSError as exc:
        raise DatasetError(f"{path}: {exc.strerror or exc}") from exc
    except (UnicodeDecodeError, csv.Error) as exc:
        raise DatasetError(f"{path.name} is not a CSV file in UTF-8: {exc}") from exc
    for column in columns:
        if column not in known:
            raise DatasetError(
                f"{path.name} has no column {column!r}", hint=f"It has: {', '.join(known)}"
            )
    return rows
