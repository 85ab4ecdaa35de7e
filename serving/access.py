"""The account that a request acts for, and the check of its role."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from contracts.errors import NotAllowedError
from records.users.accounts import AuthenticatedUser
from records.users.roles import Role

__all__ = [
    "LOCAL",
    "Account",
    "Role",
    "current_account",
    "require_role",
    "set_account",
]


@dataclass(frozen=True, slots=True)
class Account:
    """A signed-in user, or a program with a token.

    name: "" for LOCAL, the account used where sign-in is off. session: the id of the session. user:
    whose it is. "" and None for LOCAL and for programs. token: the key of a program's token, or
    None. sources: the keys of the only sources that it may see; None for all.
    """

    name: str
    role: Role
    session: str = ""
    user: AuthenticatedUser | None = None
    token: int | None = None
    sources: frozenset[int] | None = None

    @property
    def actor(self) -> str:
        """The name that the audit records."""
        return self.name or "dashboard on this machine"


LOCAL: Final = Account("", Role.ADMIN)
_account: ContextVar[Account] = ContextVar("moodline_account", default=LOCAL)


def set_account(account: Account) -> None:
    """Set the account of the current request. Only the guard calls this."""
    _account.set(account)


def current_account() -> Account:
    """Return the account of the current request, also in threads that the request waits for."""
    return _account.get()


def require_role(needed: Role) -> Account:
    """Return the account of the request. Raises NotAllowedError if its role is too low."""
    account = current_account()
    if not account.role.covers(needed):
        raise NotAllowedError(
            f"{account.name} is not allowed to do that: it needs the role {needed}",
            hint="Ask an administrator of this moodline installation",
        )
    return account
