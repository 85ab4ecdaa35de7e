"""The sections `targets` and `alerts`."""

from collections.abc import Mapping
from typing import Any

from analytics.snapshots import in_snapshot
from contracts.alerts.events import TargetKind
from contracts.alerts.rule import AlertRule
from contracts.alerts.target import AlertTarget
from contracts.alerts.typed_rule import TypedRule, typed_rule
from contracts.errors import ConfigFileError
from moodline.as_code.document import AlertEntry, TargetEntry
from moodline.as_code.entries import Fields, FieldValue
from moodline.as_code.parsing import ParsedFile
from moodline.as_code.site import Site
from records.alerts.rules import add_rule, edit_rule, list_rules, remove_rule
from records.alerts.targets import (
    add_target,
    edit_target,
    list_targets,
    open_target,
    remove_target,
)
from serving.alert_targets import checked_target, kind_of, understood_address


class TargetSection:
    """The targets of a file and of the records."""

    name = "targets"

    def __init__(self, site: Site, parsed: ParsedFile) -> None:
        self._site = site
        self._parsed = parsed
        self._known = known_targets(site)
        self._targets: dict[str, AlertTarget] = {}

    def current(self) -> Mapping[str, Fields]:
        """Return the stored targets."""
        return {name: _target_fields(one) for name, one in self._known.items()}

    def desired(self) -> Mapping[str, Fields]:
        """Return the targets of the file. Raises MoodlineError."""
        for name, entry in (self._parsed.document.targets or {}).items():
            if name not in self._targets:
                with self._parsed.naming(self.name, name):
                    self._targets[name] = self._target(name, entry)
        return {name: _target_fields(one) for name, one in self._targets.items()}

    def store(self, name: str, *, exists: bool) -> None:
        """Add or change a target. Raises MoodlineError."""
        site = self._site
        with self._parsed.naming(self.name, name):
            (edit_target if exists else add_target)(
                site.engine, site.sealer, self._targets[name], actor=site.actor
            )

    def remove(self, name: str) -> None:
        """Remove a target, with what waits for it."""
        remove_target(self._site.engine, name, actor=self._site.actor)

    def _target(self, name: str, entry: TargetEntry) -> AlertTarget:
        known = self._known.get(name)
        if entry.url is not None:
            address = understood_address(self._parsed.resolve(entry.url, self.name, name, "url"))
        elif known is not None:
            address = known.address
        else:
            raise ConfigFileError(
                f"{self._parsed.at(self.name, name)}: the target {name} is new and has no url",
                hint="Add one, such as url: https://example.com/hook, or {env: NAME}",
            )
        secret = ""
        kind = kind_of(address)
        if kind is TargetKind.WEBHOOK:
            secret = known.secret if known else ""
            if entry.secret is not None:
                secret = self._parsed.resolve(entry.secret, self.name, name, "secret")
            if not secret:
                raise ConfigFileError(
                    f"{self._parsed.at(self.name, name)}: the webhook {name} is new and has no "
                    "secret that signs its messages",
                    hint='Make one, and name its file: echo "whsec_$(openssl rand -base64 32)"',
                )
        # The owner of this host wrote the file, so it may name brokers and servers of any network.
        private = entry.private or kind is not TargetKind.WEBHOOK
        if known is not None and known.address == address and kind is not TargetKind.WEBHOOK:
            private = known.private
        return checked_target(self._site.settings, name, address, private=private, secret=secret)


class AlertSection:
    """The alert rules of a file and of the records."""

    name = "alerts"

    def __init__(self, site: Site, parsed: ParsedFile) -> None:
        self._site = site
        self._parsed = parsed
        self._known = {one.rule.name: one.rule for one in in_snapshot(site.engine, list_rules)}
        self._rules: dict[str, AlertRule] = {}

    def current(self) -> Mapping[str, Fields]:
        """Return the stored rules."""
        return {name: _rule_fields(rule) for name, rule in self._known.items()}

    def desired(self) -> Mapping[str, Fields]:
        """Return the rules of the file. Raises MoodlineError."""
        zone = str(self._site.settings.timezone)
        for name, entry in (self._parsed.document.alerts or {}).items():
            with self._parsed.naming(self.name, name):
                self._rules[name] = _typed(name, entry).rule(zone)
        return {name: _rule_fields(rule) for name, rule in self._rules.items()}

    def store(self, name: str, *, exists: bool) -> None:
        """Add or change a rule. Raises MoodlineError."""
        with self._parsed.naming(self.name, name):
            if exists:
                edit_rule(self._site.engine, name, self._rules[name], actor=self._site.actor)
            else:
                add_rule(self._site.engine, self._rules[name], actor=self._site.actor)

    def remove(self, name: str) -> None:
        """Remove a rule; its history stays."""
        remove_rule(self._site.engine, name, actor=self._site.actor)


def known_targets(site: Site) -> dict[str, AlertTarget]:
    """Return the stored targets with their secrets, by name. Raises AlertError."""

    def read(connection: Any) -> dict[str, AlertTarget]:
        found = (open_target(connection, site.sealer, one.pk) for one in list_targets(connection))
        return {one.name: one for one in found if one is not None}

    return in_snapshot(site.engine, read)


def target_entry(target: AlertTarget) -> dict[str, Any]:
    """Return the entry of a target. Its address and its secret are left out."""
    return {"private": True} if target.private and target.kind is TargetKind.WEBHOOK else {}


def alert_entry(rule: AlertRule) -> dict[str, Any]:
    """Return the entry of a rule, without keys that have their default."""
    texts = typed_rule(rule)
    usual = typed_rule(TypedRule(rule.name, texts.when).rule(texts.zone or "UTC"))
    entry: dict[str, Any] = {"when": texts.when}
    for key in ("clears_at", "cooldown", "min_person_seconds", "min_coverage", "hours"):
        if getattr(texts, key) != getattr(usual, key):
            entry[key] = getattr(texts, key)
    if texts.lasting != usual.lasting:
        entry["for"] = texts.lasting
    if texts.hours:
        entry["zone"] = texts.zone
    if rule.severity is not usual.severity:
        entry["severity"] = str(rule.severity)
    for key in ("sources", "tags", "to"):
        if getattr(texts, key):
            entry[key] = [*getattr(texts, key)]
    return entry


def _typed(name: str, entry: AlertEntry) -> TypedRule:
    return TypedRule(
        name,
        entry.when,
        entry.lasting,
        entry.clears_at,
        entry.cooldown,
        entry.min_person_seconds,
        entry.min_coverage,
        tuple(entry.sources),
        tuple(entry.tags),
        entry.hours,
        entry.zone,
        entry.severity,
        tuple(entry.to),
    )


def _target_fields(target: AlertTarget) -> Fields:
    return {
        "kind": FieldValue.plain(str(target.kind)),
        "url": FieldValue(target.address, target.shown_address),
        "secret": FieldValue(target.secret, "(secret)" if target.secret else ""),
        "private": FieldValue.plain(target.private),
    }


def _rule_fields(rule: AlertRule) -> Fields:
    texts = typed_rule(rule)
    return {
        "when": FieldValue.plain(texts.when),
        "for": FieldValue.plain(texts.lasting),
        **{
            key: FieldValue.plain(getattr(texts, key))
            for key in ("clears_at", "cooldown", "min_person_seconds", "min_coverage")
        },
        "sources": FieldValue.plain(texts.sources),
        "tags": FieldValue.plain(texts.tags),
        "hours": FieldValue((texts.hours, texts.hours and texts.zone), texts.hours),
        "severity": FieldValue.plain(str(texts.severity)),
        "to": FieldValue.plain(texts.to),
    }
