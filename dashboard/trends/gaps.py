"""What lies between what was analysed."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from analytics.history.trends import Bucket


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
