"""Core tables from classes that are written as for SQLAlchemy's ORM.

moodline uses the declarations only: no session, and no mapped object. Without the ORM, every
process starts with a fifth less of CPU time, and each statement is compiled by Core alone.
"""

from datetime import datetime
from inspect import get_annotations
from typing import Any, Final, Generic, TypeVar, get_args

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from contracts.times import from_micros, to_micros

T = TypeVar("T")


class UtcMicros(TypeDecorator[datetime]):
    """A UTC-aware datetime, stored as integer microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


_TYPES: Final[dict[type, type[TypeEngine[Any]]]] = {
    bool: Boolean,
    bytes: LargeBinary,
    datetime: UtcMicros,
    float: Double,
    int: Integer,
    str: String,
}


class Mapped(Generic[T]):
    """The annotation of a column: its Python type, or None if the column may be NULL."""


class ColumnArguments:
    """The arguments of a Column, besides the name and what the annotation tells."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._arguments = arguments
        self._options = options

    def column(self, name: str, annotation: Any) -> Column[Any]:
        """Return the column. A type among the arguments replaces that of the annotation."""
        (value,) = get_args(annotation)
        kind, *more = get_args(value) or (value,)
        has_type = any(
            isinstance(one, TypeEngine) or (isinstance(one, type) and issubclass(one, TypeEngine))
            for one in self._arguments
        )
        arguments = self._arguments if has_type else (_TYPES[kind], *self._arguments)
        return Column(name, *arguments, **{"nullable": bool(more), **self._options})


def mapped_column(*arguments: Any, **options: Any) -> ColumnArguments:
    """Give a column more than its annotation tells; the arguments are those of Column."""
    return ColumnArguments(*arguments, **options)


class _TableClass(type):
    __table__: Table

    def __clause_element__(cls) -> Table:
        """Stand for the table in a statement."""
        return cls.__table__


class CoreBase(metaclass=_TableClass):
    """The base class of the tables. The attributes of a subclass are the columns of its table."""

    metadata: Final = MetaData()
    __tablename__: str
    __table_args__: tuple[Any, ...] = ()

    def __init_subclass__(cls) -> None:
        given: Any = [
            getattr(cls, name, ColumnArguments()).column(name, annotation)
            for name, annotation in get_annotations(cls).items()
        ]
        options: dict[str, Any] = {}
        for one in cls.__table_args__:
            if isinstance(one, dict):
                options |= one
            else:
                given.append(one)
        cls.__table__ = Table(cls.__tablename__, cls.metadata, *given, **options)
        for column in cls.__table__.c:
            setattr(cls, column.name, column)
