"""Notes on recordings: new ones outside of the shown range, and content that counts again."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dash import html

from analytics.comparison.written_ranges import LONGEST_RANGE
from analytics.recordings.beside_trends import Copies, NewElsewhere
from dashboard.language.words import n_, parts
from dashboard.trends.address import write_view
from dashboard.trends.answers import Answer
from dashboard.trends.view import View
from dashboard.web.number_format import count

_HOUR: Final = timedelta(hours=1)


def recording_notes(found: Answer, view: View) -> list[Any]:
    """Return a paragraph for each fact of the answer.

    Whoever looks at a range of the past does not look for what is new.
    """
    elsewhere = found.elsewhere if view.follows_now else None
    notes = [] if elsewhere is None else [_link_to(elsewhere, view)]
    return [*notes, html.P(_copies_text(found.copies))] if found.copies.copies else notes


def _link_to(elsewhere: NewElsewhere, view: View) -> html.P:
    """Return the fact with a link to the whole hours that have these recordings."""
    until = _hour(elsewhere.until) + _HOUR
    since = max(_hour(elsewhere.since), until - LONGEST_RANGE)
    there = View(_iso(since), _iso(until), view.sources, tags=view.tags)
    fact = n_(
        "{count} recording that was analysed in the last day is not in this range",
        "{count} recordings that were analysed in the last day are not in this range",
        elsewhere.count,
    )
    name = n_("show when it was recorded", "show when they were recorded", elsewhere.count)
    link = html.A(name, href=f"trends{write_view(there)}")
    return html.P(parts("{fact}: {link}.", fact=fact, link=link))


def _copies_text(found: Copies) -> str:
    return n_(
        "{count} recording is a copy of {originals} with the same content: what is summed over "
        "several sources counts that content more than once.",
        "{count} recordings are copies of {originals} with the same content: what is summed over "
        "several sources counts that content more than once.",
        found.copies,
        originals=count(found.originals),
    )


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
