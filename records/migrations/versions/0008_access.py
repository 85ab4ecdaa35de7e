"""Access: sessions that their user sees, second factors, and who did what in the audit."""

import sqlalchemy as sa
from alembic import op

from contracts.redaction import redact

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_to_users()
    _add_to_audit()
    _add_to_runs()
    _add_broker_key()
    _redact_camera_addresses()


def downgrade() -> None:
    op.drop_table("broker_key")
    _remove_from_runs()
    _remove_from_audit()
    _remove_from_users()


def _add_to_users() -> None:
    for column in _second_factor():
        op.add_column("users", column)
    for column in _session_places():
        op.add_column("user_sessions", column)


def _remove_from_users() -> None:
    for column in _second_factor():
        op.drop_column("users", column.name)
    for column in _session_places():
        op.drop_column("user_sessions", column.name)


def _second_factor() -> list["sa.Column[str] | sa.Column[int]"]:
    return [
        sa.Column("code_secret", sa.Text(), server_default="", nullable=False),
        sa.Column("code_since", sa.BigInteger(), nullable=True),
        sa.Column("code_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recovery_codes", sa.Text(), server_default="", nullable=False),
    ]


def _session_places() -> list["sa.Column[str]"]:
    return [
        sa.Column("address", sa.String(length=64), server_default="", nullable=False),
        sa.Column("browser", sa.String(length=64), server_default="", nullable=False),
    ]


def _add_to_audit() -> None:
    address: sa.Column[str] = sa.Column(
        "address", sa.String(length=64), server_default="", nullable=False
    )
    op.add_column("audit", address)
    op.create_index("ix_audit_action", "audit", ["action", "id"])


def _remove_from_audit() -> None:
    op.drop_index("ix_audit_action", "audit")
    op.drop_column("audit", "address")


def _add_to_runs() -> None:
    file_state: sa.Column[str] = sa.Column("file_state", sa.String(length=64), nullable=True)
    op.add_column("runs", file_state)


def _remove_from_runs() -> None:
    op.drop_column("runs", "file_state")


def _add_broker_key() -> None:
    op.create_table(
        "broker_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _redact_camera_addresses() -> None:
    """Keep no more than the host of cameras' addresses, in what earlier versions showed to people.

    Their paths and parameters can hold secrets. There is no way back.
    """
    connection = op.get_bind()
    for table, name, begin in (
        ("sources", "shown_uri", ""),
        ("runs", "uri", ""),
        ("runs", "error", "%"),
        ("source_states", "reason", "%"),
    ):
        column: sa.ColumnClause[str] = sa.column(name)
        rows = sa.table(table, column)
        is_camera = column.like(f"{begin}rtsp%://%") | column.like(f"{begin}http%://%")
        for (text,) in connection.execute(sa.select(column).distinct().where(is_camera)).all():
            if (redacted := redact(text)) != text:
                change = sa.update(rows).where(column == text).values({name: redacted})
                connection.execute(change)
