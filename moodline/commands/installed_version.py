"""The version of moodline that is installed."""


def installed_version() -> str:
    """Return the version."""
    from importlib.metadata import version

    return version("moodline")
