"""Measured: the numbers of a time, under the names of the columns of Trends' CSV file."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field

from analytics.history.measures import NOTHING, Measures
from analytics.history.source_selection import HistorySource, SourceGroup
from api.conventions.fields import Answer
from contracts.expressions import LABELS

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]
_KNOWN = " `null` where nothing was analysed."


class Measured(Answer):
    """The expressions of a time. `null` means unknown: nothing was analysed then."""

    analyzed_s: Seconds = Field(description="Seconds that the analysed frames stand for.")
    person_s: Seconds | None = Field(
        description=f"Person-seconds: the time that faces were seen, summed over people.{_KNOWN}"
    )
    angry_s: Seconds | None
    disgust_s: Seconds | None
    fear_s: Seconds | None
    happy_s: Seconds | None
    sad_s: Seconds | None
    surprise_s: Seconds | None
    neutral_s: Seconds | None
    uncertain_s: Seconds | None
    tracks: int | None = Field(
        description="Faces that were followed. Faces are not recognised: a person who returns "
        "is a new track."
    )
    derived_valence: float | None = Field(
        description="-1..1, derived from the mean probabilities, not measured."
    )
    static_s: Seconds | None = Field(description="Person-seconds of still faces: in no other sum.")
    tentative_s: Seconds | None = Field(
        description="Person-seconds of faces seen in one frame only: in no other sum."
    )
    tentative_tracks: int | None


class Covered(Measured):
    """The expressions of a time, and how much of it was analysed."""

    covered: Share = Field(description="Analysed / expected time.")
    expected_s: Seconds = Field(description="Seconds for which the sources were expected.")


class Named(Answer):
    """The subject of numbers: a source, or all sources with a tag."""

    source: str | None = Field(description="Name of the source; `null` for a tag.")
    tag: str | None = Field(description="The tag; `null` for a source.")
    generated: bool = Field(description="Whether any of it was generated, not measured.")


class Asked(Answer):
    """The range that an answer is of."""

    since: datetime
    until: datetime
    zone: str = Field(description="The time zone of its days and weeks.")


def measured(found: Measures) -> dict[str, Any]:
    """Return the fields of Measured."""
    return dict(_NOTHING) if found is NOTHING else _fields(found)


def _fields(found: Measures) -> dict[str, Any]:
    known = not found.is_gap()
    valence = found.valence
    return {
        "analyzed_s": round(found.analyzed_s, 3),
        "person_s": round(found.total_s, 3) if known else None,
        **{f"{one}_s": round(found.person_s[one], 3) if known else None for one in LABELS},
        "tracks": found.tracks if known else None,
        "derived_valence": None if valence is None else round(valence, 4),
        "static_s": round(found.static_s, 3) if known else None,
        "tentative_s": round(found.tentative_s, 3) if known else None,
        "tentative_tracks": found.tentative_tracks if known else None,
    }


_NOTHING: Final = _fields(NOTHING)
"""Most buckets of a long range are often empty."""


def covered(found: Measures, expected_s: float, coverage: float) -> dict[str, Any]:
    """Return the fields of Covered."""
    return {
        **measured(found),
        "covered": round(coverage, 4),
        "expected_s": round(expected_s, 3),
    }


def named(one: HistorySource | SourceGroup) -> dict[str, Any]:
    """Return the fields of Named."""
    is_tag = isinstance(one, SourceGroup)
    return {
        "source": None if is_tag else one.name,
        "tag": one.name if is_tag else None,
        "generated": one.generated,
    }
