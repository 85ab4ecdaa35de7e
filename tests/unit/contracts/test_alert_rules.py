"""Given what a person types, a rule says what it means, or which field is wrong and what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.alerts.condition import Condition
from contracts.alerts.events import TargetKind
from contracts.alerts.measures import MEASURES
from contracts.alerts.rule import AlertRule, Severity
from contracts.alerts.target import AlertTarget
from contracts.alerts.typed_rule import TypedRule, typed_rule
from contracts.alerts.week_hours import WeekHours
from contracts.errors import AlertError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("angry > 30%", "share of angry above 30 %"),
        ("uncertain>0.5", "share of uncertain above 50 %"),
        ("valence < -0.2", "valence below -0.2"),
        ("people < 1", "people in view below 1"),
        ("coverage < 60 %", "coverage below 60 %"),
        ("away > 2m", "time away above 120 s"),
        ("lag > 10s", "lag of the workers above 10 s"),
        ("disk < 500MB", "free disk space below 0.5 GB"),
        ("dead-letters > 0", "dead letters above 0"),
    ],
)
def test_a_condition_reads_as_a_sentence(text: str, sentence: str) -> None:
    condition = Condition.parse(text)
    assert condition.sentence == sentence
    assert Condition.parse(condition.text) == condition


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"when": "mood > 30%"}, "when", "no measure 'mood'"),
        ({"when": "angry > 30"}, "when", "30% or 0.3"),
        ({"when": "angry over 30%"}, "when", "is not a condition"),
        ({"when": "away < 2m"}, "when", "makes no sense"),
        ({"when": "disk < 5%"}, "when", "GB, MB, TB"),
        ({"when": "valence > 2"}, "when", "-1 to 1"),
        ({"name": " "}, "name", "not a valid name"),
        ({"name": "a/b"}, "name", "not a valid name"),
        ({"name": "n" * 65}, "name", "1 to 64"),
        ({"lasting": "90s"}, "for", "whole minutes"),
        ({"lasting": "2d"}, "for", "1m to 24h"),
        ({"lasting": "soon"}, "for", "5m"),
        ({"clears_at": "40%"}, "clears_at", "where it begins"),
        ({"clears_at": "-1%"}, "clears_at", "0 % to 100 %"),
        ({"clears_at": "x"}, "clears_at", "not a value"),
        ({"min_coverage": "60"}, "min_coverage", "60 is not a share"),
        ({"lasting": "2d"}, "for", "a window of 2 d is not possible"),
        ({"cooldown": "8d"}, "cooldown", "out of bounds"),
        ({"min_coverage": "140%"}, "min_coverage", "out of bounds"),
        ({"min_person_seconds": -1.0}, "min_person_seconds", "out of bounds"),
        ({"hours": "mon-fri 8-18"}, "hours", "mon-fri 08:00-18:00"),
        ({"hours": "fun 08:00-18:00"}, "hours", "not a day"),
        ({"hours": "08:00-25:00"}, "hours", "not a time of day"),
        ({"zone": "Mars/Base"}, "zone", "Europe/Berlin"),
        ({"hours": "mon 08:00-08:30", "lasting": "1h"}, "for", "at most 30m"),
        ({"when": "disk < 5GB", "sources": ("door",)}, "source", "whole system"),
    ],
)
def test_a_wrong_field_is_named_with_what_to_do(
    given: dict[str, object], field: str, said: str
) -> None:
    values = {"name": "test", "when": "angry > 30%", **given}
    with pytest.raises(AlertError) as raised:
        TypedRule(**values).rule()  # type: ignore[arg-type]
    assert raised.value.field == field
    assert raised.value.line().startswith(f"{field}: ") and said in raised.value.line()


CONDITIONS = st.sampled_from(sorted(MEASURES)).flatmap(
    lambda name: st.builds(
        Condition,
        st.just(name),
        st.just(MEASURES[name].signs != "<"),
        st.floats(MEASURES[name].least, min(MEASURES[name].most, 1000.0)).map(
            lambda value: round(value, 4)
        ),
    )
)


@given(
    CONDITIONS,
    st.integers(1, 1440),
    st.integers(0, 100_000),
    st.sampled_from(["", "mon-fri 08:00-18:00", "sat 22:00-04:00; sun 00:00-24:00"]),
    st.sampled_from(Severity),
)
def test_what_a_rule_is_typed_as_gives_the_same_rule(
    condition: Condition, minutes: int, cooldown_s: int, hours: str, severity: Severity
) -> None:
    week = WeekHours(hours, "Asia/Tokyo")
    minutes = min(minutes, week.longest_minutes)
    rule = (
        AlertRule(
            "a rule",
            condition,
            window_s=60 * minutes,
            cooldown_s=cooldown_s,
            tags=("floor 2",),
            hours=week,
            severity=severity,
        )
        if not condition.known.is_of_the_system
        else AlertRule("a rule", condition, hours=ALWAYS)
    )
    assert typed_rule(rule).rule() == rule


ALWAYS = WeekHours()


@pytest.mark.parametrize(
    ("kind", "address", "shown"),
    [
        (TargetKind.WEBHOOK, "https://me:pw@hooks.example/T0/secret", "https://hooks.example/…"),
        (TargetKind.WEBHOOK, "http://[fd00::1]:8123/api/webhook/x", "http://[fd00::1]:8123/…"),
        (TargetKind.APPRISE, "tgram://123:token/42", "tgram://…"),
        (TargetKind.MQTT, "mqtts://me:pw@broker/home/alerts", "mqtts://broker:8883/home/alerts"),
        (TargetKind.MQTT, "mqtt://broker", "mqtt://broker:1883/moodline/alerts"),
    ],
)
def test_a_target_shows_no_secret(kind: TargetKind, address: str, shown: str) -> None:
    target = AlertTarget("phone", kind, address, SECRET if kind is TargetKind.WEBHOOK else "")
    assert target.shown_address == shown
    assert "pw" not in repr(target) and "token" not in repr(target)


@pytest.mark.parametrize(
    ("kind", "address", "field"),
    [
        (TargetKind.WEBHOOK, "ftp://host/x", "url"),
        (TargetKind.WEBHOOK, "https://", "url"),
        (TargetKind.WEBHOOK, "https://host:99999/x", "url"),
        (TargetKind.WEBHOOK, "https://host/a b", "url"),
        (TargetKind.MQTT, "mqtt://broker/home/#", "url"),
        (TargetKind.MQTT, "http://broker", "url"),
        (TargetKind.APPRISE, "https://host/x", "url"),
        (TargetKind.APPRISE, "nothing", "url"),
    ],
)
def test_a_wrong_address_is_refused_without_quoting_it(
    kind: TargetKind, address: str, field: str
) -> None:
    with pytest.raises(AlertError) as raised:
        AlertTarget("phone", kind, address, SECRET)
    assert raised.value.field == field


def test_a_secret_must_be_one_of_standard_webhooks() -> None:
    with pytest.raises(AlertError, match="Standard Webhooks"):
        AlertTarget("hook", TargetKind.WEBHOOK, "https://host/", "hunter2")
