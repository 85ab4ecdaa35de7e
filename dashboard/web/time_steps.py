"""Time steps: the buckets of a timeline as pages draw them in small charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from analytics.history.timeline import Bucket


@dataclass(frozen=True, slots=True)
class TimeStep:
    """Person-seconds by label; covered: the analysed part of the expected time, 0..1.

    gap: whether nothing was analysed. awaited: whether anything was expected to be.
    valence: derived; None if no face was found.
    """

    begin: datetime
    end: datetime
    person_s: dict[str, float]
    covered: float
    gap: bool
    awaited: bool
    valence: float | None


def time_steps(buckets: Sequence[Bucket]) -> tuple[TimeStep, ...]:
    """Return the steps in the order of the buckets."""
    return tuple(
        TimeStep(
            one.begin,
            one.end,
            dict(one.measures.person_s),
            round(one.coverage, 3),
            one.measures.is_gap(),
            one.expected_s > 0,
            None if one.measures.valence is None else round(one.measures.valence, 3),
        )
        for one in buckets
    )
