"""Alembic's entry point. It runs on the connection that `records.schema` passes in."""

from alembic import context

from records.tables.base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
