"""Report views: what other programs may read with SQL, such as Grafana and BI tools.

docs/reference/sql-views.md describes them. Their columns stay: later versions only add columns at
the end. Times are UTC: of type timestamptz in PostgreSQL, ISO 8601 text in SQLite. Each has a twin
in whole microseconds since 1970, which is fast to filter by. No view has the address of a source or
recording.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection

from contracts.expressions import EXPRESSIONS, LABELS, UNCERTAIN, VALENCES
from records.rollups.windows import DAY_S, HOUR_S, MINUTE_S, QUARTER_S
from records.tables.rollups import DROP_CAUSES, LABEL_SUMS, PROBABILITY_SUMS

_TIMELINES: Final = {"minute": MINUTE_S, "quarter": QUARTER_S, "hour": HOUR_S, "day": DAY_S}
_NAMES: Final = (
    "v_sources",
    "v_source_states",
    "v_runs",
    "v_tracks",
    "v_faces",
    *(f"v_timeline_{name}" for name in _TIMELINES),
    *(f"v_expressions_{name}" for name in _TIMELINES),
    "v_alerts",
)
"""In the order in which they are made."""


def replace_views(connection: Connection) -> None:
    """Make the views, or give them this version's columns. Rights on them stay."""
    definitions = dict(_definitions(connection.dialect.name))
    for name in _NAMES:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
            connection.exec_driver_sql(f"CREATE VIEW {name} AS {definitions[name]}")
        else:
            connection.exec_driver_sql(f"CREATE OR REPLACE VIEW {name} AS {definitions[name]}")


