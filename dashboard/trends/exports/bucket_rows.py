"""The rows of a view's files: one a bucket of each series, with typed values."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from sqlalchemy import Connection

from analytics.history.source_selection import history_sources
from analytics.history.timeline import Bucket, Timeline, timeline
from contracts.expressions import LABELS
from dashboard.trends.answers import shown_span
from dashboard.trends.choice import choose
from dashboard.trends.view import View

COLUMNS: Final = (
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


@dataclass(frozen=True, slots=True)
class BucketRows:
    """The rows of a view, with times in `zone`. name: of a file, without suffix.

    generated, generated_tags: the sources with generated history, and the tags of any.
    """

    name: str
    since: datetime
    until: datetime
    zone: tzinfo
    found: Timeline
    generated: Set[str]
    generated_tags: Set[str]

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield the values of COLUMNS. None: not known, as the person-time of a gap is."""
        series, groups = self.found.series.items(), self.found.groups.items()
        sources = [((name, ""), name in self.generated, one) for name, one in series]
        tags = [(("", tag), tag in self.generated_tags, one) for tag, one in groups]
        for (source, tag), is_generated, buckets in (*sorted(sources), *sorted(tags)):
            for bucket in buckets:
                yield (source, tag, int(is_generated), *_values(bucket, self.zone))


def bucket_rows(connection: Connection, view: View, zone: tzinfo, now: datetime) -> BucketRows:
    """Return the rows of a view. Raises MoodlineError."""
    known = history_sources(connection)
    chosen = choose(known, view)
    since, until = shown_span(connection, view, chosen, zone, now)
    return BucketRows(
        name=f"moodline-{since:%Y%m%d}-{until:%Y%m%d}",
        since=since,
        until=until,
        zone=zone,
        found=timeline(connection, since, until, zone, sources=chosen.names, groups=chosen.tags),
        generated={one.name for one in known if one.generated},
        generated_tags={tag for one in known if one.generated for tag in one.tags},
    )


def _values(bucket: Bucket, zone: tzinfo) -> tuple[object, ...]:
    """Return the bucket's values. A gap has a coverage of 0 and no person-time."""
    measures = bucket.measures
    known, valence = not measures.is_gap(), measures.valence
    return (
        bucket.begin.astimezone(zone),
        bucket.end.astimezone(zone),
        int(bucket.partial),
        round(bucket.coverage, 4),
        round(bucket.expected_s, 3),
        round(measures.analyzed_s, 3),
        round(measures.total_s, 3) if known else None,
        *(round(measures.person_s[label], 3) if known else None for label in LABELS),
        measures.tracks if known else None,
        None if valence is None else round(valence, 4),
        round(measures.static_s, 3) if known else None,
        round(measures.tentative_s, 3) if known else None,
        measures.tentative_tracks if known else None,
    )
