"""The roles of dashboard users."""

from enum import StrEnum


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
