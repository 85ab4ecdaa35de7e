"""Entries: what a document and the records have under one name, and how they differ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FieldValue:
    """The value of a field, which may be secret, and its text for people."""

    value: object
    text: str = field(compare=False)

    @classmethod
    def plain(cls, value: object) -> "FieldValue":
        """Return a value that may be shown."""
        return cls(value, _text(value))


Fields = Mapping[str, FieldValue]


class Step(StrEnum):
    """The step that an entry takes."""

    ADD = "+"
    CHANGE = "~"
    REMOVE = "-"


@dataclass(frozen=True, slots=True)
class Change:
    """One change. lines: the fields that differ, for people. apply: carries it out, or raises."""

    step: Step
    section: str
    name: str
    lines: tuple[str, ...]
    apply: Callable[[], None]


class Section(Protocol):
    """One section of the document: its entries, and how they are stored."""

    name: str

    def current(self) -> Mapping[str, Fields]:
        """Return the entries that are stored."""

    def desired(self) -> Mapping[str, Fields]:
        """Return the entries of the document. Raises MoodlineError, which names its line."""

    def store(self, name: str, *, exists: bool) -> None:
        """Add or change the entry of the document. Raises MoodlineError."""

    def remove(self, name: str) -> None:
        """Remove a stored entry."""


def changes_of(section: Section, *, prune: bool) -> list[Change]:
    """Return what makes the stored entries as the document has them, by name.

    prune: also remove those that the document does not have.
    """
    current, desired = section.current(), section.desired()
    changes = []
    for name, fields in desired.items():
        before = current.get(name)
        if before == fields:
            continue
        step = Step.ADD if before is None else Step.CHANGE
        changes.append(
            Change(
                step,
                section.name,
                name,
                _field_lines(before or {}, fields),
                _storing(section, name, exists=before is not None),
            )
        )
    for name in current.keys() - desired.keys() if prune else ():
        changes.append(Change(Step.REMOVE, section.name, name, (), _removing(section, name)))
    return sorted(changes, key=lambda change: change.name)


def _storing(section: Section, name: str, *, exists: bool) -> Callable[[], None]:
    return lambda: section.store(name, exists=exists)


def _removing(section: Section, name: str) -> Callable[[], None]:
    return lambda: section.remove(name)


def _field_lines(before: Fields, after: Fields) -> tuple[str, ...]:
    lines = []
    for name, value in after.items():
        known = before.get(name)
        if known == value:
            continue
        if known is None:
            if value.text:
                lines.append(f"{name}: {value.text}")
        elif known.text == value.text:
            lines.append(f"{name}: {value.text} (changed where it is not shown)")
        else:
            lines.append(f"{name}: {known.text or 'none'} → {value.text or 'none'}")
    return tuple(lines)


def _text(value: object) -> str:
    if value is None or value in ("", (), []):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)
