"""Targets of alerts: those of MQTT and Apprise that the owner of this host named."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _allow_named_targets()


def downgrade() -> None:
    """Nothing: schema 0011 does not look at it."""


def _allow_named_targets() -> None:
    # Until now only the command line and files made them.
    op.execute("UPDATE alert_targets SET private = true WHERE kind IN ('mqtt', 'apprise')")
