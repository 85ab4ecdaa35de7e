"""Rules and their previews as text and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from analytics.alerts.preview import Preview, SourcePreview
from analytics.runs.number_text import count_text
from contracts.alerts.condition import value_text
from contracts.alerts.rule import AlertRule, duration_text
from contracts.alerts.typed_rule import typed_rule
from contracts.times import utc_now
from moodline.terminal.output import Screen, format_duration, format_time, new_table, print_line
from records.alerts.events import KnownEvent
from records.alerts.rules import KnownRule

_MOST_LISTED: Final = 10


def print_rule(known: KnownRule, alerts: Sequence[KnownEvent], found: Preview) -> None:
    """Print a rule, its open alerts, and its preview."""
    table = new_table("", "", header=False)
    for name, value in _rows(known):
        table.add_row(Text(name, style="bold"), Text(value))
    Screen().print(table)
    for one in (alert for alert in alerts if alert.rule == known.rule.name):
        place = f" about {one.source}" if one.source else ""
        print_line(f"Open since {format_time(one.at)} UTC{place} (number {one.pk}).")
    print_preview(known.rule, found)


def print_preview(rule: AlertRule, found: Preview) -> None:
    """Print how often a rule would have fired."""
    if not found.kept:
        print_line(f"The {rule.condition.known.title} of the past is not kept.")
        return
    if not found.sources:
        names = [*rule.sources, *(f"tag {tag}" for tag in rule.tags)]
        print_line(f"No live source is meant yet ({', '.join(names) or 'there is none'}).")
        return
    if not found.is_seen:
        print_line("In the last 7 days too little was seen to say how often it would have fired.")
        return
    times = "once" if found.firings == 1 else f"{found.firings:,} times"
    said = f"have fired {times}" if found.firings else "not have fired"
    print_line(f"In the last 7 days it would {said}.")
    if found.firings:
        _print_firings(rule, found)
    if found.left_out:
        print_line(f"{count_text(found.left_out, 'more source')} were not looked at.")


def _print_firings(rule: AlertRule, found: Preview) -> None:
    table = new_table("source", "fired (UTC)", "value", "lasted")
    shown = [(source, firing) for source in found.sources for firing in source.firings]
    shown.sort(key=lambda one: one[1].at, reverse=True)
    for source, firing in shown[:_MOST_LISTED]:
        lasted = "still open"
        if firing.ended_at is not None:
            lasted = format_duration((firing.ended_at - firing.at).total_seconds())
        value = value_text(rule.condition.measure, firing.value)
        table.add_row(Text(_name(source)), format_time(firing.at), value, lasted)
    Screen().print(table)
    if len(shown) > _MOST_LISTED:
        print_line(f"... and {len(shown) - _MOST_LISTED:,} before.")


def _name(source: SourcePreview) -> str:
    return f"{source.source} (generated)" if source.generated else source.source


def _rows(known: KnownRule) -> Iterator[tuple[str, str]]:
    rule = known.rule
    texts = typed_rule(rule)
    yield "rule", rule.name
    yield "when", rule.sentence
    yield "ends at", value_text(rule.condition.measure, rule.end_limit)
    if not rule.condition.known.is_of_the_system:
        names = [*rule.sources, *(f"tag {tag}" for tag in rule.tags)]
        yield "about", ", ".join(names) or "all live sources"
    if rule.condition.known.is_of_pictures:
        yield "not under", f"{texts.min_coverage} covered"
    if rule.condition.known.is_of_people:
        yield "not under", f"{rule.min_person_s:g} person-seconds"
    yield "hours", rule.hours.sentence
    yield "again after", duration_text(rule.cooldown_s)
    yield "severity", rule.severity
    yield "tells", ", ".join(rule.targets) or "all targets"
    if known.is_muted(utc_now()):
        yield "muted until", f"{format_time(known.muted_until)} UTC by {known.muted_by}"
    yield "added", f"{format_time(known.created_at)} UTC by {known.created_by}"
