"""Measures of several sources as one, and what lies between what was analysed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from analytics.measures import Measures
from analytics.queries import LABELS
from analytics.trends import Bucket
from contracts.emotions import EMOTIONS


def combined(parts: Iterable[Measures]) -> Measures:
    """All of them together; what is shared out by time stays so."""
    several = list(parts)
    dropped: Counter[str] = Counter()
    for one in several:
        dropped.update(one.dropped)
    return Measures(
        person_s={label: sum(one.person_s[label] for one in several) for label in LABELS},
        probabilities=_mean_probabilities(several),
        tracks=sum(one.tracks for one in several),
        faces=sum(one.faces for one in several),
        frames=sum(one.frames for one in several),
        analyzed_s=sum(one.analyzed_s for one in several),
        occupied_s=sum(one.occupied_s for one in several),
        captured=sum(one.captured for one in several),
        sampled_out=sum(one.sampled_out for one in several),
        dropped=dict(dropped),
        up_s=sum(one.up_s for one in several),
        watched_s=sum(one.watched_s for one in several),
    )


def gaps(buckets: Sequence[Bucket], until: datetime) -> list[tuple[datetime, datetime]]:
    """Where nothing was analysed, adjoining steps as one, each up to `until` at most."""
    found: list[tuple[datetime, datetime]] = []
    for bucket in buckets:
        end = min(bucket.end, until)
        if not bucket.measures.is_gap() or end <= bucket.begin:
            continue
        if found and found[-1][1] == bucket.begin:
            found[-1] = (found[-1][0], end)
        else:
            found.append((bucket.begin, end))
    return found


def longest_gap_s(buckets: Sequence[Bucket], since: datetime, until: datetime) -> float:
    """The longest of the gaps, within the range; 0 when there is none.

    Where nothing was expected, nothing is missing.
    """
    expected = [one for one in buckets if one.expected_s or not one.measures.is_gap()]
    return max(
        ((end - max(begin, since)).total_seconds() for begin, end in gaps(expected, until)),
        default=0.0,
    )


def common_gaps(series: Iterable[Sequence[Bucket]]) -> list[Bucket]:
    """For each step the source that was analysed most: a gap only where all of them have one.

    Of gaps one that is expected to be none.
    """
    return [
        max(at_once, key=lambda bucket: (bucket.measures.frames, bucket.expected_s))
        for at_once in zip(*series, strict=True)
    ]


def _mean_probabilities(several: Sequence[Measures]) -> dict[str, float] | None:
    known = [(one.probabilities, one.total_s) for one in several if one.probabilities is not None]
    total_s = sum(seconds for _, seconds in known)
    if not total_s:
        return None
    return {
        label: sum(shares[label] * seconds for shares, seconds in known) / total_s
        for label in EMOTIONS
    }
