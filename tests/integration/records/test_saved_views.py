"""Saved views of Trends, on SQLite and PostgreSQL."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from analytics.audit import audit_entries
from analytics.snapshots import in_snapshot
from contracts.errors import NotAllowedError, ViewError
from records.users.accounts import add_user, remove_user
from records.users.roles import Role
from records.users.saved_views import (
    MAX_NAME_LENGTH,
    MAX_QUERY_LENGTH,
    MAX_VIEWS,
    ViewUser,
    default_query,
    delete_view,
    list_views,
    rename_view,
    replace_view,
    save_view,
    set_default_view,
    share_view,
)

ADA, ROOT, VIC = (ViewUser(name, name != "vic", name) for name in ("ada", "root", "vic"))
WEEK = "?from=now-7d&to=now&mode=share"


def names(engine: Engine, user: ViewUser) -> Sequence[str]:
    return [one.name for one in list_views(engine, user.owner)]


def test_a_view_is_seen_by_its_owner_alone_until_it_is_shared(engine: Engine) -> None:
    mine = save_view(engine, ADA, "  Lobby,   weekly ", WEEK)
    save_view(engine, VIC, "lobby", "?mode=lines")
    (one,) = list_views(engine, "ada")
    assert (one.name, one.query, one.mine, one.shared) == ("Lobby, weekly", WEEK, True, False)
    assert names(engine, VIC) == ["lobby"]
    share_view(engine, ADA, mine, shared=True)
    assert names(engine, VIC) == ["lobby", "Lobby, weekly"]
    assert [one.mine for one in list_views(engine, "vic")] == [True, False]
    share_view(engine, ROOT, mine, shared=False)
    assert names(engine, VIC) == ["lobby"] and names(engine, ADA) == ["Lobby, weekly"]
    entries = in_snapshot(engine, audit_entries, limit=10)
    assert [(one.actor, one.action) for one in reversed(entries)] == [
        ("ada", "view of Trends shared"),
        ("root", "view of Trends no longer shared"),
    ]


def test_only_administrators_share_views_and_change_those_of_others(engine: Engine) -> None:
    shared = save_view(engine, ADA, "Lobby", WEEK)
    private = save_view(engine, ADA, "Mine", WEEK)
    share_view(engine, ADA, shared, shared=True)
    own = save_view(engine, VIC, "Own", WEEK)
    with pytest.raises(NotAllowedError, match="only administrators share"):
        share_view(engine, VIC, own, shared=True)
    for change in (
        lambda: rename_view(engine, VIC, shared, "Taken over"),
        lambda: replace_view(engine, VIC, shared, "?mode=lines"),
        lambda: delete_view(engine, VIC, shared),
    ):
        with pytest.raises(NotAllowedError, match="shared by ada"):
            change()
    for user in (VIC, ROOT):  # A private view does not even exist for others.
        with pytest.raises(ViewError, match="does not exist"):
            rename_view(engine, user, private, "Read")
        with pytest.raises(ViewError, match="does not exist"):
            set_default_view(engine, user, private)
    rename_view(engine, ROOT, shared, "Entrance")
    replace_view(engine, ROOT, shared, "?mode=lines")
    assert [(one.name, one.query) for one in list_views(engine, "vic")] == [
        ("Entrance", "?mode=lines"),
        ("Own", WEEK),
    ]
    delete_view(engine, ROOT, shared)
    assert names(engine, ADA) == ["Mine"]


def test_the_default_is_each_users_own_and_goes_with_the_view(engine: Engine) -> None:
    shared = save_view(engine, ADA, "Lobby", WEEK)
    share_view(engine, ADA, shared, shared=True)
    other = save_view(engine, VIC, "Other", "?mode=lines")
    for user in (ADA, VIC):
        set_default_view(engine, user, shared)
    assert default_query(engine, "vic") == WEEK
    set_default_view(engine, VIC, other)
    assert (default_query(engine, "vic"), default_query(engine, "ada")) == ("?mode=lines", WEEK)
    assert [one.name for one in list_views(engine, "vic") if one.is_default] == ["Other"]
    set_default_view(engine, VIC, shared)
    share_view(engine, ROOT, shared, shared=False)
    assert (default_query(engine, "vic"), default_query(engine, "ada")) == ("", WEEK)
    set_default_view(engine, ADA, None)
    assert default_query(engine, "ada") == ""
    set_default_view(engine, ADA, shared)
    delete_view(engine, ADA, shared)
    assert default_query(engine, "ada") == "" and names(engine, ADA) == []


@pytest.mark.parametrize("name", ["", "  ", "x" * (MAX_NAME_LENGTH + 1), "a\x1b[2J", "\u202eabc"])
def test_a_name_is_short_and_printable(engine: Engine, name: str) -> None:
    with pytest.raises(ViewError, match="invalid name"):
        save_view(engine, ADA, name, WEEK)


def test_names_are_unique_and_views_are_bounded(engine: Engine) -> None:
    first = save_view(engine, ADA, "1", WEEK)
    with pytest.raises(ViewError, match="there is a view “1” already"):
        save_view(engine, ADA, " 1", WEEK)
    second = save_view(engine, ADA, "2", WEEK)
    with pytest.raises(ViewError, match="there is a view “1” already"):
        rename_view(engine, ADA, second, "1")
    rename_view(engine, ADA, first, "1")
    for query in ("?" + "x" * MAX_QUERY_LENGTH,):
        with pytest.raises(ViewError, match="too many sources"):
            save_view(engine, ADA, "long", query)
    for number in range(3, MAX_VIEWS + 1):
        save_view(engine, ADA, str(number), WEEK)
    with pytest.raises(ViewError, match=f"{MAX_VIEWS} saved views"):
        save_view(engine, ADA, "one more", WEEK)
    save_view(engine, VIC, "1", WEEK)


def test_the_views_of_a_removed_user_go_and_shared_ones_stay(engine: Engine) -> None:
    add_user(engine, "ada", Role.ADMIN, "correct horse battery", actor="test")
    shared, private = (save_view(engine, ADA, name, WEEK) for name in ("Lobby", "Mine"))
    share_view(engine, ADA, shared, shared=True)
    set_default_view(engine, ADA, private)
    remove_user(engine, "ada", actor="test")
    assert names(engine, VIC) == ["Lobby"]
    assert names(engine, ADA) == ["Lobby"] and default_query(engine, "ada") == ""
