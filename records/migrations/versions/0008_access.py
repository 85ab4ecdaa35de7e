"""Access: sessions that their user sees, second factors, and who did what in the audit."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_to_users()
    _add_to_audit()
    _add_to_uploads()


def downgrade() -> None:
    _remove_from_uploads()
    _remove_from_audit()
    _remove_from_users()


def _add_to_users() -> None:
    pass


def _remove_from_users() -> None:
    pass


def _add_to_audit() -> None:
    address: sa.Column[str] = sa.Column(
        "address", sa.String(length=64), server_default="", nullable=False
    )
    op.add_column("audit", address)


def _remove_from_audit() -> None:
    op.drop_column("audit", "address")


def _add_to_uploads() -> None:
    pass


def _remove_from_uploads() -> None:
    pass
