"""Numbers as people read them."""

from datetime import datetime, tzinfo
from typing import Final

from contracts.history import DAY_S, HOUR_S, MINUTE_S

_MINUS: Final = "−"


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
    return f"{'+' if value >= 0 else _MINUS}{abs(value):.2f}"


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
        return "<0.1 person-seconds"
    if seconds < 2 * MINUTE_S:
        amount, unit = seconds, "second"
    elif seconds < 2 * HOUR_S:
        amount, unit = seconds / MINUTE_S, "minute"
    else:
        amount, unit = seconds / HOUR_S, "hour"
    shown = f"{amount:,.0f}" if amount >= 10 else f"{amount:.1f}".removesuffix(".0")
    return f"{shown} person-{unit}" + ("" if shown == "1" else "s")


def local_time(at: datetime, zone: tzinfo, step_s: int) -> str:
    """A moment on the viewer's clock, as exact as steps of that length need it."""
    shown = at.astimezone(zone)
    if step_s >= DAY_S:
        return f"{shown:%a} {shown.day} {shown:%b %Y}"
    return f"{shown:%a} {shown.day} {shown:%b %H:%M}"
