"""The base class of all tables, and the column type of times."""

from datetime import datetime

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from contracts.times import from_micros, to_micros


class UtcMicros(TypeDecorator[datetime]):
    """A UTC-aware datetime, kept as integer microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


class Base(DeclarativeBase):
    """All tables of moodline."""

    type_annotation_map = {datetime: UtcMicros}  # noqa: RUF012
