"""The routes by which admins manage users: list, add, change and remove them."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from contracts.errors import UserError
from dashboard.web.json_values import json_values
from records.users.accounts import add_user, list_users, remove_user, set_password, set_role
from records.users.passwords import MAX_PASSWORD_LENGTH
from records.users.second_factor import remove_second_factor
from serving.access import Account, Role, require_role
from serving.backend import Backend

Name = Annotated[str, Field(max_length=64)]
Password = Annotated[str, Field(max_length=MAX_PASSWORD_LENGTH)]


class UserName(BaseModel):
    """A user."""

    name: Name


class NewRole(UserName):
    """A user and a role."""

    role: Role


class NewPassword(UserName):
    """A user and a password."""

    password: Password


class NewUser(NewRole):
    """A user to add."""

    password: Password


def user_routes(backend: Backend) -> APIRouter:
    """Return GET users, and POST users with users/role, password, code and remove."""
    router = APIRouter()
    engine = backend.engine

    @router.get("/users")
    def users() -> dict[str, Any]:
        account = require_role(Role.ADMIN)
        return {"users": json_values(list_users(engine)), "own": account.name}

    @router.post("/users")
    async def add(asked: NewUser) -> dict[str, bool]:
        actor = require_role(Role.ADMIN).actor
        await backend.password_checks.run(
            actor, add_user, engine, asked.name, asked.role, asked.password, actor=actor
        )
        return {"added": True}

    @router.post("/users/password")
    async def password(asked: NewPassword) -> dict[str, bool]:
        actor = _admin_of_others(asked.name).actor
        await backend.password_checks.run(
            actor, set_password, engine, asked.name, asked.password, actor=actor
        )
        return {"changed": True}

    @router.post("/users/role")
    def role(asked: NewRole) -> dict[str, bool]:
        set_role(engine, asked.name, asked.role, actor=_admin_of_others(asked.name).actor)
        return {"changed": True}

    @router.post("/users/code")
    def code(asked: UserName) -> dict[str, bool]:
        remove_second_factor(engine, asked.name, actor=_admin_of_others(asked.name).actor)
        return {"removed": True}

    @router.post("/users/remove")
    def remove(asked: UserName) -> dict[str, bool]:
        remove_user(engine, asked.name, actor=_admin_of_others(asked.name).actor)
        return {"removed": True}

    return router


def _admin_of_others(name: str) -> Account:
    """Return the admin's account. Raises UserError for a change to the admin's own user.

    An admin who removes or demotes the own user by mistake could leave no admin behind.
    """
    account = require_role(Role.ADMIN)
    if account.name and account.name == name.strip().lower():
        raise UserError(
            "you cannot change your own user here",
            hint="Change your password on the page Your account; ask another admin for the rest",
        )
    return account
