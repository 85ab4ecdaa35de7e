"""The version of moodline that is installed."""

from functools import cache


@cache
def moodline_version() -> str:
    """Return the installed version, such as 0.2.0; "unknown" for code that is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  (slow)

    try:
        return version("moodline")
    except PackageNotFoundError:
        return "unknown"
