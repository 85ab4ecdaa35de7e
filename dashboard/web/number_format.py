"""Numbers and dates as people read them: those of the viewer's locale, in an English sentence."""

import re
from contextvars import ContextVar
from datetime import datetime, tzinfo
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol

from records.windows import DAY_S, HOUR_S, MINUTE_S

_MINUS: Final = "−"
_LONGEST_TAG: Final = 35
_PARTS: Final = re.compile(r"'([^']*)'|E+|d+|[ML]+|y+|[^'EdMLy]+")
_IN_D3: Final = {"E": "%a", "d": "%-d", "M": "%b", "L": "%b", "y": "%Y"}
_locale: ContextVar[Locale] = ContextVar("moodline_locale", default=Locale("en", "GB"))  # noqa: B039


def enter_locale(tag: str) -> None:
    """Let what follows in this request be written as the browser's language has it: "de-DE".

    What is no language that is known changes nothing.
    """
    try:
        _locale.set(Locale.parse(tag[:_LONGEST_TAG], sep="-"))
    except (ValueError, TypeError, UnknownLocaleError):
        return


def separators() -> str:
    """What stands before decimals and between thousands, as Plotly takes it."""
    return get_decimal_symbol(_locale.get()) + get_group_symbol(_locale.get())


def date_format(skeleton: str) -> str:
    """The locale's order of a date's parts, as Plotly takes it; "MMMEd" has day and weekday."""
    pattern = str(_locale.get().datetime_skeletons[skeleton].pattern)
    parts = (
        one.group(1) if one.group(1) is not None else _IN_D3.get(one.group()[0], one.group())
        for one in _PARTS.finditer(pattern)
    )
    return "".join(parts)


def count(value: int) -> str:
    """ "22,757"."""
    return format_decimal(value, "#,##0", locale=_locale.get())


def percent(share: float) -> str:
    """ "62 %"; what is little, but not nothing, is never "0 %", nor is nearly all "100 %"."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{share * 100:.0f} %"


def points(change: float) -> str:
    """A difference of shares: "+3 points"."""
    rounded = round(change * 100)
    sign = "+" if rounded > 0 else _MINUS if rounded < 0 else "±"
    return f"{sign}{abs(rounded)} {'point' if abs(rounded) == 1 else 'points'}"


def signed(value: float) -> str:
    """ "+0.31"."""
    number = format_decimal(abs(value), "0.00", locale=_locale.get())
    return f"{'+' if value >= 0 else _MINUS}{number}"


def duration(seconds: float) -> str:
    """ "3 h": in the largest unit of which there are at least two, or whole ones."""
    for width_s, name in ((DAY_S, "days"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= 2 * width_s:
            return f"{round(seconds / width_s)} {name}"
        if seconds == width_s:
            return f"1 {name.removesuffix('s')}"
    return f"{round(seconds)} s"


def person_time(seconds: float) -> str:
    """ "41 person-minutes"; what is little, but not nothing, is never "0"."""
    if 0 < seconds < 0.05:
        return f"<{format_decimal(0.1, locale=_locale.get())} person-seconds"
    if seconds < 2 * MINUTE_S:
        amount, unit = seconds, "second"
    elif seconds < 2 * HOUR_S:
        amount, unit = seconds / MINUTE_S, "minute"
    else:
        amount, unit = seconds / HOUR_S, "hour"
    amount = round(amount, 0 if amount >= 10 else 1)
    shown = format_decimal(amount, "#,##0.#", locale=_locale.get())
    return f"{shown} person-{unit}" + ("" if shown == "1" else "s")


def local_time(at: datetime, zone: tzinfo, step_s: int, *, year: bool = False) -> str:
    """A moment on the viewer's clock, as exact as steps of that length need it."""
    shown = at.astimezone(zone)
    locale = _locale.get()
    skeleton = "yMMMEd" if year or step_s >= DAY_S else "MMMEd"
    date = locale.datetime_skeletons[skeleton].apply(shown, locale)
    return date if step_s >= DAY_S else f"{date} {shown:%H:%M}"
