"""Builders of timeline buckets for tests."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from analytics.history.measures import Measures, measures_from_sums
from analytics.history.timeline import Bucket
from records.tables.rollups import LABEL_SUMS, PROBABILITY_SUMS

BEGIN = datetime(2026, 10, 24, 10, tzinfo=UTC)
"""The day before the clocks in Berlin are set back."""


def seen(analyzed_s: float, **person_s: float) -> Measures:
    """Return measures of an analysed time, with person-seconds by label."""
    sums = {LABEL_SUMS[label]: round(seconds * 1000) for label, seconds in person_s.items()}
    for label, seconds in person_s.items():
        # Uncertain faces have probabilities too.
        name = PROBABILITY_SUMS.get(label, PROBABILITY_SUMS["neutral"])
        sums[name] = sums.get(name, 0) + round(seconds * 1000) * 1_000_000
    return measures_from_sums(
        sums | {"frames": round(analyzed_s), "analyzed_ms": round(analyzed_s * 1000)}
    )


def buckets(
    *steps: Mapping[str, float] | None,
    step_s: int = 3600,
    analyzed_s: float = 1800,
    begin: datetime = BEGIN,
    partial: int | None = None,
    expected_s: float | None = None,
) -> tuple[Bucket, ...]:
    """Return one bucket for each step; None is a gap."""
    width = timedelta(seconds=step_s)
    return tuple(
        Bucket(
            begin + place * width,
            begin + (place + 1) * width,
            measures_from_sums({}) if step is None else seen(analyzed_s, **step),
            place == partial,
            step_s if expected_s is None else expected_s,
        )
        for place, step in enumerate(steps)
    )
