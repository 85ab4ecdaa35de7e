"""What the pages stand on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from sqlalchemy import Engine

from contracts.errors import MoodlineError
from contracts.settings import Settings


class UnavailableError(MoodlineError):
    """Raised where the dashboard runs without the part of moodline that could do it."""


def _no_broker() -> str:
    return ""


def _unavailable() -> NoReturn:
    raise UnavailableError(
        "that cannot be done from here", hint="Start the dashboard by its command"
    )


@dataclass(frozen=True, slots=True)
class Backend:
    """The records, the settings, and what the rest of moodline does for the pages.

    broker_url: where the broker is now, "" where none runs. start_demo: adds a source that plays
    a clip of faces that belong to no one; its name.
    """

    engine: Engine
    settings: Settings
    broker_url: Callable[[], str] = _no_broker
    start_demo: Callable[[], str] = _unavailable
