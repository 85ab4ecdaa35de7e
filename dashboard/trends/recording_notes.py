"""Notes on recordings: new ones outside of the shown range, and content that counts again."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dash import html

from analytics.comparison.written_ranges import LONGEST_RANGE
from analytics.recordings.beside_trends import NewElsewhere
from dashboard.trends.address import write_view
from dashboard.trends.answers import Answer
from dashboard.trends.view import View

_HOUR: Final = timedelta(hours=1)


def recording_notes(found: Answer, view: View) -> list[Any]:
    """Return a paragraph for each fact of the answer.

    Whoever looks at a range of the past does not look for what is new.
    """
    elsewhere = found.elsewhere if view.follows_now else None
    notes = [] if elsewhere is None else [_link_to(elsewhere, view)]
    return [*notes, html.P(found.copies.text)] if found.copies.text else notes


def _link_to(elsewhere: NewElsewhere, view: View) -> html.P:
    """Return the fact with a link to the whole hours that have these recordings."""
    until = _hour(elsewhere.until) + _HOUR
    since = max(_hour(elsewhere.since), until - LONGEST_RANGE)
    there = View(_iso(since), _iso(until), view.sources, tags=view.tags)
    return html.P(
        [
            f"{elsewhere.text}: ",
            html.A(f"show when {elsewhere.noun} recorded", href=f"trends{write_view(there)}"),
            ".",
        ]
    )


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
