"""A recording's tracks as lanes, and its faces at a moment: what a player is followed with."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, func, select

from analytics.runs.run_list import run_not_found
from analytics.runs.step_sums import MOST_ROWS, WIDEST, Grid
from analytics.snapshots import snapshot
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from records.tables.faces import Face, Frame, Track
from records.tables.run_steps import FRAMES, RunStep
from records.tables.runs import Run, RunProgress

MOST_LANES: Final = 200
MOST_FACES: Final = 4000
MOST_STEPS: Final = 400
"""Of a long run: what fits beside each other on a screen."""
_MICROS: Final = 1_000_000
_APART_US: Final = 1_000_000
_MOMENT_S: Final = 0.8
_MOST_MOMENTS: Final = 24


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a lane with one label, in seconds of media time."""

    begin_s: float
    end_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One track: its parts in order; between two nothing was seen of it."""

    track: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class RunMoment:
    """An expression that stood out: anything but neutral, held for a while."""

    track: int
    begin_s: float
    end_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Lanes:
    """lanes: by track, those of the longest `MOST_LANES`. moments: the longest, in order.

    step_s: of a long run the seconds for which a part has the label that was shown longest in
    them; 0 where each change is told.
    """

    lanes: tuple[Lane, ...]
    left_out: int
    moments: tuple[RunMoment, ...]
    step_s: float


@dataclass(frozen=True, slots=True)
class Faces:
    """frames: [media_s, [[track, x, y, w, h, label, confidence, shares], ...]], in order; those
    without a face, too. x, y, w, h: shares of the upright picture. until_s: they are complete up
    to there; more of what was asked for is to be asked for from there on.
    """

    frames: list[Any]
    until_s: float


@dataclass(slots=True)
class _Open:
    begin_us: int
    last_us: int
    label: str


def run_lanes(engine: Engine, run_id: str) -> Lanes:
    """Runs of equal smoothed labels by track; of a long run in at most MOST_STEPS steps.

    Raises RunNotFoundError.
    """
    with snapshot(engine) as connection:
        run = connection.execute(
            select(
                Run.id,
                Run.duration_us,
                RunProgress.stepped,
                RunProgress.last_media_time_us,
                (RunProgress.frames_analyzed + RunProgress.faces).label("rows"),
            )
            .outerjoin(RunProgress, RunProgress.run_pk == Run.id)
            .where(Run.run_id == run_id)
        ).first()
        if run is None:
            raise run_not_found(run_id)
        if run.stepped and run.rows > MOST_ROWS:
            grid = Grid.over(max(run.duration_us or 0, run.last_media_time_us + 1), MOST_STEPS)
            parts, tracks = (
                _stepped_parts(connection, run.id, grid),
                _track_count(connection, run.id),
            )
            step_s = grid.width_us / _MICROS
        else:
            parts, step_s = _parts(connection, run.id), 0.0
            tracks = len(parts)
    longest = sorted(parts, key=lambda track: -sum(p.end_s - p.begin_s for p in parts[track]))
    kept = sorted(longest[:MOST_LANES])
    lanes = tuple(Lane(track, tuple(parts[track])) for track in kept)
    return Lanes(lanes, tracks - len(kept), _moments(lanes), step_s)


def _parts(connection: Connection, run_pk: int) -> dict[int, list[Part]]:
    """By track, from all its rows.

    A frame stands for the time up to it, as everywhere: a part begins where the frame before was.
    """
    query = (
        select(Face.track_id, Frame.media_time_us, Frame.dwell_ms, Face.smoothed_emotion)
        .join(Frame, (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index))
        .where(Face.run_pk == run_pk)
        .order_by(Face.frame_index)
        .execution_options(yield_per=10_000)
    )
    parts: dict[int, list[Part]] = {}
    open_: dict[int, _Open] = {}
    for track, at_us, dwell_ms, emotion in connection.execute(query):
        label = emotion or UNCERTAIN
        one = open_.get(track)
        if one is not None and one.label == label and at_us - one.last_us <= _APART_US:
            one.last_us = at_us
            continue
        begin_us = at_us - dwell_ms * 1000
        if one is not None:
            parts.setdefault(track, []).append(_part(one))
            begin_us = max(begin_us, one.last_us)
        open_[track] = _Open(max(begin_us, 0), at_us, label)
    for track, one in open_.items():
        parts.setdefault(track, []).append(_part(one))
    return parts


def _stepped_parts(connection: Connection, run_pk: int, grid: Grid) -> dict[int, list[Part]]:
    """By track, of those that were seen longest: what each showed longest in each bucket."""
    chosen = (
        select(RunStep.track_id)
        .where(RunStep.run_pk == run_pk, RunStep.width_s == WIDEST, RunStep.track_id != FRAMES)
        .group_by(RunStep.track_id)
        .order_by(func.sum(RunStep.time_us).desc(), RunStep.track_id)
        .limit(MOST_LANES)
        .cte("chosen")
    )
    bucket = grid.bucket
    shown = (
        select(
            RunStep.track_id,
            bucket.label("bucket"),
            RunStep.label,
            func.row_number()
            .over(
                partition_by=(RunStep.track_id, bucket),
                order_by=(func.sum(RunStep.time_us).desc(), RunStep.label),
            )
            .label("place"),
        )
        .where(*grid.of(run_pk), RunStep.track_id.in_(select(chosen.c.track_id)))
        .group_by(RunStep.track_id, bucket, RunStep.label)
        .subquery()
    )
    rows = connection.execute(
        select(
            shown.c.track_id,
            shown.c.bucket,
            shown.c.label,
            Track.first_media_time_us,
            Track.last_media_time_us,
        )
        .join(Track, (Track.run_pk == run_pk) & (Track.track_id == shown.c.track_id))
        .where(shown.c.place == 1)
        .order_by(shown.c.track_id, shown.c.bucket)
    )
    parts: dict[int, list[Part]] = {}
    for track, at, label, first_us, last_us in rows:
        begin_s = max(at * grid.width_us, first_us) / _MICROS
        end_s = min((at + 1) * grid.width_us, last_us) / _MICROS
        of_track = parts.setdefault(track, [])
        if of_track and of_track[-1].end_s == begin_s and of_track[-1].label == label:
            of_track[-1] = Part(of_track[-1].begin_s, end_s, label)
        elif begin_s < end_s:
            of_track.append(Part(begin_s, end_s, label))
    return {track: of_track for track, of_track in parts.items() if of_track}


def _track_count(connection: Connection, run_pk: int) -> int:
    """Of the tracks that have faces."""
    query = select(func.count(RunStep.track_id.distinct())).where(
        RunStep.run_pk == run_pk, RunStep.width_s == WIDEST, RunStep.track_id != FRAMES
    )
    return int(connection.execute(query).scalar_one())


def faces_between(engine: Engine, run_id: str, since_s: float, until_s: float) -> Faces:
    """The analysed frames of [since_s, until_s), in order. Raises RunNotFoundError."""
    shares = [getattr(Face, name) for name in EXPRESSIONS]
    query = (
        select(
            Frame.media_time_us,
            Face.track_id,
            Face.x,
            Face.y,
            Face.w,
            Face.h,
            Face.smoothed_emotion,
            Face.smoothed_confidence,
            *shares,
        )
        .join(
            Face,
            (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index),
            isouter=True,
        )
        .order_by(Frame.frame_index, Face.track_id)
        .limit(MOST_FACES + 1)
    )
    with snapshot(engine) as connection:
        run = connection.execute(
            select(Run.id, Run.display_width, Run.display_height).where(Run.run_id == run_id)
        ).first()
        if run is None:
            raise run_not_found(run_id)
        since, until = (
            _first_frame(connection, run.id, round(at_s * _MICROS)) for at_s in (since_s, until_s)
        )
        rows = connection.execute(
            query.where(
                Frame.run_pk == run.id, Frame.frame_index >= since, Frame.frame_index < until
            )
        ).all()
    if len(rows) > MOST_FACES and rows[0][0] < rows[-1][0]:
        # The last frame may lack some of its faces: whoever asks again begins with it.
        until_us = rows[-1][0]
        rows = [row for row in rows if row[0] < until_us]
        until_s = until_us / _MICROS
    wide, high = run.display_width or 1, run.display_height or 1
    frames: dict[int, list[Any]] = {}
    for row in rows:
        faces = frames.setdefault(row[0], [])
        if row[1] is not None:
            faces.append(_face(row, wide, high))
    return Faces([[at_us / _MICROS, faces] for at_us, faces in frames.items()], until_s)


def _face(row: Row[Any], wide: int, high: int) -> list[Any]:
    _at, track, x, y, w, h, label, confidence, *shares = tuple(row)
    return [
        track,
        *(round(value, 4) for value in (x / wide, y / high, w / wide, h / high)),
        label or UNCERTAIN,
        round(confidence, 3),
        [round(share, 3) for share in shares],
    ]


def _first_frame(connection: Connection, run_pk: int, media_us: int) -> int:
    """The frame_index from which on media time is not before: by halving, for it only grows."""
    frames = select(Frame.frame_index, Frame.media_time_us).where(Frame.run_pk == run_pk).limit(1)
    last = connection.execute(frames.order_by(Frame.frame_index.desc())).first()
    low, high = 0, last.frame_index + 1 if last is not None else 0
    while low < high:
        middle = (low + high) // 2
        found = connection.execute(
            frames.where(Frame.frame_index >= middle).order_by(Frame.frame_index)
        ).one()
        if found.media_time_us >= media_us:
            high = middle
        else:
            low = found.frame_index + 1
    return low


def _part(one: _Open) -> Part:
    return Part(one.begin_us / _MICROS, one.last_us / _MICROS, one.label)


def _moments(lanes: tuple[Lane, ...]) -> tuple[RunMoment, ...]:
    found = [
        RunMoment(lane.track, part.begin_s, part.end_s, part.label)
        for lane in lanes
        for part in lane.parts
        if part.label not in {"neutral", UNCERTAIN} and part.end_s - part.begin_s >= _MOMENT_S
    ]
    longest = sorted(found, key=lambda one: one.begin_s - one.end_s)[:_MOST_MOMENTS]
    return tuple(sorted(longest, key=lambda one: (one.begin_s, one.track)))
