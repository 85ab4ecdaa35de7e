"""The options of a rule, and the commands that take them: `moodline alert add` and `edit`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.alerts.rule import AlertRule, Severity
from contracts.alerts.typed_rule import TypedRule, typed_rule
from contracts.errors import AlertError
from moodline.commands.session import current_actor, open_records, read_settings
from moodline.commands.stored_names import complete_live_source

if TYPE_CHECKING:
    from sqlalchemy import Engine

ADD_EXAMPLES: Final = (
    "Examples: [cyan]moodline alert add 'Angry queue' --when 'angry > 30%' --for 5m --source "
    "lobby[/] · [cyan]moodline alert add Offline --when 'away > 2m' --severity critical[/] · "
    "[cyan]moodline alert add 'Disk' --when 'disk < 5GB'[/]"
)
EDIT_EXAMPLES: Final = "Example: [cyan]moodline alert edit 'Angry queue' --for 10m --to phone[/]"

RuleArgument = Annotated[str, typer.Argument(help="Name of the rule, from `alert list`.")]
_When = Annotated[
    str,
    typer.Option(
        help="Measure, > or <, and a limit: 'angry > 30%' (or another expression, or uncertain), "
        "'valence < -0.2', 'people > 5', 'coverage < 60%', 'away > 2m', 'dead-letters > 0', "
        "'lag > 10s', 'disk < 5GB'."
    ),
]
_For = Annotated[
    str,
    typer.Option(
        "--for",
        help="Time over which the measure is taken, or for which lag and disk must last. "
        "Default: 5m.",
    ),
]
_ClearsAt = Annotated[
    str, typer.Option(help="Value at which an open alert ends. Default: the limit.")
]
_Cooldown = Annotated[
    str, typer.Option(help="Least time between two alerts about one source. Default: 0s.")
]
_MinPersonSeconds = Annotated[
    float | None,
    typer.Option(help="Person-seconds below which nothing is said of expressions. Default: 30."),
]
_MinCoverage = Annotated[
    str, typer.Option(help="Coverage below which nothing is said of people. Default: 60%.")
]
_Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        autocompletion=complete_live_source,
        help="Only this live source; can be repeated. Default: all.",
    ),
]
_Tags = Annotated[
    list[str] | None, typer.Option("--tag", help="Only sources with this tag; can be repeated.")
]
_Hours = Annotated[
    str, typer.Option(help="Hours of the week: 'mon-fri 08:00-18:00; sat 10:00-14:00'.")
]
_Zone = Annotated[str, typer.Option(help="IANA time zone of --hours. Default: MOODLINE_TIMEZONE.")]
_Severity = Annotated[Severity | None, typer.Option(help="How bad it is. Default: warning.")]
_To = Annotated[
    list[str] | None,
    typer.Option("--to", help="Target that is told; can be repeated. Default: all."),
]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only print how often it would have fired.")
]


def alert_add(  # noqa: PLR0913, PLR0917  (one parameter per option)
    name: Annotated[str, typer.Argument(help="Name of the new rule.")],
    when: _When,
    lasting: _For = "",
    clears_at: _ClearsAt = "",
    cooldown: _Cooldown = "",
    min_person_seconds: _MinPersonSeconds = None,
    min_coverage: _MinCoverage = "",
    source: _Sources = None,
    tag: _Tags = None,
    hours: _Hours = "",
    zone: _Zone = "",
    severity: _Severity = None,
    to: _To = None,
    dry_run: _DryRun = False,
) -> None:
    """Add a rule, and print how often it would have fired in the last 7 days."""
    from moodline.terminal.output import print_line
    from records.alerts.rules import add_rule

    settings = read_settings()
    rule = TypedRule(
        name,
        when,
        lasting,
        clears_at,
        cooldown,
        min_person_seconds,
        min_coverage,
        tuple(source or ()),
        tuple(tag or ()),
        hours,
        zone,
        severity or Severity.WARNING,
        tuple(to or ()),
    ).rule(str(settings.timezone))
    with open_records(settings) as engine:
        _print_preview(engine, rule)
        if dry_run:
            return
        add_rule(engine, rule, actor=current_actor())
    print_line(f"{rule.name} is watched while `moodline up` or `moodline scheduler` runs.")


def alert_edit(  # noqa: PLR0913, PLR0917  (one parameter per option)
    name: RuleArgument,
    new_name: Annotated[str, typer.Option("--name", help="New name of the rule.")] = "",
    when: _When = "",
    lasting: _For = "",
    clears_at: _ClearsAt = "",
    cooldown: _Cooldown = "",
    min_person_seconds: _MinPersonSeconds = None,
    min_coverage: _MinCoverage = "",
    source: _Sources = None,
    tag: _Tags = None,
    hours: _Hours = "",
    zone: _Zone = "",
    severity: _Severity = None,
    to: _To = None,
    dry_run: _DryRun = False,
) -> None:
    """Change a rule. Options that are not given stay as they are; "" removes a list's entries."""
    from analytics.snapshots import snapshot
    from moodline.terminal.output import print_line
    from records.alerts.rules import edit_rule, find_rule

    given: dict[str, object] = {
        "name": new_name,
        "when": when,
        "lasting": lasting,
        "clears_at": clears_at,
        "cooldown": cooldown,
        "min_person_seconds": min_person_seconds,
        "min_coverage": min_coverage,
        "sources": _list(source),
        "tags": _list(tag),
        "hours": hours,
        "zone": zone,
        "severity": severity,
        "to": _list(to),
    }
    settings = read_settings()
    with open_records(settings) as engine:
        with snapshot(engine) as connection:
            known = typed_rule(find_rule(connection, name).rule)
        changes = {field: value for field, value in given.items() if value not in ("", None)}
        if not changes:
            raise AlertError("", "nothing to change", f"`moodline alert show {name}` shows it")
        rule = replace(known, **changes).rule(str(settings.timezone))  # type: ignore[arg-type]
        _print_preview(engine, rule)
        if dry_run:
            return
        edit_rule(engine, name, rule, actor=current_actor())
    print_line(f"{rule.name} was changed.")


def _list(values: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the values of an option that can be repeated; None if it was not given."""
    return None if values is None else tuple(value for value in values if value)


def _print_preview(engine: "Engine", rule: AlertRule) -> None:
    from analytics.alerts.preview import preview
    from analytics.snapshots import snapshot
    from contracts.times import utc_now
    from moodline.commands.alerts.rule_report import print_preview

    with snapshot(engine) as connection:
        print_preview(rule, preview(connection, rule, utc_now()))
