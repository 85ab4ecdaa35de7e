"""Answers: what numbers leave out, and more that pages and commands answer with."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_LEFT_OUT_SUMS = ("static_ms", "tentative_ms", "tentative_tracks")
_OPENNESS = ("eye_openness", "mouth_openness")
_ROLL_UP_MARKED_RUNS = (
    "INSERT INTO dirty_windows (source_pk, start, token) SELECT DISTINCT runs.source_pk, "
    "run_minutes.start, 0 FROM run_minutes JOIN runs ON runs.id = run_minutes.run_pk "
    "WHERE run_minutes.run_pk IN (SELECT run_pk FROM tracks WHERE mark <> '') "
    "AND NOT EXISTS (SELECT 1 FROM dirty_windows known "
    "WHERE known.source_pk = runs.source_pk AND known.start = run_minutes.start)"
)


def upgrade() -> None:
    _add_sums_of_what_is_left_out()
    _add_keep_static_of_sources()
    _add_copies_of_runs()
    _add_seen_services()
    _add_shapes_of_faces()
    _add_allowed_places()
    _add_former_names()


def downgrade() -> None:
    _remove_former_names()
    _remove_allowed_places()
    _remove_shapes_of_faces()
    _remove_seen_services()
    _remove_copies_of_runs()
    _remove_keep_static_of_sources()
    _remove_sums_of_what_is_left_out()


def _add_sums_of_what_is_left_out() -> None:
    for name in _LEFT_OUT_SUMS:
        op.add_column(
            "rollups", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
        )
    # Runs whose tracks are marked were summed without these columns.
    op.execute(_ROLL_UP_MARKED_RUNS)


def _remove_sums_of_what_is_left_out() -> None:
    for name in reversed(_LEFT_OUT_SUMS):
        op.drop_column("rollups", name)


def _add_keep_static_of_sources() -> None:
    op.add_column("sources", sa.Column("keep_static", sa.Boolean(), nullable=True))


def _remove_keep_static_of_sources() -> None:
    op.drop_column("sources", "keep_static")


def _add_copies_of_runs() -> None:
    op.add_column("runs", sa.Column("copy_of", sa.Integer(), nullable=True))
    op.add_column("runs", sa.Column("made_by", sa.String(32), nullable=True))
    op.create_index("ix_runs_copy_of", "runs", ["copy_of"])


def _remove_copies_of_runs() -> None:
    op.drop_index("ix_runs_copy_of", "runs")
    op.drop_column("runs", "made_by")
    op.drop_column("runs", "copy_of")


def _add_seen_services() -> None:
    op.create_table(
        "seen_services",
        sa.Column("id", sa.String(256), primary_key=True),
        sa.Column("service", sa.String(32), nullable=False),
        sa.Column("host", sa.String(256), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("stopped_at", sa.BigInteger(), nullable=True),
    )


def _remove_seen_services() -> None:
    op.drop_table("seen_services")


def _add_shapes_of_faces() -> None:
    for name in _OPENNESS:
        op.add_column("faces", sa.Column(name, sa.Double(), nullable=True))
    op.add_column("faces", sa.Column("blendshapes", sa.LargeBinary(), nullable=True))


def _remove_shapes_of_faces() -> None:
    op.drop_column("faces", "blendshapes")
    for name in reversed(_OPENNESS):
        op.drop_column("faces", name)


def _add_allowed_places() -> None:
    op.create_table(
        "allowed_places",
        sa.Column("host", sa.String(253), primary_key=True),
        sa.Column("port", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("allowed_at", sa.BigInteger(), nullable=False),
        sa.Column("allowed_by", sa.String(128), nullable=False),
    )


def _remove_allowed_places() -> None:
    op.drop_table("allowed_places")


def _add_former_names() -> None:
    op.create_table(
        "former_names",
        sa.Column("name", sa.String(512), primary_key=True),
        sa.Column(
            "source_pk",
            sa.Integer(),
            sa.ForeignKey("sources.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("until", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_former_names_source", "former_names", ["source_pk"])


def _remove_former_names() -> None:
    op.drop_index("ix_former_names_source", "former_names")
    op.drop_table("former_names")
