"""The bodies of requests of the page Alerts. What a rule or target may be is checked by itself."""

from typing import Annotated

from pydantic import BaseModel, Field

from contracts.alerts.rule import MAX_NAME_LENGTH, MAX_NAMES, Severity
from contracts.alerts.typed_rule import TypedRule

Name = Annotated[str, Field(max_length=MAX_NAME_LENGTH)]
ShortText = Annotated[str, Field(max_length=40)]
LongText = Annotated[str, Field(max_length=400)]
Names = Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=MAX_NAMES)]
MAX_MUTE_MINUTES = 365 * 24 * 60


class RuleFields(BaseModel):
    """A rule as typed: see contracts/alerts/typed_rule.py."""

    name: LongText
    when: ShortText
    lasting: Annotated[str, Field(alias="for", max_length=40)] = ""
    clears_at: ShortText = ""
    cooldown: ShortText = ""
    min_person_seconds: Annotated[float | None, Field(allow_inf_nan=False)] = None
    min_coverage: ShortText = ""
    sources: Names = []
    tags: Names = []
    hours: LongText = ""
    zone: ShortText = ""
    severity: Severity = Severity.WARNING
    to: Names = []

    def typed(self) -> TypedRule:
        """Return the rule as it was typed."""
        return TypedRule(
            self.name,
            self.when,
            self.lasting,
            self.clears_at,
            self.cooldown,
            self.min_person_seconds,
            self.min_coverage,
            tuple(self.sources),
            tuple(self.tags),
            self.hours,
            self.zone,
            self.severity,
            tuple(self.to),
        )


class EditedRule(BaseModel):
    """A rule by its present name, and what it becomes."""

    name: Name
    rule: RuleFields


class Named(BaseModel):
    """A rule or a target."""

    name: Name


class Mute(Named):
    """A rule, and for how many minutes it is muted; 0: not any more."""

    minutes: Annotated[int, Field(ge=0, le=MAX_MUTE_MINUTES)] = 60


class Acknowledged(BaseModel):
    """An alert by its number."""

    number: int


class Replay(Named):
    """A target, and one of its deliveries; None: all that did not arrive in the last day."""

    number: int | None = None
