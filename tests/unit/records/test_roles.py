"""Roles: each one may do what the earlier ones may."""

import pytest

from records.users.roles import Role


@pytest.mark.parametrize(
    ("role", "needed", "covered"),
    [
        (Role.VIEWER, Role.VIEWER, True),
        (Role.VIEWER, Role.OPERATOR, False),
        (Role.OPERATOR, Role.VIEWER, True),
        (Role.OPERATOR, Role.ADMIN, False),
        (Role.ADMIN, Role.OPERATOR, True),
    ],
)
def test_a_role_covers_the_earlier_ones(role: Role, needed: Role, covered: bool) -> None:
    assert role.covers(needed) is covered
