"""Numbers, durations and dates as text, in the viewer's language and locale."""

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.lists import format_list
from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol

from dashboard.language.words import _, current_viewing, n_
from records.rollups.windows import DAY_S, HOUR_S, MINUTE_S

_MINUS: Final = "−"
_PARTS: Final = re.compile(r"'([^']*)'|E+|d+|[ML]+|y+|[^'EdMLy]+")
_DECIMAL: Final = re.compile(r"(?<![\w.,])\d+\.(\d+)(?![\w.,])")
_IN_D3: Final = {"E": "%a", "d": "%-d", "M": "%b", "L": "%b", "y": "%Y"}


def separators() -> str:
    """Return the decimal and the thousands separator, as Plotly takes them: ".,"."""
    return get_decimal_symbol(_locale()) + get_group_symbol(_locale())


def date_format(skeleton: str) -> str:
    """Return the locale's date format for a CLDR skeleton such as "MMMEd", as Plotly takes it."""
    pattern = str(_locale().datetime_skeletons[skeleton].pattern)
    parts = (
        one.group(1) if one.group(1) is not None else _IN_D3.get(one.group()[0], one.group())
        for one in _PARTS.finditer(pattern)
    )
    return "".join(parts)


def count(value: int) -> str:
    """Return a whole number: "22,757"."""
    return format_decimal(value, "#,##0", locale=_locale())


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence: "café and library"."""
    return str(format_list(names, locale=_locale()))


def percent(share: float) -> str:
    """Return a share of 0..1: "62 %". Only zero is "0 %", and only the whole is "100 %"."""
    if 0 < share < 0.005:
        number = "<1"
    elif 0.995 <= share < 1:
        number = ">99"
    else:
        number = f"{share * 100:.0f}"
    return _percentage(number, current_viewing().language)


@lru_cache(maxsize=1024)
def _percentage(number: str, _language: str) -> str:
    """Return a number with its sign. A chart has thousands, most of them several times."""
    return _("{number} %", number=number)


def points(change: float) -> str:
    """Return a difference of two shares: "+3 points"."""
    rounded = round(change * 100)
    sign = "+" if rounded > 0 else _MINUS if rounded < 0 else "±"
    return n_("{sign}{count} point", "{sign}{count} points", abs(rounded), sign=sign)


def signed(value: float) -> str:
    """Return a number with its sign: "+0.31"."""
    number = _decimal(round(abs(value), 2), "0.00", _locale())
    return f"{'+' if value >= 0 else _MINUS}{number}"


@lru_cache(maxsize=4096)
def _decimal(value: float, pattern: str, locale: Locale) -> str:
    """Format a number. A chart has thousands of numbers, most of them several times."""
    return format_decimal(value, pattern, locale=locale)


def duration(seconds: float) -> str:
    """Return a duration in the largest unit of which there are two or exactly one: "3 h"."""
    if seconds >= 2 * DAY_S or seconds == DAY_S:
        return n_("{count} day", "{count} days", round(seconds / DAY_S))
    if seconds >= 2 * HOUR_S or seconds == HOUR_S:
        return _("{count} h", count=round(seconds / HOUR_S))
    if seconds >= 2 * MINUTE_S or seconds == MINUTE_S:
        return _("{count} min", count=round(seconds / MINUTE_S))
    return _("{seconds} s", seconds=round(seconds))


def person_time(seconds: float) -> str:
    """Return person-time in a fitting unit: "41 person-minutes". Only zero is "0 ..."."""
    if 0 < seconds < 0.05:
        least = format_decimal(0.1, locale=_locale())
        return n_("{count} person-second", "{count} person-seconds", 2, count=f"<{least}")
    if seconds < 2 * MINUTE_S:
        shown, number = _amount(seconds)
        return n_("{count} person-second", "{count} person-seconds", number, count=shown)
    if seconds < 2 * HOUR_S:
        shown, number = _amount(seconds / MINUTE_S)
        return n_("{count} person-minute", "{count} person-minutes", number, count=shown)
    shown, number = _amount(seconds / HOUR_S)
    return n_("{count} person-hour", "{count} person-hours", number, count=shown)


def seconds_number(seconds: float) -> str:
    """Return seconds with their significant digits, without the unit: "1,234", "41.3", "0.25"."""
    if seconds >= 100 or seconds == int(seconds):
        return _decimal(round(seconds), "#,##0", _locale())
    if seconds >= 1:
        return _decimal(round(seconds, 1), "0.0", _locale())
    return _decimal(float(f"{seconds:.2g}"), "0.####", _locale())


def decimal(value: float, places: int) -> str:
    """Return a number with its decimals: "1,234.50"."""
    return _decimal(round(value, places), f"#,##0.{'0' * places}", _locale())


def in_locale(text: str) -> str:
    """Return a text of another package, with its decimal numbers as the viewer writes them."""
    return _DECIMAL.sub(
        lambda found: _decimal(float(found[0]), f"0.{'0' * len(found[1])}", _locale()), text
    )


def _amount(value: float) -> tuple[str, int]:
    """Return a number with tenths below ten, and the count whose plural it has."""
    value = round(float(value), 0 if value >= 10 else 1)
    return _decimal(value, "#,##0.#", _locale()), int(value) if value.is_integer() else 2


def local_time(at: datetime, zone: tzinfo, step_s: int, *, year: bool = False) -> str:
    """Return a time in the viewer's zone: the date, and for steps under a day the minute."""
    local = at.astimezone(zone)
    locale = _locale()
    skeleton = "yMMMEd" if year or step_s >= DAY_S else "MMMEd"
    date = locale.datetime_skeletons[skeleton].apply(local, locale)
    return date if step_s >= DAY_S else f"{date} {local:%H:%M}"


def _locale() -> Locale:
    return current_viewing().locale
