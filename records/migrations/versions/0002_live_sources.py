"""Live sources: their settings, claims and state intervals."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _added() -> list[tuple[str, "sa.Column[Any]"]]:
    def column(name: str, kind: Any, default: Any = None) -> "sa.Column[Any]":
        return sa.Column(name, kind, nullable=default is None, server_default=default)

    return [
        ("sources", column("uri", sa.Text())),
        ("sources", column("shown_uri", sa.Text(), "")),
        ("sources", column("host", sa.String(length=128))),
        ("sources", column("sampling_fps", sa.Double())),
        ("sources", column("max_side", sa.Integer())),
        ("sources", column("tags", sa.Text(), "[]")),
        ("sources", column("looped", sa.Boolean(), sa.false())),
        ("sources", column("paused", sa.Boolean(), sa.false())),
        ("sources", column("revision", sa.Integer(), "0")),
        ("sources", column("removed_at", sa.BigInteger())),
        ("sources", column("claimed_by", sa.String(length=128))),
        ("sources", column("claim_expires_at", sa.BigInteger())),
        ("run_state", column("broker_lost", sa.BigInteger(), "0")),
    ]


def upgrade() -> None:
    # One ALTER TABLE each: a batch would recreate tables that foreign keys refer to.
    for table, column in _added():
        op.add_column(table, column)
    op.create_table(
        "source_states",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_pk", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source_pk"], ["sources.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_source_states_source_since", "source_states", ["source_pk", "since"])


def downgrade() -> None:
    op.drop_index("ix_source_states_source_since", table_name="source_states")
    op.drop_table("source_states")
    for table, column in reversed(_added()):
        op.drop_column(table, column.name)
