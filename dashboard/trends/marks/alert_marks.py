"""Alert marks: the alerts that fired in a range, about the sources of a view."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from dash import dcc, html
from sqlalchemy import Connection

from analytics.history.source_selection import HistorySource, SourceGroup, sources_of
from contracts.alerts.condition import value_text
from contracts.alerts.events import EventKind
from dashboard.language.core.recognition import known
from dashboard.language.words import _, n_
from dashboard.web.number_format import in_locale
from records.alerts.events import EventFilter, list_events

_MOST: Final = 300


@dataclass(frozen=True, slots=True)
class AlertMark:
    """An alert that fired. source_pk: the source that it is about. value: of the measure.

    It may be kept for viewers of other languages, so its value is English; see `shown_mark`.
    """

    source_pk: int
    source: str
    rule: str
    at: datetime
    value: str


def alert_marks(
    connection: Connection, source_pks: Sequence[int], span: tuple[datetime, datetime]
) -> tuple[AlertMark, ...]:
    """Return the latest alerts of these sources that fired in the range, in the order of time."""
    chosen = EventFilter("", list(source_pks), *span, [EventKind.FIRED])
    return tuple(
        AlertMark(
            one.subject, one.source, one.rule, one.at, value_text(one.details.measure, one.value)
        )
        for one in reversed(list_events(connection, chosen, _MOST))
    )


def shown_mark(mark: AlertMark) -> AlertMark:
    """Return the mark with its value as the viewer writes it."""
    return replace(mark, value=in_locale(known(mark.value)))


def marks_of(
    marks: Sequence[AlertMark], series: HistorySource | SourceGroup | None
) -> tuple[AlertMark, ...]:
    """Return the marks of one chart. series: None for all sources together."""
    if series is None:
        return tuple(marks)
    keys = {one.pk for one in sources_of(series)}
    return tuple(one for one in marks if one.source_pk in keys)


def alert_note(marks: Sequence[AlertMark]) -> list[Any]:
    """Return how many alerts fired, with the way to them; nothing without any."""
    if not marks:
        return []
    text = n_(
        "{count} alert fired in this range.", "{count} alerts fired in this range.", len(marks)
    )
    return [html.P([text, " ", dcc.Link(_("Show the alerts"), href="alerts")])]
