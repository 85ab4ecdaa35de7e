"""Checks of the range and the bucket width of a question."""

from datetime import datetime
from typing import Final

from analytics.history.local_time import MAX_BUCKETS, STEPS, auto_step
from contracts.errors import SettingsError

_FIRST_YEAR: Final = 1900
_END_YEAR: Final = 2200


def check_range(since: datetime, until: datetime) -> None:
    """Raise SettingsError if the range is empty, too long, or outside of 1900 to 2200."""
    if since.year < _FIRST_YEAR or until.year >= _END_YEAR:
        raise SettingsError(
            "the range is outside of the supported years",
            hint=f"Use years from {_FIRST_YEAR} to {_END_YEAR - 1}",
        )
    if since >= until:
        raise SettingsError("the range is empty", hint="Its begin must be before its end")
    if (until - since).total_seconds() > STEPS[-1] * MAX_BUCKETS:
        raise SettingsError("the range is too long", hint="Choose at most 30 years")


def checked_step(since: datetime, until: datetime, step_s: int | None, series: int) -> int:
    """Return step_s, or the finest suitable step if it is None.

    Raises SettingsError if the step is not one of STEPS, or too fine for the range.
    """
    finest = auto_step(since, until)
    if step_s is None:
        return auto_step(since, until, series)
    if step_s not in STEPS:
        raise SettingsError(
            f"invalid step of {step_s} s", hint=f"Use one of {', '.join(map(str, STEPS))}"
        )
    if (until - since).total_seconds() / step_s > MAX_BUCKETS:
        raise SettingsError(
            f"steps of {step_s} s are too fine for this range", hint=f"Use {finest} s or more"
        )
    return step_s
