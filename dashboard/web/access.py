"""Who asks, and what that person may do."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from contracts.errors import MoodlineError
from records.tables.users import Role

__all__ = ["LOCAL", "NotAllowedError", "Person", "Role", "enter", "present", "require"]


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
