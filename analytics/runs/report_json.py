"""A run's report as a JSON document."""

import json
from dataclasses import asdict
from datetime import datetime

from analytics.runs.report import RunReport
from analytics.runs.report_text import headline


def report_json(report: RunReport) -> str:
    """Return the report as JSON text: moments as ISO 8601, times in seconds."""
    document = {
        "summary": asdict(report.summary),
        "headline": headline(report),
        "timeline": [asdict(one) | {"is_gap": one.is_gap} for one in report.buckets],
        "tracks": [asdict(one) for one in report.tracks],
        "tracks_left_out": report.tracks_left_out,
    }
    return json.dumps(document, indent=1, ensure_ascii=False, default=_iso) + "\n"


def _iso(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
