"""Who asks, and what that person may do."""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.errors import MoodlineError


class Role(StrEnum):
    """Each may do what those before it may. viewer: look; operator: run sources and recordings;
    admin: erase, change what is kept.
    """

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Whether it may do what that role may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class NotAllowedError(MoodlineError):
    """Raised when a person asks for what their role does not allow."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in. name: "" where nobody has to: on this machine alone."""

    name: str
    role: Role


LOCAL: Final = Person("", Role.ADMIN)
_present: ContextVar[Person] = ContextVar("moodline_person", default=LOCAL)


def enter(person: Person) -> None:
    """Let the rest of this request be the person's; the guard says so."""
    _present.set(person)


def present() -> Person:
    """Who asks, in a route or a callback, also in a thread that it waits for."""
    return _present.get()


def require(needed: Role) -> Person:
    """Who asks, when they may. Raises NotAllowedError."""
    person = present()
    if not person.role.covers(needed):
        raise NotAllowedError(
            f"{person.name} may not do that: it takes the role {needed}",
            hint="Ask whoever runs this moodline",
        )
    return person
