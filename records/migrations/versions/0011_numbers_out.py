"""Numbers out: tokens of the API."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_api_tokens()
    _add_api_requests()
    _add_markers()
    _add_exports()
    _add_saved_views()
    _add_alerts()
    _add_kept_days()


def downgrade() -> None:
    _remove_kept_days()
    _remove_alerts()
    _remove_saved_views()
    _remove_exports()
    _remove_markers()
    _remove_api_requests()
    _remove_api_tokens()


def _add_api_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("limited", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("used_from", sa.String(64), server_default="", nullable=False),
    )
    op.create_table(
        "api_token_sources",
        sa.Column(
            "token_pk",
            sa.Integer(),
            sa.ForeignKey("api_tokens.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column(
            "source_pk",
            sa.Integer(),
            sa.ForeignKey("sources.id", ondelete="CASCADE"),
            primary_key=True,
        ),
    )


def _remove_api_tokens() -> None:
    op.drop_table("api_token_sources")
    op.drop_table("api_tokens")


def _add_api_requests() -> None:
    op.create_table(
        "api_requests",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
    )
    op.create_index("ix_api_requests_begun_at", "api_requests", ["begun_at"])


def _remove_api_requests() -> None:
    op.drop_table("api_requests")


def _add_markers() -> None:
    op.create_table(
        "markers",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("marker_id", sa.String(24), nullable=False, unique=True),
        sa.Column(
            "source_pk",
            sa.Integer(),
            sa.ForeignKey("sources.id", ondelete="CASCADE"),
            nullable=True,
        ),
        sa.Column("begin_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), server_default="[]", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
    )
    op.create_index("ix_markers_begin_at", "markers", ["begin_at", "id"])
    op.create_index("ix_markers_source_pk", "markers", ["source_pk"])


def _remove_markers() -> None:
    op.drop_table("markers")


def _add_exports() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("erasure", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("claimed_by", sa.String(128), nullable=True),
        sa.Column("claim_expires_at", sa.BigInteger(), nullable=True),
    )
    op.create_index("ix_exports_owner", "exports", ["owner", "created_at"])
    op.create_index("ix_exports_state", "exports", ["state"])


def _remove_exports() -> None:
    op.drop_table("exports")


def _add_saved_views() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_saved_views_owner", "saved_views", ["owner", "name"], unique=True)
    op.create_table(
        "default_views",
        sa.Column("owner", sa.String(64), primary_key=True),
        sa.Column(
            "view_pk",
            sa.Integer(),
            sa.ForeignKey("saved_views.id", ondelete="CASCADE"),
            nullable=False,
        ),
    )


def _remove_saved_views() -> None:
    op.drop_table("default_views")
    op.drop_index("ix_saved_views_owner", "saved_views")
    op.drop_table("saved_views")


def _add_alerts() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
        sa.Column("evaluated_until", sa.BigInteger(), nullable=False),
        sa.Column("muted_until", sa.BigInteger(), nullable=True),
        sa.Column("muted_by", sa.String(128), nullable=False),
    )
    op.create_table(
        "alert_states",
        sa.Column(
            "rule_pk",
            sa.Integer(),
            sa.ForeignKey("alert_rules.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("subject", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("event_pk", sa.Integer(), nullable=True),
        sa.Column("breached_since", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("fired_at", sa.BigInteger(), nullable=True),
    )
    _add_alert_events()
    _add_alert_outbox()


def _add_alert_events() -> None:
    op.create_table(
        "alert_events",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("message_id", sa.String(64), nullable=False, unique=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("rule_pk", sa.Integer(), nullable=False),
        sa.Column("rule_name", sa.String(64), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("subject", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(512), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Integer(), nullable=True),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.String(128), nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("rule_pk", "subject", "kind", "at", name="uq_alert_events_once"),
    )
    op.create_index("ix_alert_events_at", "alert_events", ["at"])
    op.create_index("ix_alert_events_open", "alert_events", ["kind", "resolved_at"])
    op.create_index("ix_alert_events_subject", "alert_events", ["subject", "at"])


def _add_alert_outbox() -> None:
    op.create_table(
        "alert_targets",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("shown_address", sa.Text(), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=False),
        sa.Column("holder", sa.String(128), nullable=True),
        sa.Column("held_until", sa.BigInteger(), nullable=True),
    )
    op.create_table(
        "alert_deliveries",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "target_pk",
            sa.Integer(),
            sa.ForeignKey("alert_targets.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column(
            "event_pk",
            sa.Integer(),
            sa.ForeignKey("alert_events.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.UniqueConstraint("target_pk", "event_pk", name="uq_alert_deliveries_once"),
    )
    op.create_index("ix_alert_deliveries_next", "alert_deliveries", ["state", "target_pk", "id"])
    op.create_index("ix_alert_deliveries_event", "alert_deliveries", ["event_pk"])


def _remove_alerts() -> None:
    for name in ("deliveries", "targets", "events", "states", "rules"):
        op.drop_table(f"alert_{name}")


def _add_kept_days() -> None:
    op.create_table(
        "kept_days",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("days", sa.Integer(), nullable=False),
    )


def _remove_kept_days() -> None:
    op.drop_table("kept_days")
