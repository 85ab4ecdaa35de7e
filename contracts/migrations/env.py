"""Alembic's entry: runs on the connection that contracts.database hands over."""

from alembic import context

from contracts import history  # noqa: F401  (its tables belong to Base)
from contracts.records import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
