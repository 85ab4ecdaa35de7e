"""The JSON document of `moodline trends --json`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from analytics.comparison.verdict import Verdict
from analytics.comparison.verdict_json import verdict_json
from analytics.history.hours_of_week.heat_map import HeatCell
from analytics.history.measures import Measures
from analytics.history.moments import Moment
from analytics.history.source_selection import SourceGroup
from analytics.history.timeline import Bucket, Timeline
from analytics.history.totals import Total


def trends_json(
    timeline: Timeline,
    totals: Sequence[Total],
    moments: Sequence[Moment],
    week: Sequence[HeatCell],
    judged: Verdict | None,
) -> dict[str, Any]:
    """Return the documented fields. Times are datetimes, to be written as ISO 8601."""
    compared = {} if judged is None else {"comparison": verdict_json(judged)}
    return {
        "since": timeline.since,
        "until": timeline.until,
        "step_s": timeline.step_s,
        "series": {name: _buckets(buckets) for name, buckets in timeline.series.items()},
        "groups": {tag: _buckets(buckets) for tag, buckets in timeline.groups.items()},
        "totals": [_total(total) for total in totals],
        "moments": [asdict(moment) for moment in moments],
        "week": [_hour(cell) for cell in week],
    } | compared


def _buckets(buckets: Sequence[Bucket]) -> list[dict[str, Any]]:
    return [
        {
            "begin": bucket.begin,
            "end": bucket.end,
            "partial": bucket.partial,
            "expected_s": bucket.expected_s,
            "coverage": round(bucket.coverage, 4),
            **_measures(bucket.measures),
        }
        for bucket in buckets
        if not bucket.measures.is_gap() or bucket.measures.watched_s
    ]


def _total(total: Total) -> dict[str, Any]:
    kind = "group" if isinstance(total.source, SourceGroup) else "source"
    return {
        kind: total.source.name,
        "generated": total.source.generated,
        "expected_s": total.expected_s,
        "coverage": round(total.coverage, 4),
        "now": _measures(total.now),
        "before": _measures(total.before),
    }


def _hour(cell: HeatCell) -> dict[str, Any]:
    return {
        "weekday": cell.weekday,
        "hour": cell.hour,
        "frames": cell.measures.frames,
        "analyzed_s": cell.measures.analyzed_s,
        "person_s": dict(cell.measures.person_s),
    }


def _measures(measures: Measures) -> dict[str, Any]:
    return asdict(measures) | {"derived_valence": measures.valence}
