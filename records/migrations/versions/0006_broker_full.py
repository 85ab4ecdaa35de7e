"""Frames dropped because the broker was full, apart from those that a newer one replaced."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = ("run_minutes", "rollups")


def upgrade() -> None:
    for table in _TABLES:
        column: sa.Column[int] = sa.Column(
            "broker_full", sa.BigInteger(), nullable=False, server_default="0"
        )
        op.add_column(table, column)


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "broker_full")
