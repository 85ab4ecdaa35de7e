"""History: rollups, dirty windows, watched folders, leases, scheduled jobs and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_FRAMES = ("frames", "analyzed_ms", "occupied_ms", "faces", "tracks_begun", "tracks_carried")
_EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_COUNTS = ("captured", "sampled_out", "corrupt", "newest", "broker_lost", "poison")
_SUMS = (
    *_FRAMES,
    *(f"{label}_ms" for label in (*_EMOTIONS, "uncertain")),
    *(f"p_{label}" for label in _EMOTIONS),
    *_COUNTS,
    "up_ms",
    "watched_ms",
)


def upgrade() -> None:
    op.add_column(
        "runs", sa.Column("counted", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column(
        "run_state", sa.Column("erased", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_table(
        "rollups",
        sa.Column("source_pk", sa.Integer(), nullable=False),
        sa.Column("width_s", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("folded_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0") for name in _SUMS),
        sa.ForeignKeyConstraint(["source_pk"], ["sources.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_pk", "width_s", "start", "part"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run_minutes",
        sa.Column("run_pk", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        sa.ForeignKeyConstraint(["run_pk"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_pk", "start"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_run_minutes_start", "run_minutes", ["start"])
    op.create_table(
        "dirty_windows",
        sa.Column("source_pk", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source_pk"], ["sources.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_pk", "start"),
        sqlite_with_rowid=False,
    )
    _create_scheduling()
    _fill_run_minutes()


def _create_scheduling() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=128), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "schedules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("every_s", sa.Integer(), nullable=True),
        sa.Column("cron", sa.String(length=128), nullable=True),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "job_runs",
        sa.Column("job", sa.String(length=160), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=128), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job", "scheduled_at"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _fill_run_minutes() -> None:
    """Fill the minutes of older runs with their analysed frames; dropped frames have no time."""
    op.execute(
        "INSERT INTO run_minutes (run_pk, start, captured, sampled_out, corrupt, newest, "
        "broker_lost, poison) "
        "SELECT run_pk, (captured_at / 60000000) * 60000000, count(*), 0, 0, 0, 0, 0 FROM frames "
        "GROUP BY run_pk, (captured_at / 60000000) * 60000000"
    )
    op.execute(
        "INSERT INTO dirty_windows (source_pk, start, token) SELECT DISTINCT runs.source_pk, "
        "run_minutes.start, 0 FROM run_minutes JOIN runs ON runs.id = run_minutes.run_pk"
    )


def downgrade() -> None:
    for table in [
        "audit",
        "job_runs",
        "schedules",
        "leases",
        "dirty_windows",
        "run_minutes",
        "rollups",
    ]:
        op.drop_table(table)
    op.drop_column("run_state", "erased")
    op.drop_column("runs", "counted")
