"""Rule: an alert rule as it is typed, in requests and answers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from analytics.alerts.documents import rule_document
from api.access import require_source, visible_sources
from api.conventions.fields import Answer, Body, SourceName, Tag, Text, example
from contracts.alerts.rule import MAX_NAME_LENGTH, MAX_NAMES, AlertRule, Severity
from contracts.alerts.typed_rule import TypedRule, typed_rule
from contracts.errors import AlertNotFoundError, NotAllowedError
from contracts.times import utc_now
from records.alerts.events import KnownEvent
from records.alerts.rules import KnownRule, find_rule

_BY_ALIAS: Final = ConfigDict(
    validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
)
_Short = Annotated[Text, Field(max_length=40)]
_When = Annotated[
    _Short,
    Field(
        description="Measure, > or <, and a limit: `angry > 30%` (or another expression, or "
        "`uncertain`), `valence < -0.2`, `people > 5`, `coverage < 60%`, `away > 2m`, "
        "`dead-letters > 0`, `lag > 10s` or `disk < 5GB`.",
        examples=["angry > 30%"],
    ),
]
_Lasting = Annotated[
    _Short,
    Field(
        description="Time over which the measure is taken, or for which lag and disk must last. "
        "Empty: `5m`.",
        examples=["5m"],
    ),
]
_ClearsAt = Annotated[
    _Short, Field(description="Value at which an open alert ends. Empty: the limit.")
]
_Cooldown = Annotated[
    _Short, Field(description="Least time between two alerts about one source. Empty: none.")
]
_PersonSeconds = Annotated[
    float,
    Field(
        ge=0,
        le=1e6,
        allow_inf_nan=False,
        description="Person-seconds below which nothing is said of expressions. `null`: 30.",
    ),
]
_Coverage = Annotated[
    _Short, Field(description="Coverage below which nothing is said of people. Empty: `60%`.")
]
_Hours = Annotated[
    Text,
    Field(
        max_length=400,
        description="Hours of the week. Empty: always.",
        examples=["mon-fri 08:00-18:00; sat 10:00-14:00"],
    ),
]
_Zone = Annotated[
    Text, Field(max_length=64, description="IANA time zone of `hours`. Empty: MOODLINE_TIMEZONE.")
]
_Name = Annotated[Text, Field(min_length=1, max_length=MAX_NAME_LENGTH, examples=["Angry queue"])]
_Sources = Annotated[
    list[SourceName],
    Field(max_length=MAX_NAMES, description="Live sources by name. These and `tags` empty: all."),
]
_Tags = Annotated[
    list[Tag], Field(max_length=MAX_NAMES, description="Also live sources with one of these tags.")
]
_To = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=MAX_NAME_LENGTH)]],
    Field(max_length=MAX_NAMES, description="Names of the targets that are told. Empty: all."),
]


class NewRule(Body):
    """A rule, as `moodline alert add` and the file of `moodline apply` have it."""

    model_config = (
        Body.model_config
        | _BY_ALIAS
        | example(
            **{
                "name": "Angry queue",
                "when": "angry > 30%",
                "for": "5m",
                "sources": ["lobby"],
                "hours": "mon-fri 08:00-18:00",
                "severity": "warning",
                "to": ["phone"],
            }
        )
    )

    name: _Name
    when: _When
    lasting: Annotated[_Lasting, Field(alias="for")] = ""
    clears_at: _ClearsAt = ""
    cooldown: _Cooldown = ""
    min_person_seconds: _PersonSeconds | None = None
    min_coverage: _Coverage = ""
    sources: _Sources = Field(default_factory=list)
    tags: _Tags = Field(default_factory=list)
    hours: _Hours = ""
    zone: _Zone = ""
    severity: Severity = Severity.WARNING
    to: _To = Field(default_factory=list)

    def rule(self, zone: str) -> AlertRule:
        """Return the rule. zone: where it names none. Raises AlertError."""
        return TypedRule(**self.model_dump(by_alias=False)).rule(zone)


class RuleChange(Body):
    """Changes of a rule. A field that is left out, or `null`, stays as it is."""

    model_config = Body.model_config | _BY_ALIAS | example(**{"when": "angry > 40%", "for": "10m"})

    name: _Name | None = None
    when: _When | None = None
    lasting: Annotated[_Lasting | None, Field(alias="for")] = None
    clears_at: _ClearsAt | None = None
    cooldown: _Cooldown | None = None
    min_person_seconds: _PersonSeconds | None = None
    min_coverage: _Coverage | None = None
    sources: _Sources | None = None
    tags: _Tags | None = None
    hours: _Hours | None = None
    zone: _Zone | None = None
    severity: Severity | None = None
    to: _To | None = None

    def rule(self, known: AlertRule, zone: str) -> AlertRule:
        """Return the rule with the changes. zone: where it names none. Raises AlertError."""
        fields: dict[str, Any] = self.model_dump(by_alias=False, exclude_none=True)
        return replace(typed_rule(known), **fields).rule(zone)


class Rule(Answer):
    """A rule, as it is typed, and its state."""

    model_config = Answer.model_config | _BY_ALIAS

    name: str
    when: str
    lasting: Annotated[str, Field(alias="for")]
    clears_at: str
    cooldown: str
    min_person_seconds: float
    min_coverage: str
    sources: list[str]
    tags: list[str]
    hours: str
    zone: str
    severity: Severity
    to: list[str]
    sentence: str = Field(description="The rule for people.")
    open: int = Field(description="Its open alerts.")
    muted_until: datetime | None = Field(description="Nothing is delivered until then.")
    muted_by: str | None
    evaluated_until: datetime = Field(description="What was before then has been judged.")
    created_at: datetime
    created_by: str


def rule_of(known: KnownRule, alerts: Sequence[KnownEvent]) -> Rule:
    """Return a rule. alerts: the open ones."""
    found = rule_document(known, alerts, utc_now())
    return Rule.model_validate(found | {"muted_by": found["muted_by"] or None})


def visible_rule(connection: Connection, name: str) -> KnownRule:
    """Return the rule. Raises AlertNotFoundError if the asker sees none of that name."""
    try:
        known = find_rule(connection, name)
    except AlertNotFoundError:
        known = None
    if known is None or not is_visible(known):
        raise AlertNotFoundError(
            "name", f"there is no rule {name!r}", "List them: GET /alerts/rules"
        )
    return known


def is_visible(known: KnownRule) -> bool:
    """Return whether a rule is about sources alone that the asker sees."""
    within = visible_sources()
    if within is None:
        return True
    return (
        bool(known.keys.sources)
        and not known.rule.tags
        and within.issuperset(known.keys.sources or ())
    )


def require_own_sources(connection: Connection, rule: AlertRule) -> None:
    """Raise if the rule is about sources that the asker does not see."""
    if visible_sources() is None:
        return
    if not rule.sources or rule.tags:
        raise NotAllowedError(
            "this token is limited to sources", hint="Name the sources of the rule, and no tags"
        )
    for name in rule.sources:
        require_source(connection, name)
