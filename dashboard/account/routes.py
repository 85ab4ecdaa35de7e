"""The routes of the page Your account. Each works on the signed-in user only."""

from typing import Annotated, Any, Final

import segno
from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from contracts.errors import NotAllowedError, UserError
from dashboard.web.json_values import json_values
from dashboard.web.sign_in.session_watch import keep_answer
from dashboard.web.sign_in.throttle import Throttle
from records.sources.sealing import Sealer
from records.users.accounts import OWNER, AuthenticatedUser, authenticate, set_password
from records.users.passwords import MAX_PASSWORD_LENGTH
from records.users.second_factor import (
    PURPOSE,
    begin_second_factor,
    confirm_second_factor,
    remove_second_factor,
    second_factor,
)
from records.users.sessions import end_other_sessions, end_session, list_sessions
from serving.access import Account, current_account
from serving.backend import Backend

_WRONG_WAIT_S: Final = 60.0
_QR_SCALE: Final = 4
_ANSWERED: Final = [Depends(keep_answer)]

Password = Annotated[str, Field(max_length=MAX_PASSWORD_LENGTH)]
ShortText = Annotated[str, Field(max_length=64)]


class PasswordChange(BaseModel):
    """A new password, with the current one: an unattended browser must not change it."""

    current: Password
    new: Password


class CurrentPassword(BaseModel):
    """The current password."""

    current: Password


class Code(BaseModel):
    """A code of the authenticator app."""

    code: ShortText


class SessionChoice(BaseModel):
    """A session of the user by its id; "" for all but the one of the request."""

    session: ShortText = ""


def routes(backend: Backend) -> APIRouter:
    """Return GET "", and POST password, sessions/end and second-factor with its two steps."""
    router = APIRouter()
    checks = _OwnPassword(backend)
    sealer = Sealer(backend.settings.secret_key, backend.settings.home_path)

    @router.get("")
    def overview() -> dict[str, Any]:
        return _overview(backend)

    @router.post("/password", dependencies=_ANSWERED)
    async def password(asked: PasswordChange) -> dict[str, bool]:
        account, _ = _with_password()
        await checks.require(account, asked.current)
        await backend.password_checks.run(
            account.name,
            set_password,
            backend.engine,
            account.name,
            asked.new,
            actor=account.actor,
            keep_session=account.session,
        )
        return {"changed": True}

    @router.post("/sessions/end", dependencies=_ANSWERED)
    def end(asked: SessionChoice) -> dict[str, int]:
        account, user = _signed_in()
        if asked.session:
            return {"ended": int(end_session(backend.engine, user, asked.session))}
        return {"ended": end_other_sessions(backend.engine, user, account.session)}

    @router.post("/second-factor")
    async def begin(asked: CurrentPassword) -> dict[str, str]:
        account, pk = _with_password()
        await checks.require(account, asked.current)
        cipher = sealer.cipher(PURPOSE)
        enrolment = await run_in_threadpool(begin_second_factor, backend.engine, pk, cipher)
        code = segno.make(enrolment.uri, micro=False)
        picture = code.svg_data_uri(scale=_QR_SCALE, dark="#000", light="#fff")
        return {"secret": enrolment.secret, "uri": enrolment.uri, "picture": picture}

    @router.post("/second-factor/confirm", dependencies=_ANSWERED)
    def confirm(asked: Code) -> dict[str, list[str]]:
        _, pk = _with_password()
        cipher = sealer.cipher(PURPOSE)
        return {"codes": confirm_second_factor(backend.engine, pk, asked.code, cipher)}

    @router.post("/second-factor/remove", dependencies=_ANSWERED)
    async def remove(asked: CurrentPassword) -> dict[str, bool]:
        account, _ = _with_password()
        await checks.require(account, asked.current)
        await run_in_threadpool(
            remove_second_factor, backend.engine, account.name, actor=account.actor
        )
        return {"removed": True}

    return router


class _OwnPassword:
    """Checks that the person at the browser knows the user's password."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._wrong = Throttle(_WRONG_WAIT_S)

    async def require(self, account: Account, password: str) -> None:
        """Raise UserError if the password is wrong, or was wrong too often."""
        if (wait_s := self._wrong.wait_s(account.name)) > 0:
            raise UserError(f"too many wrong passwords. Try again in {int(wait_s) + 1} s")
        user = await self._backend.password_checks.run(
            account.name, authenticate, self._backend.engine, account.name, password
        )
        if user is None:
            self._wrong.fail(account.name)
            raise UserError("the current password is wrong")
        self._wrong.succeed(account.name)


def _overview(backend: Backend) -> dict[str, Any]:
    """Return the account's name, role, second factor and sessions, the current one marked.

    The name is "" where nobody signs in.
    """
    account, user = current_account(), current_account().user
    if user is None:
        return {"name": "", "sessions": []}
    sessions = [
        {**json_values(one), "current": one.id == account.session}
        for one in list_sessions(backend.engine, user)
    ]
    code = second_factor(backend.engine, user.pk) if user.pk is not None else None
    return {
        "name": account.name,
        "role": account.role,
        "has_password": user.pk is not None,
        "second_factor": json_values(code) if code is not None else None,
        "sessions": sessions,
    }


def _signed_in() -> tuple[Account, AuthenticatedUser]:
    account = current_account()
    if account.user is None:
        raise NotAllowedError("nobody signs in to this dashboard, so there are no accounts")
    return account, account.user


def _with_password() -> tuple[Account, int]:
    """Return the account and the user's key. Raises NotAllowedError without a stored password."""
    account, user = _signed_in()
    if user.pk is None:
        where = (
            "the owner signs in by a link"
            if user.name == OWNER
            else "its password is MOODLINE_DASHBOARD_PASSWORD"
        )
        raise NotAllowedError(f"{user.name} has no password to change here: {where}")
    return account, user.pk
