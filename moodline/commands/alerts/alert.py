"""`moodline alert`: rules that warn, what they said, and whom they tell."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from moodline.commands.alerts.rule_options import (
    ADD_EXAMPLES,
    EDIT_EXAMPLES,
    RuleArgument,
    alert_add,
    alert_edit,
)
from moodline.commands.alerts.targets import targets_app
from moodline.commands.options import JsonOption, group_app
from moodline.commands.session import current_actor, open_records, read_settings

if TYPE_CHECKING:
    from records.alerts.events import KnownEvent

app = group_app("Warn people and programs: rules, what they said, and whom they tell.")
app.command("add", epilog=ADD_EXAMPLES)(alert_add)
app.command("edit", epilog=EDIT_EXAMPLES)(alert_edit)
app.add_typer(targets_app, name="target")

_MUTE: Final = "1h"


@app.command("list", epilog="Example: [cyan]moodline alert list[/]")
def alert_list(as_json: JsonOption = False) -> None:
    """List the rules, and how many of their alerts are open."""
    from rich.text import Text

    from analytics.alerts.documents import rule_document
    from analytics.snapshots import snapshot
    from contracts.times import utc_now
    from moodline.terminal.output import Screen, format_time, new_table, print_json, print_line
    from records.alerts.events import open_alerts
    from records.alerts.rules import list_rules

    with open_records(read_settings()) as engine, snapshot(engine) as connection:
        rules, alerts = list_rules(connection), open_alerts(connection)
    if as_json:
        print_json({"rules": [rule_document(one, alerts, utc_now()) for one in rules]})
        return
    if not rules:
        print_line("No rules yet. `moodline alert add --help` shows how to add one.")
        return
    table = new_table("rule", "when", "about", "open", "muted until (UTC)", "tells", right=["open"])
    for known in rules:
        rule = known.rule
        count = sum(one.rule == rule.name for one in alerts)
        muted = format_time(known.muted_until) if known.is_muted(utc_now()) else ""
        table.add_row(
            Text(rule.name),
            Text(rule.sentence),
            Text(_about(rule.sources, rule.tags, system=rule.condition.known.is_of_the_system)),
            Text(str(count), style="red" if count else ""),
            muted,
            Text(", ".join(rule.targets) or "all targets"),
        )
    Screen().print(table)


@app.command("show", epilog="Example: [cyan]moodline alert show 'Angry queue'[/]")
def alert_show(name: RuleArgument, as_json: JsonOption = False) -> None:
    """Show a rule, its open alerts, and how often it would have fired in the last 7 days."""
    from analytics.alerts.documents import event_document, preview_document, rule_document
    from analytics.alerts.preview import preview
    from analytics.snapshots import snapshot
    from contracts.times import utc_now
    from moodline.commands.alerts.rule_report import print_rule
    from moodline.terminal.output import print_json
    from records.alerts.events import open_alerts
    from records.alerts.rules import find_rule

    with open_records(read_settings()) as engine, snapshot(engine) as connection:
        known = find_rule(connection, name)
        alerts = open_alerts(connection)
        found = preview(connection, known.rule, utc_now())
    if as_json:
        alerts = [one for one in alerts if one.rule == known.rule.name]
        more = {
            "alerts": [event_document(one) for one in alerts],
            "preview": preview_document(found),
        }
        print_json(rule_document(known, alerts, utc_now()) | more)
    else:
        print_rule(known, alerts, found)


@app.command("test", epilog="Example: [cyan]moodline alert test 'Angry queue'[/]")
def alert_test(name: RuleArgument) -> None:
    """Send a test message to each target of a rule, and print how each answers."""
    from analytics.snapshots import snapshot
    from contracts.errors import AlertError
    from moodline.commands.alerts.test_messages import send_tests
    from records.alerts.rules import find_rule
    from records.alerts.targets import target_names

    settings = read_settings()
    with open_records(settings) as engine:
        with snapshot(engine) as connection:
            targets = target_names(connection, find_rule(connection, name).keys.targets)
        if not targets:
            raise AlertError(
                "to", "there are no targets yet", "`moodline alert target add` adds one"
            )
        send_tests(settings, engine, targets)


@app.command(
    "mute",
    epilog="Examples: [cyan]moodline alert mute 'Angry queue' --for 2h[/] · "
    "[cyan]moodline alert mute 'Angry queue' --end[/]",
)
def alert_mute(
    name: RuleArgument,
    lasting: Annotated[
        str, typer.Option("--for", help="How long to deliver nothing: 30m, 8h, 2d.")
    ] = _MUTE,
    end: Annotated[bool, typer.Option("--end", help="Deliver again from now on.")] = False,
) -> None:
    """Deliver nothing of a rule for a while. Its events are still recorded."""
    from contracts.times import utc_now
    from moodline.terminal.output import format_time, print_line
    from moodline.terminal.time_arguments import parse_duration
    from records.alerts.rules import mute_rule

    until = None if end else utc_now() + parse_duration(lasting, "--for")
    with open_records(read_settings()) as engine:
        mute_rule(engine, name, until, actor=current_actor())
    print_line(
        f"{name} is muted until {format_time(until)} UTC." if until else f"{name} is not muted."
    )


@app.command("remove", epilog="Example: [cyan]moodline alert remove 'Angry queue'[/]")
def alert_remove(name: RuleArgument) -> None:
    """Remove a rule. Its open alerts end; its history stays."""
    from moodline.terminal.output import print_line
    from records.alerts.rules import remove_rule

    with open_records(read_settings()) as engine:
        remove_rule(engine, name, actor=current_actor())
    print_line(f"{name} was removed.")


@app.command(
    "history",
    epilog="Examples: [cyan]moodline alert history[/] · "
    "[cyan]moodline alert history --open --json[/]",
)
def alert_history(
    rule: Annotated[str, typer.Option(help="Only events of this rule.")] = "",
    last: Annotated[str, typer.Option(help="Only events of this time: 24h, 7d, 4w.")] = "30d",
    only_open: Annotated[bool, typer.Option("--open", help="Only alerts that are open.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Number of events to list.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List what the rules said, the newest first."""
    from analytics.alerts.documents import event_document
    from analytics.snapshots import snapshot
    from contracts.times import utc_now
    from moodline.terminal.output import print_json
    from moodline.terminal.time_arguments import parse_duration
    from records.alerts.events import EventFilter, list_events, open_alerts

    since: timedelta = parse_duration(last, "--last")
    with open_records(read_settings()) as engine, snapshot(engine) as connection:
        if only_open:
            events = [one for one in open_alerts(connection) if rule in ("", one.rule)][:limit]
        else:
            events = list_events(connection, EventFilter(rule, since=utc_now() - since), limit)
    if as_json:
        print_json({"events": [event_document(one) for one in events]})
    else:
        _print_events(events)


