"""Gaps: stretches of a timeline in which nothing was analysed."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from analytics.history.timeline import Bucket


def gaps(buckets: Sequence[Bucket], until: datetime) -> list[tuple[datetime, datetime]]:
    """Return begin and end of each gap, adjoining buckets as one, cut off at `until`."""
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
    """Return the length of the longest gap within the range; 0 if there is none.

    A bucket in which nothing was expected is not a gap.
    """
    expected = [one for one in buckets if one.expected_s or not one.measures.is_gap()]
    return max(
        ((end - max(begin, since)).total_seconds() for begin, end in gaps(expected, until)),
        default=0.0,
    )


def common_gaps(series: Iterable[Sequence[Bucket]]) -> list[Bucket]:
    """Return for each step the bucket analysed most: a gap only where all series have one.

    Among gaps it is the one with the longest expected time.
    """
    return [
        max(at_once, key=lambda bucket: (bucket.measures.frames, bucket.expected_s))
        for at_once in zip(*series, strict=True)
    ]
