"""The base class of all tables, and how a table is declared.

Type checkers see the classes of SQLAlchemy's ORM, which type each column by its annotation. At run
time they make Core tables (core_tables.py).

A `Mapped[datetime]` column stores UTC microseconds. Columns named `start`, and those that end in
`_us`, hold the same number as a plain integer.
"""

from typing import TYPE_CHECKING

from records.tables.core_tables import UtcMicros

if TYPE_CHECKING:
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

    class Base(DeclarativeBase):
        """The base class of all tables."""

else:
    from records.tables.core_tables import CoreBase as Base
    from records.tables.core_tables import Mapped, mapped_column

__all__ = ["Base", "Mapped", "UtcMicros", "mapped_column"]
