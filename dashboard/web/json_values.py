"""The JSON form of answers: the one place where typed objects become JSON values."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


def json_values(value: object) -> Any:
    """Return dataclasses as objects, sequences as lists and times as seconds since 1970.

    A time has no zone then: the browser shows it in the viewer's own.
    """
    if is_dataclass(value):
        return {one.name: json_values(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, Mapping):
        return {name: json_values(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_values(one) for one in value]
    return str(value) if isinstance(value, Path) else value
