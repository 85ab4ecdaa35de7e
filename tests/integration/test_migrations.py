"""The schema goes up, down and up again, on both databases, and equals the tables in the code."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect

from contracts.database import downgrade, open_engine, revisions, schema_revision, upgrade
from contracts.errors import DatabaseError
from contracts.records import Base


def ours(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_up_and_down_through_every_revision(database_url: str) -> None:
    engine = open_engine(database_url)
    upgrade(engine)
    assert ours(engine) == set(Base.metadata.tables)
    for revision in [*revisions()[1:], "base"]:
        downgrade(engine, revision)
        assert (schema_revision(engine) or "base") == revision
    assert ours(engine) == set()
    upgrade(engine)
    assert ours(engine) == set(Base.metadata.tables)
    assert schema_revision(engine) == revisions()[0]
    engine.dispose()


def test_the_migrations_make_what_the_code_says(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_an_unknown_revision_is_one_line(engine: Engine) -> None:
    with pytest.raises(DatabaseError, match="9999"):
        downgrade(engine, "9999")
    assert schema_revision(engine) == revisions()[0]
