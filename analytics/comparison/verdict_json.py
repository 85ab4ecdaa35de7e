"""The verdict as a JSON document: the same for the command line and for programs."""

from typing import Any

from analytics.comparison.estimates import CONFIDENCE
from analytics.comparison.verdict import LabelChange, Verdict
from analytics.comparison.wording import basis_line, verdict_line


def verdict_json(found: Verdict) -> dict[str, Any]:
    """Return the documented fields. Pairs become "now" and "before"; times are datetimes."""
    return {
        "verdict": verdict_line(found),
        "basis": basis_line(found),
        "outcome": found.outcome.value,
        "reason": found.reason.value,
        "since": found.earlier.since,
        "until": found.earlier.until,
        "name": found.earlier.name,
        "confidence": CONFIDENCE,
        "uncertainty_from": "track_count" if found.counted else "tracks",
        "shares": {one.label: _change(one) for one in found.changes},
        "clearest_other": found.also or None,
        "tracks": _both(found.tracks),
        "effective_tracks": _both(found.effective),
        "coverage": _both(found.covered),
        "person_s": _both(found.person_s),
        "derived_valence": _both(found.valence),
    }


def _change(one: LabelChange) -> dict[str, Any]:
    return {
        "now": one.now,
        "before": one.before,
        "change": one.change,
        "margin": one.margin,
        "clear": one.clear,
    }


def _both(pair: tuple[Any, Any]) -> dict[str, Any]:
    return {"now": pair[0], "before": pair[1]}
