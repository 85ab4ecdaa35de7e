"""The roles of dashboard users."""

from enum import StrEnum


class Role(StrEnum):
    """A user's role, in ascending order: each role may do what the earlier ones may.

    viewer: look. operator: run sources and recordings. admin: erase, and change what is kept.
    """

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Return whether this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)
