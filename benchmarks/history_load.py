"""Bulk loading of a year of ten cameras' rollups, and of any number of raw rows.

The sums are arithmetic functions of time and source: cheap, varied and reproducible.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, insert, text, update

from analytics.removal.freed_space import refresh_statistics
from analytics.runs.summary_steps import steps_of_rows
from contracts.expressions import EXPRESSIONS
from contracts.times import MICROS, to_micros
from records.database import transaction
from records.rollups.windows import MINUTE_S, WIDTHS
from records.runs.summary_steps import add_steps
from records.tables.rollups import SUMS
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source

SOURCES: Final = 10
FPS: Final = 5
UNTIL: Final = datetime(2026, 11, 23, tzinfo=UTC)
SINCE: Final = UNTIL - timedelta(days=365)
LONG_RUN: Final = "bench-long"
_LONG_PK: Final = 1_000_000
_MINUTES: Final = 365 * 24 * 60
_FRAMES_A_DAY: Final = 86_400 * FPS


def load_sources(engine: Engine) -> None:
    """Insert the cameras, without runs."""
    with transaction(engine) as connection:
        connection.execute(
            insert(Source),
            [
                {"id": pk, "name": f"camera{pk}", "kind": "live", "created_at": SINCE}
                for pk in range(1, SOURCES + 1)
            ],
        )


def count_on_from_loaded_keys(engine: Engine) -> None:
    """Let PostgreSQL give later rows keys after those that were loaded with their keys."""
    if engine.dialect.name != "postgresql":
        return
    with transaction(engine) as connection:
        for table in ("sources", "runs"):
            sequence = f"pg_get_serial_sequence('{table}', 'id')"
            connection.execute(text(f"SELECT setval({sequence}, max(id)) FROM {table}"))


def load_year(engine: Engine) -> None:
    """Insert the rollups of every minute of a year, and of the larger windows."""
    load_sources(engine)
    series = f"generate_series(0, {_MINUTES - 1}) AS minutes(n)"
    if engine.dialect.name == "sqlite":
        series = (
            "(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s "
            f"WHERE n < {_MINUTES - 1}) SELECT n FROM s) AS minutes"
        )
    columns = ", ".join(SUMS)
    values = ", ".join(_value(index) for index in range(len(SUMS)))
    start = f"{to_micros(SINCE)} + CAST(n AS BIGINT) * {MINUTE_S * MICROS}"
    for pk in range(1, SOURCES + 1):
        with transaction(engine) as connection:
            connection.execute(
                text(
                    f"INSERT INTO rollups (source_pk, width_s, start, part, folded_at, {columns}) "
                    f"SELECT {pk}, {MINUTE_S}, {start}, 0, {to_micros(UNTIL)}, {values} "
                    f"FROM {series}"
                ),
                {"pk": pk},
            )
    sums = ", ".join(f"sum({name})" for name in SUMS)
    for width_s, below_s in zip(WIDTHS[1:], WIDTHS, strict=False):
        window = f"start - start % {width_s * MICROS}"
        with transaction(engine) as connection:
            connection.execute(
                text(
                    f"INSERT INTO rollups (source_pk, width_s, start, part, folded_at, {columns}) "
                    f"SELECT source_pk, {width_s}, {window}, 0, max(folded_at), {sums} "
                    f"FROM rollups WHERE width_s = {below_s} GROUP BY source_pk, {window}"
                )
            )


def _value(index: int) -> str:
    return f"(CAST(n AS BIGINT) * {index * 7 + 3} + :pk * 131) % {800 + index * 40}"


def load_long_run(engine: Engine, hours: float) -> int:
    """Insert LONG_RUN, a recording at 25 frames per second; return its number of faces.

    Two people are visible. Every two minutes others replace them; their expressions change every
    2.4 s.
    """
    frames, gap_us, visible = round(hours * 3600 * 25), 40_000, 3000
    rows = RawRows(engine)
    with transaction(engine) as connection:
        run = _run(_LONG_PK, 1, UNTIL - timedelta(days=200))
        connection.execute(insert(Run).values(**run | {"run_id": LONG_RUN, "kind": "file"}))
    begin_us = to_micros(UNTIL - timedelta(days=200))
    rows.copy(
        "frames",
        _FRAME_COLUMNS,
        ((_LONG_PK, n, n * gap_us, begin_us + n * gap_us, 40, 2) for n in range(frames)),
    )
    rows.copy("faces", _FACE_COLUMNS, _two_faces(_LONG_PK, frames, visible))
    rows.copy(
        "tracks",
        _TRACK_COLUMNS,
        (
            (
                *(_LONG_PK, n // visible * 2 + other, n, last := min(n + visible, frames) - 1),
                *(n * gap_us, last * gap_us, last - n + 1),
            )
            for n in range(0, frames, visible)
            for other in range(2)
        ),
    )
    with transaction(engine) as connection:
        connection.execute(
            insert(RunProgress).values(
                run_pk=_LONG_PK,
                frames_captured=frames,
                frames_analyzed=frames,
                faces=2 * frames,
                last_media_time_us=(frames - 1) * gap_us,
                stepped=True,
            )
        )
        add_steps(connection, _LONG_PK, steps_of_rows(connection, _LONG_PK, None, faces_only=False))
    return 2 * frames


@dataclass(slots=True)
class RawRows:
    """Raw frames and faces of the days before UNTIL, for all sources; grows on request.

    with_steps: whether a run gets summary steps, by its id; those of old versions have none.
    """

    engine: Engine
    with_steps: Callable[[str], bool] = lambda _run_id: False
    faces: int = 0
    _day: int = 0

    def grow_to(self, faces: int) -> None:
        """Add days of one camera at a time until there are that many face rows."""
        while self.faces < faces:
            day, camera = divmod(self._day, SOURCES)
            wanted = max(min(faces - self.faces, _FRAMES_A_DAY * 3 // 2), 3)
            self._add_run(day, camera + 1, wanted * 2 // 3)
            self._day += 1

    def _add_run(self, day: int, source_pk: int, frames: int) -> None:
        begin = UNTIL - timedelta(days=day + 1)
        run_pk = self._day + 1
        with transaction(self.engine) as connection:
            connection.execute(insert(Run).values(**_run(run_pk, source_pk, begin)))
            connection.execute(
                insert(RunProgress).values(
                    run_pk=run_pk, frames_captured=frames, frames_analyzed=frames
                )
            )
        begin_us = to_micros(begin)
        self.copy(
            "frames",
            _FRAME_COLUMNS,
            (
                (run_pk, n, n * 200_000, begin_us + n * 200_000, 200, 1 + n % 2)
                for n in range(frames)
            ),
        )
        self.copy("faces", _FACE_COLUMNS, _faces(run_pk, frames))
        self.copy(
            "tracks",
            _TRACK_COLUMNS,
            (
                (run_pk, n // 150, n, min(n + 149, frames), n * 200_000, (n + 149) * 200_000, 200)
                for n in range(0, frames, 150)
            ),
        )
        if self.with_steps(f"bench-{run_pk}"):
            refresh_statistics(self.engine)  # PostgreSQL believes that new tables are empty.
            self._add_steps(run_pk)
        self.faces += frames + frames // 2

    def _add_steps(self, run_pk: int) -> None:
        with transaction(self.engine) as connection:
            add_steps(connection, run_pk, steps_of_rows(connection, run_pk, None, faces_only=False))
            of_run = update(RunProgress).where(RunProgress.run_pk == run_pk)
            connection.execute(of_run.values(stepped=True))

    def copy(self, table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
        """Insert rows in bulk."""
        names = ", ".join(columns)
        with self.engine.begin() as connection:
            raw: Any = connection.connection.driver_connection
            if self.engine.dialect.name == "postgresql":
                with raw.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                marks = ", ".join("?" for _ in columns)
                raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


_FRAME_COLUMNS: Final = (
    *("run_pk", "frame_index", "media_time_us", "captured_at", "dwell_ms", "face_count"),
)
_TRACK_COLUMNS: Final = (
    *("run_pk", "track_id", "first_frame_index", "last_frame_index"),
    *("first_media_time_us", "last_media_time_us", "faces"),
)
_FACE_COLUMNS: Final = (
    *("run_pk", "frame_index", "track_id", "x", "y", "w", "h", "emotion", "confidence"),
    *EXPRESSIONS,
    *("smoothed_emotion", "smoothed_confidence", "quality"),
)


def _faces(run_pk: int, frames: int) -> Iterator[tuple[Any, ...]]:
    shares = tuple((index + 1) / 28 for index in range(7))
    for n in range(frames):
        label = EXPRESSIONS[n // 40 % 7] if n % 11 else None
        for face in range(1 + n % 2):
            track = n // 150 if not face else n // 150 + 1_000_000
            yield (
                *(run_pk, n, track, 10.0, 20.0, 80.0, 80.0, label, 0.6),
                *shares,
                *(label, 0.6, 0.9),
            )


def _two_faces(run_pk: int, frames: int, visible: int) -> Iterator[tuple[Any, ...]]:
    """Yield face rows of two people at a time, each visible for so many frames."""
    shares = tuple((index + 1) / 28 for index in range(7))
    for n in range(frames):
        for other in range(2):
            label = EXPRESSIONS[(n // 60 + other) % 7] if n // 30 % 11 else None
            yield (
                *(run_pk, n, n // visible * 2 + other, 10.0, 20.0, 80.0, 80.0, label, 0.6),
                *shares,
                *(label, 0.6, 0.9),
            )


def _run(run_pk: int, source_pk: int, begin: datetime) -> dict[str, Any]:
    return {
        "id": run_pk,
        "run_id": f"bench-{run_pk}",
        "source_pk": source_pk,
        "identity": f"bench-{run_pk}",
        "kind": "live",
        "uri": "rtsp://camera/",
        "content_hash": "",
        "detector": "haar",
        "model_version": "m",
        "options": "{}",
        "state": "done",
        "recorded_at": begin,
        "recorded_at_origin": "live",
        "queued_at": begin,
        "finished_at": UNTIL,
    }
