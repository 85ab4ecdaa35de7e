"""Sums over the tracks of a time, read from the summary steps of the runs that history counts.

A track is a row of the inner query: its seconds in view, and those with each label. The outer query
adds up their products, so that no track leaves the database.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Double, case, cast, func, select, type_coerce
from sqlalchemy.sql.elements import ColumnElement

from analytics.comparison.estimates import LabelSquares, TrackSums
from contracts.expressions import LABELS
from contracts.times import MICROS, to_micros
from records.tables.runs import Run, RunProgress
from records.tables.summary_steps import FRAMES_TRACK_ID, SummaryStep

MAX_TRACKS: Final = 200_000
"""With more, their number alone gives an uncertainty below half a point, and costs nothing."""
_SAMPLED: Final = 4000
"""About as many tracks are added up; of more, every second, third, ... stands for the others."""
_WIDTHS: Final = ((6 * 3600, 100), (600, 10), (0, 1))
"""The steps that a range is read in: from a length in seconds, the width of the steps."""


def track_sums(
    connection: Connection,
    source_pks: Sequence[int],
    since: datetime,
    until: datetime,
    tracks: int = 0,
) -> TrackSums:
    """Return the sums of the tracks in [since, until), to a hundredth of the range or better.

    tracks: about how many there are. Of runs whose rows were removed, nothing is left to be summed.
    """
    every = max(round(tracks / _SAMPLED), 1)
    since_us, until_us = to_micros(since), to_micros(until)
    length_s = (until_us - since_us) / MICROS
    width_s = next(width for least_s, width in _WIDTHS if length_s >= least_s)
    track = _tracks(source_pks, (since_us, until_us), width_s, every)
    squares = [
        func.sum(product)
        for label in LABELS
        for product in (track[label] * track[label], track["x"] * track[label])
    ]
    row = connection.execute(
        select(func.count(), func.sum(track["x"]), func.sum(track["x"] * track["x"]), *squares)
    ).one()
    count, x, xx, *products = (float(one or 0) * every for one in row)
    labels = dict(zip(LABELS, zip(products[::2], products[1::2], strict=True), strict=True))
    return TrackSums(
        int(count), x, xx, {label: LabelSquares(yy, xy) for label, (yy, xy) in labels.items()}
    )


def _tracks(
    source_pks: Sequence[int], span_us: tuple[int, int], width_s: int, every: int
) -> dict[str, ColumnElement[Any]]:
    """Return the columns of a query with one row a track: x, and one column a label."""
    since_us, until_us = span_us
    begin = type_coerce(Run.recorded_at, BigInteger)
    width_us, half_us = width_s * MICROS, width_s * MICROS // 2
    seconds = cast(func.sum(SummaryStep.time_us), Double) / MICROS
    labelled = [
        (
            cast(func.sum(case((SummaryStep.label == label, SummaryStep.time_us), else_=0)), Double)
            / MICROS
        ).label(label)
        for label in LABELS
    ]
    query = (
        select(seconds.label("x"), *labelled)
        .select_from(Run)
        .join(RunProgress, RunProgress.run_pk == Run.id)
        .join(SummaryStep, SummaryStep.run_pk == Run.id)
        .where(
            Run.source_pk.in_(list(source_pks)),
            Run.counted,
            begin < until_us,
            begin + RunProgress.last_media_time_us >= since_us,
            SummaryStep.width_s == width_s,
            SummaryStep.track_id != FRAMES_TRACK_ID,
            *([SummaryStep.track_id % every == 0] if every > 1 else []),
            # A step counts where its middle lies; integers round towards zero, so from below zero
            # on all steps of the run are in.
            SummaryStep.step >= (since_us - begin + half_us) // width_us,
            SummaryStep.step < (until_us - begin + half_us) // width_us,
        )
        .group_by(SummaryStep.run_pk, SummaryStep.track_id)
        .having(func.sum(SummaryStep.time_us) > 0)
    ).subquery()
    return dict(query.c.items())
