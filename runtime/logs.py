"""Logs: one line an event on standard error, without credentials; JSON unless on a terminal."""

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from contracts.redaction import redact
from runtime.visible_text import visible_lines


def configure_logs(level: str, *, service: str = "") -> None:
    """Log events of `level` and above to standard error: as text on a terminal, else as JSON.

    level: "" means INFO for a service and WARNING for a command. service: name to add to each
    event; "" for a command.
    """
    level = level or ("INFO" if service else "WARNING")
    if service:
        structlog.contextvars.bind_contextvars(service=service)
    renderers: list[Processor] = [structlog.processors.JSONRenderer()]  # It escapes them itself.
    if sys.stderr.isatty():
        keys = ["timestamp", "level", "event"]
        renderers = [_visible_values, structlog.processors.LogfmtRenderer(key_order=keys)]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact_values,  # After the traceback is formatted: it quotes the exception.
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _redact_values(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {key: _redacted(value) for key, value in event.items()}


def _redacted(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {key: _redacted(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_redacted(one) for one in value]
    return redact(str(value))


def _visible_values(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {
        key: visible_lines(value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def readable_line(line: str) -> str:
    """Return a log line as text for people: the event and its reason."""
    try:
        event = json.loads(line)
    except ValueError:
        return line
    if not isinstance(event, dict) or "event" not in event:
        return line
    return ": ".join(str(event[name]) for name in ("event", "reason") if event.get(name))


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard standard error, for libraries that print from C++, such as LiteRT."""
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
