"""The gate: who a request is from, and whether a password, a code or a link signs a person in."""

import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import anyio
import structlog
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Engine
from starlette.datastructures import Headers

from contracts.errors import DatabaseError, SettingsError, UserError
from contracts.settings import Settings
from dashboard.language.core.recognition import known
from dashboard.language.words import _
from dashboard.web.audit.sign_ins import SignInAudit
from dashboard.web.compression import STATIC_PATHS
from dashboard.web.sign_in.cookies import cookie_value, session_cookie
from dashboard.web.sign_in.known_devices import KnownDevices
from dashboard.web.sign_in.session_watch import SessionWatch, keep_answer
from dashboard.web.sign_in.spare_sessions import SpareSessions
from dashboard.web.sign_in.throttle import Throttle
from dashboard.web.sign_in.visitor import Visitor
from records.sources.sealing import Sealer
from records.users.accounts import OWNER, AuthenticatedUser, authenticate, unchanged_user
from records.users.owner_links import use_link
from records.users.second_factor import PURPOSE, check_code
from records.users.sessions import (
    THE_OWNER,
    close_session,
    open_session,
    session_digest,
    session_user,
    session_users,
)
from serving.access import Account
from serving.password_checks import PasswordChecks

log = structlog.get_logger()

_OPEN: Final = ("login", "language")
_CACHE_S: Final = 1.0
_CACHE_ENTRIES: Final = 1000
_NAME_WAIT_S: Final = 60.0
_ADDRESS_WAIT_S: Final = 900.0
_CODE_WAIT_S: Final = 900.0
_TICKET: Final = "sign-in ticket"
_TICKET_S: Final = 300

