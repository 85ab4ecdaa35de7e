"""Numbers as text in a report's sentences: shares, seconds, counts, media times, times of files."""

from datetime import datetime
from typing import Final

_TIME_ORIGINS: Final = {
    "recorded_at": "as given",
    "set": "set by hand",
    "pattern": "from the file's name",
    "container": "from the file's header",
    "container_end": "the end in the file's header, less the duration",
    "mtime": "from the file's modification time",
    "mtime_end": "the file's modification time, less the duration",
    "live": "from the host's clock",
}


def recorded_text(begin: datetime | None, origin: str | None, *, in_future: bool) -> str:
    """Return in words how a run's time of recording is known, and whether it can be true."""
    if begin is None:
        return "unknown"
    text = _TIME_ORIGINS.get(origin or "", "of unknown origin")
    if in_future:
        text += "; in the future when it was analysed: check the clock, or give --recorded-at"
    return text


def percent(share: float) -> str:
    """Format a share of 0..1; a share above 0 is never shown as 0 %, nor one below 1 as 100 %."""
    if 0 < share < 0.01:
        return "under 1 %"
    if 0.99 < share < 1:
        return "over 99 %"
    return f"{share:.0%}".replace("%", " %")


def seconds_text(seconds: float) -> str:
    """Format seconds with their significant digits: 1,234, 41.3 or 0.25."""
    if seconds >= 100 or seconds == int(seconds):
        return f"{seconds:,.0f}"
    return f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.2g}"


def count_text(count: int, noun: str) -> str:
    """Format a count with its noun: 1 face, 2 faces."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def media_clock(seconds: float, step_s: float = 1) -> str:
    """Format media time as 1:02:03 or 2:03; with decimals if step_s is below a second."""
    decimals = 0 if step_s >= 1 else 1 if step_s >= 0.1 else 2
    # Round before splitting, or 59.96 would be shown as 0:60.0.
    units, part = divmod(round(seconds * 10**decimals), 10**decimals)
    minutes, whole = divmod(units, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{whole:02}" if hours else f"{minutes}:{whole:02}"
    return f"{text}.{part:0{decimals}}" if decimals else text
