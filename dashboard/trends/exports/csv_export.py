"""The CSV file of a view: one line a bucket of each series."""

import csv
import io
from collections.abc import Iterator, Sequence, Set
from datetime import datetime, tzinfo
from typing import Final

from sqlalchemy import Connection

from analytics.export.spreadsheet_text import spreadsheet_text
from analytics.history.source_selection import history_sources
from analytics.history.timeline import Bucket, Timeline, timeline
from contracts.expressions import LABELS
from dashboard.trends.answers import shown_span
from dashboard.trends.choice import choose
from dashboard.trends.view import View

_COLUMNS: Final = (
    *(
        "source",
        "tag",
        "generated",
        "begin",
        "end",
        "partly_in_range",
        "covered",
        "expected_s",
        "analyzed_s",
        "person_s",
    ),
    *(f"{label}_s" for label in LABELS),
    *("tracks", "derived_valence", "static_s", "tentative_s", "tentative_tracks"),
)


def csv_lines(
    connection: Connection, view: View, zone: tzinfo, now: datetime
) -> tuple[str, Iterator[str]]:
    """Return the file's name and its lines, with times in `zone`. Raises MoodlineError."""
    known = history_sources(connection)
    chosen = choose(known, view)
    since, until = shown_span(connection, view, chosen, zone, now)
    found = timeline(connection, since, until, zone, sources=chosen.names, groups=chosen.tags)
    generated = {one.name for one in known if one.generated}
    generated_tags = {tag for one in known if one.generated for tag in one.tags}
    name = f"moodline-{since:%Y%m%d}-{until:%Y%m%d}.csv"
    return name, _lines(found, zone, generated, generated_tags)


def _lines(
    found: Timeline, zone: tzinfo, generated: Set[str], generated_tags: Set[str]
) -> Iterator[str]:
    """generated, generated_tags: the sources with generated history, and the tags of any."""
    yield _line(_COLUMNS)
    sources = [((name, ""), name in generated, one) for name, one in found.series.items()]
    tags = [(("", tag), tag in generated_tags, one) for tag, one in found.groups.items()]
    for (source, tag), is_generated, buckets in (*sorted(sources), *sorted(tags)):
        head = (spreadsheet_text(source), spreadsheet_text(tag), int(is_generated))
        for bucket in buckets:
            yield _line((*head, *_cells(bucket, zone)))


def _cells(bucket: Bucket, zone: tzinfo) -> tuple[object, ...]:
    """Return the bucket's cells. A gap has a coverage of 0 and no person-time."""
    measures = bucket.measures
    known, valence = not measures.is_gap(), measures.valence
    return (
        bucket.begin.astimezone(zone).isoformat(),
        bucket.end.astimezone(zone).isoformat(),
        int(bucket.partial),
        round(bucket.coverage, 4),
        round(bucket.expected_s, 3),
        round(measures.analyzed_s, 3),
        round(measures.total_s, 3) if known else "",
        *(round(measures.person_s[label], 3) if known else "" for label in LABELS),
        measures.tracks if known else "",
        "" if valence is None else round(valence, 4),
        round(measures.static_s, 3) if known else "",
        round(measures.tentative_s, 3) if known else "",
        measures.tentative_tracks if known else "",
    )


def _line(values: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()
