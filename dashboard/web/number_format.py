"""Numbers and dates as text, in the viewer's locale. The words around them are English."""

import re
from contextvars import ContextVar
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol

from records.rollup_windows import DAY_S, HOUR_S, MINUTE_S

_MINUS: Final = "−"
_MAX_TAG_LENGTH: Final = 35
_PARTS: Final = re.compile(r"'([^']*)'|E+|d+|[ML]+|y+|[^'EdMLy]+")
_IN_D3: Final = {"E": "%a", "d": "%-d", "M": "%b", "L": "%b", "y": "%Y"}
_locale: ContextVar[Locale] = ContextVar("moodline_locale", default=Locale("en", "GB"))  # noqa: B039


def set_locale(tag: str) -> None:
    """Set the locale of the current request from a browser's language tag such as "de-DE".

    An unknown tag changes nothing.
    """
    try:
        _locale.set(Locale.parse(tag[:_MAX_TAG_LENGTH], sep="-"))
    except (ValueError, TypeError, UnknownLocaleError):
        return


def separators() -> str:
    """Return the decimal and the thousands separator, as Plotly takes them: ".,"."""
    return get_decimal_symbol(_locale.get()) + get_group_symbol(_locale.get())


def date_format(skeleton: str) -> str:
    """Return the locale's date format for a CLDR skeleton such as "MMMEd", as Plotly takes it."""
    pattern = str(_locale.get().datetime_skeletons[skeleton].pattern)
    parts = (
        one.group(1) if one.group(1) is not None else _IN_D3.get(one.group()[0], one.group())
        for one in _PARTS.finditer(pattern)
    )
    return "".join(parts)


def count(value: int) -> str:
    """Return a whole number: "22,757"."""
    return format_decimal(value, "#,##0", locale=_locale.get())


def percent(share: float) -> str:
    """Return a share of 0..1: "62 %". Only zero is "0 %", and only the whole is "100 %"."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{share * 100:.0f} %"


def points(change: float) -> str:
    """Return a difference of two shares: "+3 points"."""
    rounded = round(change * 100)
    sign = "+" if rounded > 0 else _MINUS if rounded < 0 else "±"
    return f"{sign}{abs(rounded)} {'point' if abs(rounded) == 1 else 'points'}"


def signed(value: float) -> str:
    """Return a number with its sign: "+0.31"."""
    number = _decimal(round(abs(value), 2), "0.00", _locale.get())
    return f"{'+' if value >= 0 else _MINUS}{number}"


@lru_cache(maxsize=4096)
def _decimal(value: float, pattern: str, locale: Locale) -> str:
    """Format a number. A chart has thousands of numbers, most of them several times."""
    return format_decimal(value, pattern, locale=locale)


def duration(seconds: float) -> str:
    """Return a duration in the largest unit of which there are two or exactly one: "3 h"."""
    for width_s, name in ((DAY_S, "days"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= 2 * width_s:
            return f"{round(seconds / width_s)} {name}"
        if seconds == width_s:
            return f"1 {name.removesuffix('s')}"
    return f"{round(seconds)} s"


def person_time(seconds: float) -> str:
    """Return person-time in a fitting unit: "41 person-minutes". Only zero is "0 ..."."""
    if 0 < seconds < 0.05:
        return f"<{format_decimal(0.1, locale=_locale.get())} person-seconds"
    if seconds < 2 * MINUTE_S:
        amount, unit = seconds, "second"
    elif seconds < 2 * HOUR_S:
        amount, unit = seconds / MINUTE_S, "minute"
    else:
        amount, unit = seconds / HOUR_S, "hour"
    amount = round(amount, 0 if amount >= 10 else 1)
    number = _decimal(amount, "#,##0.#", _locale.get())
    return f"{number} person-{unit}" + ("" if number == "1" else "s")


def local_time(at: datetime, zone: tzinfo, step_s: int, *, year: bool = False) -> str:
    """Return a time in the viewer's zone: the date, and for steps under a day the minute."""
    local = at.astimezone(zone)
    locale = _locale.get()
    skeleton = "yMMMEd" if year or step_s >= DAY_S else "MMMEd"
    date = locale.datetime_skeletons[skeleton].apply(local, locale)
    return date if step_s >= DAY_S else f"{date} {local:%H:%M}"
