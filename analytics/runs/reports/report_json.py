"""A run's report as a JSON document."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from analytics.runs.reports.report import RunReport
from analytics.runs.reports.report_text import headline
from analytics.runs.track_timelines import RunEpisodes


def report_json(
    report: RunReport,
    provenance: Mapping[str, Any] | None = None,
    episodes: RunEpisodes | None = None,
) -> str:
    """Return the report as JSON text: moments as ISO 8601, times in seconds.

    provenance: what made the rows, as JSON values.
    """
    document: dict[str, Any] = {
        "summary": asdict(report.summary),
        "headline": headline(report),
        "timeline": [asdict(one) | {"is_gap": one.is_gap} for one in report.buckets],
        "tracks": [asdict(one) for one in report.tracks],
        "tracks_left_out": report.tracks_left_out,
    } | ({"provenance": provenance} if provenance is not None else {})
    if episodes is not None:
        document |= {
            "episodes": [asdict(one) for one in episodes.episodes],
            "episodes_left_out": episodes.left_out,
            "episodes_step_s": episodes.step_s,
        }
    return json.dumps(document, indent=1, ensure_ascii=False, default=_iso) + "\n"


def _iso(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