@app.command("ack", epilog="Example: [cyan]moodline alert ack 41[/]")
def alert_ack(
    number: Annotated[int, typer.Argument(help="Number of the alert, from `alert history`.")],
) -> None:
    """Note that you have seen an alert, for others."""
    from moodline.terminal.output import print_line
    from records.alerts.events import acknowledge

    with open_records(read_settings()) as engine:
        acknowledge(engine, number, actor=current_actor())
    print_line(f"Alert {number} is acknowledged.")


def _about(sources: tuple[str, ...], tags: tuple[str, ...], *, system: bool) -> str:
    if system:
        return "the system"
    names = [*sources, *(f"tag {tag}" for tag in tags)]
    return ", ".join(names) or "all live sources"


def _print_events(events: "list[KnownEvent]") -> None:
    from rich.text import Text

    from contracts.alerts.condition import value_text
    from contracts.alerts.events import REASON_TEXTS, EventKind
    from moodline.terminal.output import Screen, format_time, new_table, print_line

    if not events:
        print_line("Nothing was said.")
        return
    table = new_table("number", "at (UTC)", "what", "rule", "source", "value", "note")
    for one in events:
        what = "open" if one.is_open else str(one.kind)
        notes = [
            REASON_TEXTS[one.details.reason],
            f"seen by {one.acknowledged_by}" if one.acknowledged_by else "",
            "muted" if one.muted else "",
        ]
        value = "" if one.value is None else value_text(one.details.measure, one.value)
        table.add_row(
            str(one.pk),
            format_time(one.at),
            Text(what, style="red" if one.is_open else ""),
            Text(one.rule),
            Text(one.source),
            "" if one.kind is EventKind.TEST else value,
            Text(", ".join(filter(None, notes))),
        )
    Screen().print(table)
