"""A generated month of history for the demo's dashboard.

It consists of rollups without rows, as retention leaves them. Its sources have the tag
`generated`, and the dashboard marks them. The seed is fixed, so the month is always the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, insert

from analytics.history.source_selection import GENERATED
from contracts.expressions import EXPRESSIONS, LABELS, UNCERTAIN
from contracts.runs import RunKind
from contracts.times import MICROS, to_micros, utc_now
from records.database import transaction
from records.locks import lock_rollups
from records.rollups.windows import DAY_S, MINUTE_S, WIDTHS, window_start
from records.tables.rollups import LABEL_SUMS, PROBABILITY_SUMS, RECOMPUTED_PART, rollups
from records.tables.sources import Source

DAYS: Final = 30

_SEED: Final = 20261123
_FPS: Final = 5
_STAY_S: Final = 9.0
_MINUTE_MS: Final = MINUTE_S * 1000

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_Local = tuple[Floats, Floats, npt.NDArray[np.bool_]]
"""For each minute: days since the first one, local hour, and whether it is a weekend."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A generated source.

    busy: people in view at the peak of a day. peaks: local hours. weekend: factor for weekends.
    mix: expected share by label. away: first day, and number of days, without a heartbeat.
    """

    name: str
    busy: float
    peaks: tuple[float, ...]
    weekend: float
    mix: Mapping[str, float]
    away: tuple[int, float] = (0, 0.0)


_PLACES: Final = (
    _Place(
        "entrance",
        1.6,
        (8.5, 17.5),
        0.25,
        {"neutral": 0.52, "happy": 0.17, "sad": 0.06, "angry": 0.04, "surprise": 0.05},
        away=(17, 1.6),
    ),
    _Place(
        "café",
        2.4,
        (12.5, 15.5),
        1.3,
        {"neutral": 0.36, "happy": 0.33, "sad": 0.05, "angry": 0.02, "surprise": 0.08},
    ),
    _Place(
        "library",
        1.1,
        (11.0, 16.0),
        0.6,
        {"neutral": 0.66, "happy": 0.06, "sad": 0.09, "angry": 0.02, "surprise": 0.02},
    ),
)


def write_month(engine: Engine, until: datetime) -> list[str]:
    """Write rollups for the DAYS before `until`, for new sources; return their names."""
    rng = np.random.default_rng(_SEED)
    end = to_micros(until) - to_micros(until) % (MINUTE_S * MICROS)
    starts = end + MINUTE_S * MICROS * np.arange(-DAYS * DAY_S // MINUTE_S, 0, dtype=np.int64)
    local = _local(starts)
    windows = {
        width_s: np.array([window_start(one, width_s) for one in starts.tolist()])
        for width_s in WIDTHS
    }
    for place in _PLACES:
        sums = _minute_sums(place, local, rng)
        with transaction(engine) as connection:
            lock_rollups(connection)
            pk = connection.execute(
                insert(Source)
                .values(
                    name=place.name,
                    kind=RunKind.FILE,
                    created_at=utc_now(),
                    tags=f'["{GENERATED}"]',
                )
                .returning(Source.id)
            ).scalar_one()
            for width_s in WIDTHS:
                same = {
                    "source_pk": pk,
                    "width_s": width_s,
                    "part": RECOMPUTED_PART,
                    "folded_at": to_micros(until),
                }
                _insert(connection, same, _window_sums(sums, windows[width_s]))
    return [place.name for place in _PLACES]


def _insert(connection: Connection, same: Mapping[str, int], columns: Mapping[str, Counts]) -> None:
    """Insert a row for each place of the columns. same: values of every row; others are 0.

    The driver gets the rows as they are: SQLAlchemy would take most of the time to prepare each.
    """
    names, count = rollups.c.keys(), len(columns["start"])
    values = (
        columns[name].tolist() if name in columns else [same.get(name, 0)] * count for name in names
    )
    rows = list(zip(*values, strict=True))
    statement = insert(rollups).compile(dialect=connection.dialect)
    if statement.positional:
        assert statement.positiontup == names
        connection.exec_driver_sql(str(statement), rows)
    else:
        named = [dict(zip(names, row, strict=True)) for row in rows]
        connection.exec_driver_sql(str(statement), named)


def _minute_sums(place: _Place, local: _Local, rng: np.random.Generator) -> dict[str, Counts]:
    """Return the sums of each minute, by column name."""
    day, hour, weekend = local
    minutes = len(day)
    watched = ~((day >= place.away[0]) & (day < sum(place.away)))
    people = place.busy * sum(np.exp(-(((hour - peak) / 2.2) ** 2)) for peak in place.peaks)
    people = people * np.where(weekend, place.weekend, 1.0) * _slow_factor(rng, minutes, 45, 0.5)
    people = np.where((hour > 6.5) & (hour < 21.5) & watched, people, 0.0)
    person_ms = np.rint(rng.poisson(people * MINUTE_S / _STAY_S) * _STAY_S * 1000)
    shares = _shares(place, minutes, hour, rng)
    by_label = np.floor(person_ms[:, None] * shares).astype(np.int64)
    total = by_label.sum(axis=1)
    frames = np.where(watched, MINUTE_S * _FPS - rng.binomial(3, 0.05, minutes), 0)
    begun = np.rint(total / (_STAY_S * 1000)).astype(np.int64)
    # Probabilities: most for the label, a little for every other expression.
    certain = shares[:, :-1] / shares[:, :-1].sum(axis=1, keepdims=True)
    likely = np.floor((0.72 * certain + 0.28 / len(EXPRESSIONS)) * 1_000_000).astype(np.int64)
    sums = {
        "frames": frames,
        "analyzed_ms": frames * 1000 // _FPS,
        "occupied_ms": np.floor(frames * (200 * (1 - np.exp(-total / _MINUTE_MS)))),
        "faces": total * _FPS // 1000,
        "tracks_begun": begun,
        "tracks_carried": np.minimum(begun, rng.binomial(2, 0.15, minutes)),
        "captured": np.where(watched, MINUTE_S * _FPS, 0),
        "newest": np.where(watched, MINUTE_S * _FPS - frames, 0),
        "up_ms": np.where(watched, _MINUTE_MS, 0),
        "watched_ms": np.where(watched, _MINUTE_MS, 0),
        **{LABEL_SUMS[label]: by_label[:, at] for at, label in enumerate(LABELS)},
        **{PROBABILITY_SUMS[label]: likely[:, at] * total for at, label in enumerate(EXPRESSIONS)},
    }
    return {name: np.asarray(values).astype(np.int64) for name, values in sums.items()}


def _local(starts: Counts) -> _Local:
    """Return for each minute: days since the first one, local hour, and whether it is a weekend."""
    elapsed = (starts - starts[0]) / (DAY_S * MICROS)
    clocks = [datetime.fromtimestamp(one / MICROS).astimezone() for one in starts.tolist()]
    hour = np.array([clock.hour + clock.minute / 60 for clock in clocks])
    return elapsed, hour, np.array([clock.weekday() >= 5 for clock in clocks])


def _slow_factor(rng: np.random.Generator, count: int, minutes: int, sd: float) -> Floats:
    """Return factors around 1 that vary slowly, with about `minutes` between their extremes."""
    knots = rng.normal(0.0, sd, count // minutes + 2)
    return np.asarray(np.exp(np.interp(np.arange(count) / minutes, np.arange(len(knots)), knots)))


def _shares(place: _Place, count: int, hour: Floats, rng: np.random.Generator) -> Floats:
    """Return for each minute the share of each label: [count, 8]; each row sums to 1."""
    shares = np.empty((count, len(LABELS)))
    for at, label in enumerate(LABELS):
        mean = place.mix.get(label, 0.12 if label == UNCERTAIN else 0.015)
        shares[:, at] = mean * _slow_factor(rng, count, 240, 0.35)
    happy, neutral = LABELS.index("happy"), LABELS.index("neutral")
    late = np.clip((hour - 12) / 8, 0, 1)
    shares[:, happy] *= 1 + 0.5 * late
    shares[:, neutral] *= 1 - 0.2 * late
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _window_sums(sums: Mapping[str, Counts], windows: Counts) -> dict[str, Counts]:
    """Return the sums of each window that is not all zero, and the starts of those windows.

    windows: the start of each minute's window.
    """
    firsts = np.flatnonzero(np.r_[True, windows[1:] != windows[:-1]])
    columns = {name: np.add.reduceat(values, firsts) for name, values in sums.items()}
    columns["tracks_carried"] = sums["tracks_carried"][firsts]
    filled = np.flatnonzero(np.any(np.stack(list(columns.values())), axis=0))
    columns["start"] = windows[firsts]
    return {name: column[filled] for name, column in columns.items()}
