"""Measures: person-seconds, shares, tracks and frame counts, from the stored sums of windows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from contracts.expressions import EXPRESSIONS, LABELS, VALENCES
from records.tables.rollups import DROP_CAUSES, LABEL_SUMS, PROBABILITY_SUMS, SUMS

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Measures:
    """The expressions, tracks and frames of a time.

    person_s: person-seconds for each of LABELS, by smoothed label. probabilities: means of the
    calibrated probabilities, weighted by time; None if no face was found. tracks: distinct tracks;
    faces are not recognised, so a person who returns is a new track. analyzed_s: seconds that the
    analysed frames stand for; occupied_s: the part of it with a face. up_s, watched_s: for live
    sources, the seconds in which they delivered frames, and in which they were supervised.
    static_s, tentative_s: person-seconds that are in no other number, of still faces (pictures, or
    people who do not move) and of faces seen in one frame only; tentative_tracks: the latter.
    """

    person_s: Mapping[str, float]
    probabilities: Mapping[str, float] | None
    tracks: int
    faces: int
    frames: int
    analyzed_s: float
    occupied_s: float
    captured: int
    sampled_out: int
    dropped: Mapping[str, int]
    up_s: float
    watched_s: float
    static_s: float
    tentative_s: float
    tentative_tracks: int

    @property
    def total_s(self) -> float:
        """All person-seconds."""
        return sum(self.person_s.values())

    @property
    def shares(self) -> Mapping[str, float] | None:
        """Each label's part of the person-seconds, 0..1; None if no face was found."""
        total_s = self.total_s
        if not total_s:
            return None
        return {label: seconds / total_s for label, seconds in self.person_s.items()}

    @property
    def valence(self) -> float | None:
        """VALENCES weighted with the mean probabilities, -1..1: derived, not measured."""
        if self.probabilities is None:
            return None
        return sum(VALENCES[label] * share for label, share in self.probabilities.items())

    def is_gap(self) -> bool:
        """Return whether nothing was analysed. A gap is unknown, which is not neutral."""
        return self.frames == 0


def measures_from_sums(sums: Mapping[str, int]) -> Measures:
    """Return the measures of sums by name, as in SUMS; missing sums are zero."""
    return measures_from_values([sums.get(name) or 0 for name in SUMS])


def measures_from_values(values: Sequence[int]) -> Measures:
    """Return the measures of sums in the order of SUMS. Fast: a chart takes thousands of them."""
    person_ms = _label_sums(values)
    total_ms = sum(person_ms)
    probabilities = None
    if total_ms:
        weight = _MILLION * total_ms
        shares = [one / weight for one in _probability_sums(values)]
        probabilities = dict(zip(EXPRESSIONS, shares, strict=True))
    begun, carried, faces, frames, captured, sampled_out, tentative_tracks = _counts(values)
    analyzed_ms, occupied_ms, up_ms, watched_ms, static_ms, tentative_ms = _times(values)
    return Measures(
        person_s=dict(zip(LABELS, [ms / 1000 for ms in person_ms], strict=True)),
        probabilities=probabilities,
        tracks=begun + carried,
        faces=faces,
        frames=frames,
        analyzed_s=analyzed_ms / 1000,
        occupied_s=occupied_ms / 1000,
        captured=captured,
        sampled_out=sampled_out,
        dropped={cause: values[at] for cause, at in _AT_CAUSES if values[at]},
        up_s=up_ms / 1000,
        watched_s=watched_ms / 1000,
        static_s=static_ms / 1000,
        tentative_s=tentative_ms / 1000,
        tentative_tracks=tentative_tracks,
    )


def combine(parts: Iterable[Measures]) -> Measures:
    """Return the sum of measures; probabilities are weighted by person-seconds."""
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
        static_s=sum(one.static_s for one in several),
        tentative_s=sum(one.tentative_s for one in several),
        tentative_tracks=sum(one.tentative_tracks for one in several),
    )


def _mean_probabilities(several: Sequence[Measures]) -> dict[str, float] | None:
    known = [(one.probabilities, one.total_s) for one in several if one.probabilities is not None]
    total_s = sum(seconds for _, seconds in known)
    if not total_s:
        return None
    return {
        label: sum(shares[label] * seconds for shares, seconds in known) / total_s
        for label in EXPRESSIONS
    }


_AT: Final = {name: at for at, name in enumerate(SUMS)}
_label_sums: Final = itemgetter(*(_AT[LABEL_SUMS[label]] for label in LABELS))
_probability_sums: Final = itemgetter(*(_AT[PROBABILITY_SUMS[label]] for label in EXPRESSIONS))
_counts: Final = itemgetter(
    *(_AT[name] for name in ("tracks_begun", "tracks_carried", "faces", "frames")),
    *(_AT[name] for name in ("captured", "sampled_out", "tentative_tracks")),
)
_times: Final = itemgetter(
    *(_AT[name] for name in ("analyzed_ms", "occupied_ms", "up_ms", "watched_ms")),
    *(_AT[name] for name in ("static_ms", "tentative_ms")),
)
_AT_CAUSES: Final = [(cause, _AT[cause]) for cause in DROP_CAUSES]

NOTHING: Final = measures_from_sums({})
"""The measures of a time without data."""
