"""What the pages stand on."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from contracts.settings import Settings


def _no_broker() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Backend:
    """The records, the settings, and where the broker is now: "" where none runs."""

    engine: Engine
    settings: Settings
    broker_url: Callable[[], str] = _no_broker