Throttles = list[tuple[Throttle, str]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of a sign-in.

    Either `token`, that of a session, with `device`, the cookie of a known device; or `ticket`,
    with which the code of the second factor is to be sent; or an error, and the seconds to wait.
    """

    token: str = ""
    device: str = ""
    ticket: str = ""
    error: str = ""
    wait_s: int = 0


class SignIn:
    """Checks passwords and sessions; safe to share between threads."""

    def __init__(
        self,
        engine: Engine,
        prefix: str,
        settings: Settings,
        checks: PasswordChecks | None = None,
    ) -> None:
        self.prefix = prefix
        self.watch = SessionWatch(self._open_users, self._forget)
        self._engine = engine
        self._checks = checks or PasswordChecks()
        self._audit = SignInAudit(engine)
        self._home = settings.home_path
        self._password = settings.dashboard_password
        self._sealer = Sealer(settings.secret_key, settings.home_path)
        self._devices = KnownDevices(self._sealer)
        self._spare = SpareSessions(engine, self._password)
        self._cache: OrderedDict[str, tuple[float, Account]] = OrderedDict()
        # The wait by name is a minute at most: an attacker must not lock the user out. A code has
        # six digits, and guessing one needs the password first: there the wait is longer.
        self._names, self._addresses = Throttle(_NAME_WAIT_S), Throttle(_ADDRESS_WAIT_S)
        self._known, self._codes = Throttle(_NAME_WAIT_S), Throttle(_CODE_WAIT_S)

    @property
    def login_path(self) -> str:
        """The path of the form."""
        return f"{self.prefix}login"

    def is_open(self, path: str) -> bool:
        """Return whether the path is served without sign-in: its form, and static files."""
        below = path.removeprefix(self.prefix)
        return below in _OPEN or below.startswith(STATIC_PATHS)

    def account(self, headers: Headers, *, is_use: bool = True) -> Account | None:
        """Return the account of the session cookie; None without one. Raises DatabaseError.

        is_use: see `session_user`.
        """
        token = cookie_value(headers, session_cookie(headers))
        if not token:
            return None
        session = session_digest(token)
        checked_at, account = self._cache.get(session, (-_CACHE_S, None))
        if account is not None and time.monotonic() - checked_at < _CACHE_S:
            return account
        user = session_user(self._engine, token, setting=self._password, is_use=is_use)
        user = user or self._spare.users([session]).get(session)
        if user is None:
            self._forget(session)
            return None
        account = Account(user.name, user.role, session, user)
        self._cache[session] = time.monotonic(), account
        while len(self._cache) > _CACHE_ENTRIES:
            self._cache.popitem(last=False)
        return account

    async def attempt(self, name: str, password: str, visitor: Visitor) -> Attempt:
        """Check a password and open a session. Raises DatabaseError or ServerBusyError."""
        key = name.strip().lower()[:64]
        device = self._devices.device(visitor.device, key)
        throttles = self._throttles(key, visitor, device)
        # Before the queue, so that throttled attempts take no places in it; and again when the
        # check begins, so that a burst of attempts is throttled too.
        if slowed := _slowed(throttles):
            await anyio.to_thread.run_sync(self._audit.refused, key)
            return slowed
        return await self._checks.run(
            key if device else "", self._attempt, key, password, visitor, throttles
        )

    async def attempt_code(self, ticket: str, code: str, visitor: Visitor) -> Attempt:
        """Check the code of a second factor and open a session. Raises DatabaseError."""
        return await anyio.to_thread.run_sync(self._attempt_code, ticket, code, visitor)

    def attempt_link(self, link: str, visitor: Visitor) -> Attempt:
        """Sign the owner in by a one-time link. Raises DatabaseError."""
        if use_link(self._home, link):
            return self._open(THE_OWNER, visitor)
        self._audit.failed(OWNER)
        return Attempt(
            error=_(
                "This link was used before, or is older than an hour. Print a new one on the "
                "host of this dashboard: {command}",
                command="moodline user link",
            )
        )

    def sign_out(self, headers: Headers) -> None:
        """End the session of the request."""
        token = cookie_value(headers, session_cookie(headers))
        if token:
            keep_answer()
            account = self.account(headers)
            self._forget(session_digest(token))
            self._spare.close(session_digest(token))
            close_session(self._engine, token)
            if account is not None:
                self._audit.signed_out(account.name)

    def _attempt(self, name: str, password: str, visitor: Visitor, throttles: Throttles) -> Attempt:
        if slowed := _slowed(throttles):
            self._audit.refused(name)
            return slowed
        user = authenticate(self._engine, name, password, setting=self._password)
        if user is None:
            for throttle, key in throttles:
                throttle.fail(key)
            self._audit.failed(name)
            return Attempt(error=_("The name or the password is wrong."))
        for throttle, key in throttles:
            throttle.succeed(key)
        if user.needs_code:
            text = f"{user.pk}:{user.password_mark}:{user.name}"
            return Attempt(ticket=self._tickets().encrypt(text.encode()).decode())
        return self._open(user, visitor)

    def _attempt_code(self, ticket: str, code: str, visitor: Visitor) -> Attempt:
        try:
            text = self._tickets().decrypt(ticket.encode(), ttl=_TICKET_S).decode()
        except InvalidToken:
            return Attempt(error=_("That took too long. Sign in again."))
        pk, mark, name = text.split(":", 2)
        user = unchanged_user(self._engine, int(pk), mark)
        if user is None:
            return Attempt(error=_("The password was changed. Sign in again."))
        device = self._devices.device(visitor.device, name)
        throttle, key = (self._known, device) if device else (self._codes, name)
        if slowed := _slowed([(throttle, key)]):
            self._audit.refused(name)
            return slowed
        try:
            is_right = check_code(self._engine, int(pk), code, self._sealer.cipher(PURPOSE))
        except (UserError, SettingsError) as exc:
            return Attempt(error=known(exc.line()))
        if not is_right:
            throttle.fail(key)
            self._audit.failed(name)
            return Attempt(error=_("The code is wrong, or was used before."), ticket=ticket)
        throttle.succeed(key)
        return self._open(user, visitor)

    def _open(self, user: AuthenticatedUser, visitor: Visitor) -> Attempt:
        known = self._devices.device(visitor.device, user.name)
        token = self._open_session(user, visitor)
        self._audit.signed_in(user.name)
        needs_device = user is not THE_OWNER and not known  # The owner's links are not guessed.
        return Attempt(token, self._devices.cookie(user.name) if needs_device else "")

    def _open_session(self, user: AuthenticatedUser, visitor: Visitor) -> str:
        try:
            return open_session(
                self._engine, user, address=visitor.address, browser=visitor.browser
            )
        except DatabaseError as exc:  # As on a full disk, which a person must see to repair it.
            log.warning("a session is kept in memory", reason=exc.line(), user=user.name)
            return self._spare.open(user)

    def _throttles(self, name: str, visitor: Visitor, device: str) -> Throttles:
        """Return what slows an attempt down: on a known device only the failures there."""
        if device:
            return [(self._known, device)]
        return [(self._names, name), (self._addresses, visitor.address)]

    def _tickets(self) -> Fernet:
        return self._sealer.cipher(_TICKET)

    def _open_users(self, sessions: Collection[str]) -> Mapping[str, AuthenticatedUser]:
        stored = session_users(self._engine, sessions, setting=self._password)
        return {**self._spare.users(sessions), **stored}

    def _forget(self, session: str) -> None:
        self._cache.pop(session, None)


def _slowed(throttles: Throttles) -> Attempt | None:
    """Return the result of an attempt that comes too early; None if it may go ahead."""
    wait_s = max(throttle.wait_s(key) for throttle, key in throttles)
    if wait_s <= 0:
        return None
    seconds = int(wait_s) + 1
    return Attempt(
        error=_("Too many attempts. Try again in {seconds} s.", seconds=seconds), wait_s=seconds
    )
