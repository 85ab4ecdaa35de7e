"""The command line and the all-in-one stack."""

from importlib.metadata import version

__version__ = version("moodline")
