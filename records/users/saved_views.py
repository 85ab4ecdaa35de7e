"""Saved views of Trends: each user's own, and those that administrators share with all.

owner: the name of the signed-in user; "" where nobody signs in.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from contracts.errors import NotAllowedError, ViewError
from contracts.times import utc_now
from records.audit import write_audit_entry
from records.audit_actions import Action
from records.database import reading, transaction
from records.tables.saved_views import DefaultView, SavedView
from records.upsert import upsert

MAX_VIEWS: Final = 100
"""Views of one user."""
MAX_NAME_LENGTH: Final = 80
MAX_QUERY_LENGTH: Final = 8192


@dataclass(frozen=True, slots=True)
class ViewSummary:
    """A saved view. query: of its address. mine: whether the user saved it."""

    id: int
    name: str
    query: str
    owner: str
    mine: bool
    shared: bool
    is_default: bool


@dataclass(frozen=True, slots=True)
class ViewUser:
    """The user who changes views. admin: may share views, and change those that are shared."""

    owner: str
    admin: bool
    actor: str


def list_views(engine: Engine, owner: str) -> Sequence[ViewSummary]:
    """Return the user's own and the shared views, by name."""
    with reading(engine) as connection:
        default = _default_pk(connection, owner)
        rows = connection.execute(select(SavedView.__table__).where(_visible_to(owner))).all()
    views = [
        ViewSummary(
            row.id,
            row.name,
            row.query,
            row.owner,
            row.owner == owner,
            row.shared,
            row.id == default,
        )
        for row in rows
    ]
    return sorted(views, key=lambda one: (one.name.casefold(), one.owner))


def default_query(engine: Engine, owner: str) -> str:
    """Return the query of the view that Trends opens with; "" for none."""
    with reading(engine) as connection:
        found = connection.execute(
            select(SavedView.query)
            .join(DefaultView, DefaultView.view_pk == SavedView.id)
            .where(DefaultView.owner == owner, _visible_to(owner))
        ).scalar()
    return found or ""


def save_view(engine: Engine, user: ViewUser, name: str, query: str) -> int:
    """Save a view of the user's own, and return its number.

    Raises ViewError if the name is invalid or taken, the query is too long, or there are MAX_VIEWS.
    """
    name = _checked_name(name)
    _check_length(query)
    with _naming(engine, name) as connection:
        _check_free(connection, user.owner, name)
        own = select(func.count()).where(SavedView.owner == user.owner)
        if connection.execute(own).scalar_one() >= MAX_VIEWS:
            raise ViewError(f"there are {MAX_VIEWS} saved views already", hint="Delete one of them")
        values = {"owner": user.owner, "name": name, "query": query, "created_at": utc_now()}
        return connection.execute(
            insert(SavedView).values(shared=False, **values).returning(SavedView.id)
        ).scalar_one()


def rename_view(engine: Engine, user: ViewUser, view: int, name: str) -> None:
    """Rename a view. Raises ViewError and NotAllowedError."""
    name = _checked_name(name)
    with _naming(engine, name) as connection:
        row = _changeable(connection, user, view)
        if row.name != name:
            _check_free(connection, row.owner, name)
            _update(connection, view, name=name)


def replace_view(engine: Engine, user: ViewUser, view: int, query: str) -> None:
    """Give a view another query. Raises ViewError and NotAllowedError."""
    if len(query) > MAX_QUERY_LENGTH:
        raise ViewError(
            "the view has too many sources to be saved", hint="Choose fewer sources, or a tag"
        )
    with transaction(engine) as connection:
        _changeable(connection, user, view)
        _update(connection, view, query=query)


def share_view(engine: Engine, user: ViewUser, view: int, *, shared: bool) -> None:
    """Show a view to all users, or to the one who saved it only. It needs an administrator.

    Raises ViewError and NotAllowedError.
    """
    if not user.admin:
        raise NotAllowedError(
            "only administrators share views", hint="Ask an administrator, or send the link"
        )
    with transaction(engine) as connection:
        row = _changeable(connection, user, view)
        if row.shared == shared:
            return
        _update(connection, view, shared=shared)
        if not shared:
            connection.execute(
                delete(DefaultView).where(
                    DefaultView.view_pk == view, DefaultView.owner != row.owner
                )
            )
        action = Action.VIEW_SHARED if shared else Action.VIEW_UNSHARED
        write_audit_entry(connection, user.actor, action, {"view": row.name, "owner": row.owner})


