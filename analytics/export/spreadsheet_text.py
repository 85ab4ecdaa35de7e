"""Text for the cells of CSV files."""

from typing import Final

_FORMULA_STARTS: Final = frozenset("=+-@\t\r\n＝＋－＠")


def spreadsheet_text(text: str) -> str:
    """Return the text so that no spreadsheet takes it for a formula, with ' before it if needed.

    A carriage return becomes an escape: Python before 3.13 does not quote it, and it would begin a
    row. Only for text: numbers stay as they are. Source: OWASP, CSV injection.
    """
    mark = "'" if text[:1] in _FORMULA_STARTS else ""
    return mark + text.replace("\r", "\\r")
