"""Measures: what a window, or many, says, from the sums that are stored of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from analytics.runs.run_list import LABELS
from contracts.expressions import EXPRESSIONS
from records.tables.rollups import CAUSES, LABEL_SUMS, PROBABILITY_SUMS, SUMS

_ANEW: Final = {
    "angry": 2.85,
    "disgust": 2.45,
    "fear": 2.25,
    "happy": 8.21,
    "sad": 1.61,
    "surprise": 7.47,
    "neutral": 5.0,
}
"""Mean valence ratings, 1 to 9, of the words angry, disgusted, fearful, happy, sad, surprised:
Bradley and Lang (1999), Affective Norms for English Words, report C-1, University of Florida.
Neutral is the scale's middle."""
VALENCES: Final = {label: (rating - 5) / 4 for label, rating in _ANEW.items()}
"""The same, -1 to 1."""

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Measures:
    """What was expressed, by how many people, and how much of the time was seen.

    person_s: person-seconds for each of LABELS, by smoothed label; uncertain is a bin of its own.
    probabilities: the mean calibrated ones, by time; None when nobody was seen. tracks: distinct
    ones; nobody is recognised, so who returns is counted again. analyzed_s: seconds that analysed
    frames stand for; occupied_s: of these, with a face. up_s, watched_s: of live sources, how long
    they delivered, and how long somebody watched over them.
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

    @property
    def total_s(self) -> float:
        """All person-seconds."""
        return sum(self.person_s.values())

    @property
    def shares(self) -> Mapping[str, float] | None:
        """Of the person-seconds, 0..1 each; None when nobody was seen."""
        total_s = self.total_s
        if not total_s:
            return None
        return {label: seconds / total_s for label, seconds in self.person_s.items()}

    @property
    def valence(self) -> float | None:
        """Derived, not measured: the VALENCES weighted with the mean probabilities, -1 to 1."""
        if self.probabilities is None:
            return None
        return sum(VALENCES[label] * share for label, share in self.probabilities.items())

    def is_gap(self) -> bool:
        """Whether nothing was analysed: unknown, and never neutral."""
        return self.frames == 0


def measures(sums: Mapping[str, int]) -> Measures:
    """From SUMS by name; what is missing is zero."""
    return of_values([sums.get(name) or 0 for name in SUMS])


def of_values(values: Sequence[int]) -> Measures:
    """From the values of SUMS, in their order: thousands of these make one chart."""
    person_ms = _label_sums(values)
    total_ms = sum(person_ms)
    probabilities = None
    if total_ms:
        weight = _MILLION * total_ms
        shares = [one / weight for one in _probability_sums(values)]
        probabilities = dict(zip(EXPRESSIONS, shares, strict=True))
    begun, carried, faces, frames, captured, sampled_out = _counts(values)
    analyzed_ms, occupied_ms, up_ms, watched_ms = _times(values)
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
    )


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
    *(_AT[name] for name in ("captured", "sampled_out")),
)
_times: Final = itemgetter(
    *(_AT[name] for name in ("analyzed_ms", "occupied_ms", "up_ms", "watched_ms"))
)
_AT_CAUSES: Final = [(cause, _AT[cause]) for cause in CAUSES]