def delete_view(engine: Engine, user: ViewUser, view: int) -> None:
    """Delete a view. Raises ViewError and NotAllowedError."""
    with transaction(engine) as connection:
        row = _changeable(connection, user, view)
        _delete_views(connection, [view])
        if row.shared:
            details = {"view": row.name, "owner": row.owner, "deleted": True}
            write_audit_entry(connection, user.actor, Action.VIEW_UNSHARED, details)


def set_default_view(engine: Engine, user: ViewUser, view: int | None) -> None:
    """Choose the view that Trends opens with for this user; None: the last 24 hours.

    Raises ViewError if the user sees no such view.
    """
    with transaction(engine) as connection:
        if view is None:
            connection.execute(delete(DefaultView).where(DefaultView.owner == user.owner))
            return
        _seen(connection, user.owner, view)
        connection.execute(
            upsert(connection, DefaultView)
            .values(owner=user.owner, view_pk=view)
            .on_conflict_do_update(index_elements=["owner"], set_={"view_pk": view})
        )


def forget_views(connection: Connection, owner: str) -> None:
    """Delete what a removed user saved. Shared views stay."""
    connection.execute(delete(DefaultView).where(DefaultView.owner == owner))
    own = select(SavedView.id).where(SavedView.owner == owner, SavedView.shared.is_(False))
    _delete_views(connection, connection.execute(own).scalars().all())


def _visible_to(owner: str) -> Any:
    return or_(SavedView.owner == owner, SavedView.shared.is_(True))


def _default_pk(connection: Connection, owner: str) -> int | None:
    return connection.execute(
        select(DefaultView.view_pk).where(DefaultView.owner == owner)
    ).scalar()


def _seen(connection: Connection, owner: str, view: int) -> Row[Any]:
    row = connection.execute(
        select(SavedView.__table__).where(SavedView.id == view, _visible_to(owner))
    ).first()
    if row is None:
        raise ViewError("this view does not exist any more", hint="Reload the page")
    return row


def _changeable(connection: Connection, user: ViewUser, view: int) -> Row[Any]:
    """Return a view that the user may change: their own, or as an administrator a shared one."""
    row = _seen(connection, user.owner, view)
    if row.owner != user.owner and not user.admin:
        raise NotAllowedError(
            f"the view “{row.name}” is shared by {row.owner}: only administrators change it",
            hint="Save it under another name",
        )
    return row


@contextmanager
def _naming(engine: Engine, name: str) -> Iterator[Connection]:
    """Open a transaction that gives this name, which another one may take meanwhile."""
    try:
        with transaction(engine) as connection:
            yield connection
    except IntegrityError as exc:
        raise _taken(name) from exc


def _check_free(connection: Connection, owner: str, name: str) -> None:
    taken = select(SavedView.id).where(SavedView.owner == owner, SavedView.name == name)
    if connection.execute(taken).first() is not None:
        raise _taken(name)


def _taken(name: str) -> ViewError:
    return ViewError(f"there is a view “{name}” already", hint="Choose another name")


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        raise ViewError(
            "invalid name of a view", hint=f"Use 1 to {MAX_NAME_LENGTH} printable characters"
        )
    return name


def _check_length(query: str) -> None:
    if len(query) > MAX_QUERY_LENGTH:
        raise ViewError(
            "the view has too many sources to be saved", hint="Choose fewer sources, or a tag"
        )


def _update(connection: Connection, view: int, **values: object) -> None:
    connection.execute(update(SavedView).where(SavedView.id == view).values(**values))


def _delete_views(connection: Connection, views: Sequence[int]) -> None:
    connection.execute(delete(DefaultView).where(DefaultView.view_pk.in_(views)))
    connection.execute(delete(SavedView).where(SavedView.id.in_(views)))