def drop_views(connection: Connection) -> None:
    """Remove the views, so that the tables below them can change."""
    for name in reversed(_NAMES):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def _definitions(dialect: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the query of each view."""
    yield "v_sources", _sources(dialect)
    yield "v_source_states", _source_states(dialect)
    yield "v_runs", _runs(dialect)
    yield "v_tracks", _tracks(dialect)
    yield "v_faces", _faces(dialect)
    for name, width_s in _TIMELINES.items():
        yield f"v_timeline_{name}", _timeline(dialect, width_s)
        yield f"v_expressions_{name}", _expressions(dialect, width_s)
    yield "v_alerts", _alerts(dialect)


def _time(dialect: str, micros: str) -> str:
    if dialect == "sqlite":
        return f"strftime('%Y-%m-%dT%H:%M:%fZ', {micros} / 1000000.0, 'unixepoch')"
    return f"to_timestamp({micros} / 1000000.0)"


def _seconds(milliseconds: str) -> str:
    return f"CAST({milliseconds} AS DOUBLE PRECISION) / 1000.0"


def _flag(dialect: str, column: str) -> str:
    """A Boolean as 0 or 1: charts can add it up."""
    return column if dialect == "sqlite" else f"CAST({column} AS INTEGER)"


def _sources(dialect: str) -> str:
    return f"""
SELECT s.id AS source_id, s.name AS source, s.kind, s.tags,
  {_flag(dialect, "s.paused")} AS paused,
  {_time(dialect, "s.created_at")} AS added_at,
  {_time(dialect, "s.removed_at")} AS removed_at
FROM sources s"""


def _source_states(dialect: str) -> str:
    return f"""
SELECT i.source_pk AS source_id, s.name AS source, i.state, i.reason,
  {_time(dialect, "i.since")} AS time, {_time(dialect, "i.until")} AS time_end,
  i.since AS time_us, i.until AS time_end_us
FROM source_states i JOIN sources s ON s.id = i.source_pk"""


def _runs(dialect: str) -> str:
    return f"""
SELECT r.run_id, r.source_pk AS source_id, s.name AS source, r.kind, r.state,
  {_flag(dialect, "r.counted")} AS counted,
  {_time(dialect, "r.recorded_at")} AS recorded_at, {_time(dialect, "r.queued_at")} AS queued_at,
  {_time(dialect, "r.started_at")} AS started_at, {_time(dialect, "r.finished_at")} AS finished_at,
  CAST(r.duration_us AS DOUBLE PRECISION) / 1000000.0 AS duration_s,
  r.detector, r.model_version, p.frames_captured, p.frames_sampled_out, p.frames_analyzed,
  p.faces, p.left_out
FROM runs r JOIN sources s ON s.id = r.source_pk JOIN run_state p ON p.run_pk = r.id"""


def _tracks(dialect: str) -> str:
    return f"""
SELECT r.run_id, r.source_pk AS source_id, s.name AS source, t.track_id,
  {_time(dialect, "b.captured_at")} AS time, {_time(dialect, "e.captured_at")} AS time_end,
  b.captured_at AS time_us, e.captured_at AS time_end_us, t.faces
FROM tracks t JOIN runs r ON r.id = t.run_pk JOIN sources s ON s.id = r.source_pk
JOIN frames b ON b.run_pk = t.run_pk AND b.frame_index = t.first_frame_index
JOIN frames e ON e.run_pk = t.run_pk AND e.frame_index = t.last_frame_index
WHERE t.mark = '' AND r.counted"""


def _faces(dialect: str) -> str:
    shares = ", ".join(f"f.{label}" for label in EXPRESSIONS)
    return f"""
SELECT s.name AS source, r.run_id, f.frame_index,
  CAST(n.media_time_us AS DOUBLE PRECISION) / 1000000.0 AS media_time_s,
  {_time(dialect, "n.captured_at")} AS captured_at, f.track_id, f.x, f.y, f.w, f.h,
  coalesce(f.emotion, '{UNCERTAIN}') AS emotion, f.confidence, {shares},
  coalesce(f.smoothed_emotion, '{UNCERTAIN}') AS smoothed_emotion, f.smoothed_confidence,
  f.quality, r.model_version, f.roll, f.yaw, f.pitch, f.eye_openness, f.mouth_openness,
  {_seconds("n.dwell_ms")} AS dwell_s, r.source_pk AS source_id, n.captured_at AS captured_us
FROM frames n
JOIN faces f ON f.run_pk = n.run_pk AND f.frame_index = n.frame_index
JOIN tracks t ON t.run_pk = f.run_pk AND t.track_id = f.track_id
JOIN runs r ON r.id = n.run_pk
JOIN sources s ON s.id = r.source_pk
WHERE t.mark = '' AND r.counted"""


def _timeline(dialect: str, width_s: int) -> str:
    person_ms = " + ".join(f"sum(w.{column})" for column in LABEL_SUMS.values())
    labels = ", ".join(
        f"{_seconds(f'sum(w.{column})')} AS {label}_s" for label, column in LABEL_SUMS.items()
    )
    shares = ", ".join(
        f"CAST(sum(w.{column}) AS DOUBLE PRECISION) / (1000000.0 * nullif({person_ms}, 0))"
        f" AS p_{label}"
        for label, column in PROBABILITY_SUMS.items()
    )
    valence = " + ".join(
        f"{VALENCES[label]!r} * sum(w.{column})" for label, column in PROBABILITY_SUMS.items()
    )
    dropped = " + ".join(f"sum(w.{cause})" for cause in DROP_CAUSES)
    causes = ", ".join(f"{_whole(f'sum(w.{cause})')} AS {cause}" for cause in DROP_CAUSES)
    times = ", ".join(
        f"{_seconds(f'sum(w.{name}_ms)')} AS {name}_s"
        for name in ("up", "watched", "static", "tentative")
    )
    return f"""
SELECT w.source_pk AS source_id, s.name AS source, s.kind, {_time(dialect, "w.start")} AS time,
  w.start AS start_us, {_whole("sum(w.frames)")} AS frames, {_whole("sum(w.faces)")} AS faces,
  {_whole("sum(w.tracks_begun)")} AS tracks_begun,
  {_seconds("sum(w.analyzed_ms)")} AS analyzed_s, {_seconds("sum(w.occupied_ms)")} AS occupied_s,
  {_seconds(f"({person_ms})")} AS person_s, {labels}, {shares},
  CAST({valence} AS DOUBLE PRECISION) / (1000000.0 * nullif({person_ms}, 0)) AS valence,
  {_whole("sum(w.captured)")} AS captured, {_whole("sum(w.sampled_out)")} AS sampled_out,
  {_whole(dropped)} AS dropped, {causes}, {times}
{_windows(width_s)}
GROUP BY w.source_pk, w.start, s.name, s.kind"""


def _expressions(dialect: str, width_s: int) -> str:
    """The same as rows by expression, which many charts need."""
    labels = " UNION ALL ".join(f"SELECT '{label}' AS expression" for label in LABELS)
    seconds = " ".join(f"WHEN '{label}' THEN w.{LABEL_SUMS[label]}" for label in LABELS)
    return f"""
SELECT w.source_pk AS source_id, s.name AS source, s.kind, {_time(dialect, "w.start")} AS time,
  w.start AS start_us, e.expression,
  {_seconds(f"sum(CASE e.expression {seconds} END)")} AS person_s
{_windows(width_s, f"CROSS JOIN ({labels}) e")}
GROUP BY w.source_pk, w.start, s.name, s.kind, e.expression"""


def _windows(width_s: int, joined: str = "") -> str:
    # In this order, SQLite seeks the windows of each source by the primary key of the rollups.
    return f"""FROM sources s CROSS JOIN rollups w {joined}
WHERE w.source_pk = s.id AND w.width_s = {width_s}"""


def _whole(number: str) -> str:
    return f"CAST({number} AS BIGINT)"


def _alerts(dialect: str) -> str:
    return f"""
SELECT e.message_id AS alert_id, e.rule_name AS rule, e.severity, e.source, e.value,
  {_time(dialect, "e.at")} AS time, {_time(dialect, "e.resolved_at")} AS time_end,
  e.at AS time_us, e.resolved_at AS time_end_us,
  {_time(dialect, "e.acknowledged_at")} AS acknowledged_at, e.acknowledged_by
FROM alert_events e WHERE e.kind = 'fired'"""
