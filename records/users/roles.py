"""The roles of dashboard users, and the scopes of the API's tokens."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A user's role, in ascending order: each role may do what the earlier ones may.

    viewer: read. operator: also manage sources and recordings. admin: also erase data.
    """

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Return whether this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class TokenScope(StrEnum):
    """The rights of a token; each scope has those of the earlier ones.

    read: read. write: also change sources, recordings, markers and alerts. admin: also erase data.
    """

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    @property
    def role(self) -> Role:
        """The role of a user who may do the same."""
        return _ROLES[self]


_ROLES: Final = {
    TokenScope.READ: Role.VIEWER,
    TokenScope.WRITE: Role.OPERATOR,
    TokenScope.ADMIN: Role.ADMIN,
}
