"""The base class of all tables, and the column type of times.

A `Mapped[datetime]` column stores UTC microseconds. Columns named `start`, and those that end in
`_us`, hold the same number as a plain integer.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from contracts.times import from_micros, to_micros


class UtcMicros(TypeDecorator[datetime]):
    """A UTC-aware datetime, stored as integer microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


class Base(DeclarativeBase):
    """The base class of all tables."""

    type_annotation_map = {datetime: UtcMicros}  # noqa: RUF012  (SQLAlchemy's own interface)
