"""The rows of exported CSV files, also as Excel opens them with a double click."""

import csv
import io
import locale
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from analytics.export.columns import COLUMNS, Kind
from analytics.export.record_pages import Record
from analytics.export.spreadsheet_text import spreadsheet_text
from contracts.times import MICROS, from_micros

_BOM: Final = "\ufeff"
_NUMBERS: Final = (Kind.MEDIA_TIME, Kind.PIXELS, Kind.DEGREES, Kind.SHARE)


@dataclass(frozen=True, slots=True)
class CsvStyle:
    """How rows are written. excel: with a byte order mark, and moments as Excel reads them.

    decimal: the mark of fractions. A decimal comma separates cells by semicolons.
    """

    excel: bool = False
    decimal: str = "."

    @property
    def separator(self) -> str:
        return ";" if self.decimal == "," else ","


PLAIN: Final = CsvStyle()


def excel_style() -> CsvStyle:
    """Return the style for Excel in the user's locale; without a usable one, decimal points."""
    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        locale.setlocale(locale.LC_NUMERIC, "")
        mark = str(locale.localeconv()["decimal_point"])
    except locale.Error:
        mark = "."
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)
    return CsvStyle(excel=True, decimal="," if mark == "," else ".")


def header(style: CsvStyle = PLAIN) -> str:
    """Return the first line."""
    return (_BOM if style.excel else "") + _lines([[one.name for one in COLUMNS]], style)


def rows(records: Iterable[Record], style: CsvStyle = PLAIN) -> str:
    """Return the lines of the records."""
    return _lines((_cells(record, style) for record in records), style)


def moment(micros: int) -> str:
    """Return a time as ISO 8601 in UTC, to the microsecond."""
    return f"{from_micros(micros):%Y-%m-%dT%H:%M:%S.%f}Z"


def _lines(cells: Iterable[list[str]], style: CsvStyle) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", delimiter=style.separator).writerows(cells)
    return text.getvalue()


def _cells(record: Record, style: CsvStyle) -> list[str]:
    """Return the row as text: a fixed number of decimals, and empty for missing values."""
    cells = [
        "" if value is None else write(value)
        for write, value in zip(_TEXT_WRITERS, record.values(), strict=True)
    ]
    if not style.excel:
        return cells
    for index in _MOMENTS:
        # To the millisecond, which is what Excel keeps.
        cells[index] = cells[index].replace("T", " ")[:23].replace(".", style.decimal)
    for index in _FRACTIONS:
        cells[index] = cells[index].replace(".", style.decimal)
    return cells


def _seconds(micros: int) -> str:
    sign = "-" if micros < 0 else ""
    return f"{sign}{abs(micros) // MICROS}.{abs(micros) % MICROS:06d}"


_TEXT: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.TEXT: spreadsheet_text,
    Kind.COUNT: str,
    Kind.MEDIA_TIME: _seconds,
    Kind.MOMENT: moment,
    Kind.PIXELS: lambda value: f"{value:.1f}",
    Kind.DEGREES: lambda value: f"{value:.1f}",
    Kind.SHARE: lambda value: f"{value:.6f}",
}
_TEXT_WRITERS: Final = [_TEXT[column.kind] for column in COLUMNS]
_MOMENTS: Final = [index for index, one in enumerate(COLUMNS) if one.kind is Kind.MOMENT]
_FRACTIONS: Final = [index for index, one in enumerate(COLUMNS) if one.kind in _NUMBERS]
