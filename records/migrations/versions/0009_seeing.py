"""Seeing: how a source's picture is turned, and which parts of it are read."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_POSE = ("roll", "yaw", "pitch")
_STOP_COUNTING = (
    "UPDATE runs SET counted = false WHERE id = :run",
    "DELETE FROM rollups WHERE part = :run",
    "DELETE FROM dirty_windows WHERE source_pk = (SELECT source_pk FROM runs WHERE id = :run) "
    "AND start IN (SELECT start FROM run_minutes WHERE run_pk = :run)",
    "INSERT INTO dirty_windows (source_pk, start, token) SELECT runs.source_pk, "
    "run_minutes.start, 0 FROM run_minutes JOIN runs ON runs.id = run_minutes.run_pk "
    "WHERE run_pk = :run",
)


def upgrade() -> None:
    _add_poses_of_faces()
    _add_dwells_ahead()
    _add_marks_of_tracks()
    _add_turn_of_sources()
    _add_zones_of_sources()
    _count_one_run_of_each_recording()


def downgrade() -> None:
    _remove_zones_of_sources()
    _remove_marks_of_tracks()
    _remove_turn_of_sources()
    _remove_dwells_ahead()
    _remove_poses_of_faces()


def _add_poses_of_faces() -> None:
    for name in _POSE:
        op.add_column("faces", sa.Column(name, sa.Double(), nullable=True))


def _remove_poses_of_faces() -> None:
    for name in _POSE:
        op.drop_column("faces", name)


def _add_dwells_ahead() -> None:
    # The rows of before keep their dwells, which lie before their frames.
    op.add_column(
        "frames",
        sa.Column("dwells_ahead", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def _remove_dwells_ahead() -> None:
    op.drop_column("frames", "dwells_ahead")


def _add_turn_of_sources() -> None:
    op.add_column("sources", sa.Column("rotate", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "sources", sa.Column("mirror", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def _remove_turn_of_sources() -> None:
    op.drop_column("sources", "mirror")
    op.drop_column("sources", "rotate")


def _add_marks_of_tracks() -> None:
    # What is older has no marks: all of it counts, as before.
    op.add_column("tracks", sa.Column("mark", sa.String(16), server_default="", nullable=False))
    op.add_column("frames", sa.Column("left_out", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "run_state", sa.Column("left_out", sa.BigInteger(), server_default="0", nullable=False)
    )


def _remove_marks_of_tracks() -> None:
    op.drop_column("run_state", "left_out")
    op.drop_column("frames", "left_out")
    op.drop_column("tracks", "mark")


def _add_zones_of_sources() -> None:
    op.add_column("sources", sa.Column("zones", sa.Text(), server_default="[]", nullable=False))
    op.add_column("sources", sa.Column("min_face_px", sa.Integer(), nullable=True))


def _remove_zones_of_sources() -> None:
    op.drop_column("sources", "min_face_px")
    op.drop_column("sources", "zones")


def _count_one_run_of_each_recording() -> None:
    """Count the latest finished run of each recording: schema 0003 let all older ones count."""
    superseded = sa.text(
        "SELECT runs.id FROM runs WHERE runs.kind = 'file' AND runs.counted "
        "AND runs.state = 'done' AND EXISTS (SELECT 1 FROM runs later "
        "WHERE later.source_pk = runs.source_pk AND later.content_hash = runs.content_hash "
        "AND later.id > runs.id AND later.state = 'done' AND later.counted)"
    )
    connection = op.get_bind()
    for (run_pk,) in connection.execute(superseded).all():
        for statement in _STOP_COUNTING:
            connection.execute(sa.text(statement), {"run": run_pk})
