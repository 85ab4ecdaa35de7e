"""`moodline alert target`: who is told, and what was delivered."""

from typing import Annotated

import typer

from contracts.alerts.events import TargetKind
from moodline.commands.live.uri_argument import typed_uri
from moodline.commands.options import JsonOption, group_app
from moodline.commands.session import current_actor, open_records, read_settings

targets_app = group_app("Say who is told: webhooks, MQTT, e-mail and what else Apprise knows.")

TargetArgument = Annotated[str, typer.Argument(help="Name of the target.")]


@targets_app.command(
    "add",
    epilog="Examples: [cyan]moodline alert target add hooks https://example.com/moodline[/] · "
    "[cyan]moodline alert target add phone ntfy://my-topic[/] · "
    "[cyan]moodline alert target add house mqtt://USER:PASSWORD@broker/home/alerts[/]",
)
def target_add(
    name: TargetArgument,
    url: Annotated[
        str,
        typer.Argument(
            help="https:// for a webhook, mqtt:// or mqtts:// for a topic, or a URL of Apprise; "
            "- prompts for it."
        ),
    ],
    private: Annotated[
        bool,
        typer.Option("--private", help="Allow a webhook in a private network, or on this host."),
    ] = False,
    secret: Annotated[
        str, typer.Option(help="Secret that signs webhooks: whsec_... Default: a new one.")
    ] = "",
) -> None:
    """Add a target. All rules without --to tell it."""
    from moodline.terminal.output import print_line
    from records.alerts.targets import add_target, new_secret
    from records.sources.sealing import Sealer
    from serving.alert_targets import checked_target, kind_of, understood_address

    settings = read_settings()
    address = understood_address(typed_uri(url))
    is_webhook = kind_of(address) is TargetKind.WEBHOOK
    key = (secret or new_secret()) if is_webhook else ""
    # Who has this command line may name brokers and servers of any network.
    target = checked_target(settings, name, address, private=private or not is_webhook, secret=key)
    with open_records(settings) as engine:
        sealer = Sealer(settings.secret_key, settings.home_path)
        add_target(engine, sealer, target, actor=current_actor())
    print_line(f"{name} is told from now on. Try it: moodline alert target test {name}")
    if key and not secret:
        print_line("Verify its messages with this secret, which is not shown again:")
        print_line(key)


@targets_app.command("list", epilog="Example: [cyan]moodline alert target list[/]")
def target_list(as_json: JsonOption = False) -> None:
    """List the targets, and what waits for them."""
    from rich.text import Text

    from analytics.snapshots import in_snapshot
    from moodline.terminal.output import Screen, new_table, print_json, print_line
    from records.alerts.targets import list_targets

    with open_records(read_settings()) as engine:
        targets = in_snapshot(engine, list_targets)
    if as_json:
        print_json({"targets": targets})
        return
    if not targets:
        print_line("No targets yet. Add one with `moodline alert target add NAME URL`.")
        return
    table = new_table(
        "target", "kind", "address", "waiting", "failed", "state", right=["waiting", "failed"]
    )
    for one in targets:
        state = f"disabled: {one.disabled_reason}" if one.disabled_at else ""
        table.add_row(
            Text(one.name),
            one.kind,
            Text(one.shown_address),
            f"{one.waiting:,}",
            f"{one.failed:,}",
            Text(state, style="red"),
        )
    Screen().print(table)


@targets_app.command("test", epilog="Example: [cyan]moodline alert target test phone[/]")
def target_test(name: TargetArgument) -> None:
    """Send a test message to a target, and print how it answers."""
    from moodline.commands.alerts.test_messages import send_tests

    settings = read_settings()
    with open_records(settings) as engine:
        send_tests(settings, engine, [name])


@targets_app.command("enable", epilog="Example: [cyan]moodline alert target enable hooks[/]")
def target_enable(name: TargetArgument) -> None:
    """Deliver to a target again that was disabled, as after HTTP status 410."""
    from moodline.terminal.output import print_line
    from records.alerts.targets import enable_target

    with open_records(read_settings()) as engine:
        enable_target(engine, name, actor=current_actor())
    print_line(f"{name} is told again.")


@targets_app.command("disable", epilog="Example: [cyan]moodline alert target disable hooks[/]")
def target_disable(name: TargetArgument) -> None:
    """Deliver nothing to a target; drop what waits for it."""
    from contracts.times import utc_now
    from moodline.terminal.output import print_line
    from records.alerts.silent_targets import BY_HAND
    from records.alerts.targets import disable_target, find_target
    from records.database import transaction

    actor = current_actor()
    with open_records(read_settings()) as engine, transaction(engine) as connection:
        known = find_target(connection, name)
        disable_target(connection, known.pk, f"{BY_HAND}{actor}", now=utc_now(), actor=actor)
    print_line(f"{name} gets no more alerts.")


@targets_app.command("remove", epilog="Example: [cyan]moodline alert target remove hooks[/]")
def target_remove(name: TargetArgument) -> None:
    """Remove a target, with what waits for it."""
    from moodline.terminal.output import print_line
    from records.alerts.targets import remove_target

    with open_records(read_settings()) as engine:
        remove_target(engine, name, actor=current_actor())
    print_line(f"{name} was removed.")


@targets_app.command(
    "deliveries",
    epilog="Examples: [cyan]moodline alert target deliveries[/] · "
    "[cyan]moodline alert target deliveries hooks --limit 10[/]",
)
def target_deliveries(
    name: Annotated[str, typer.Argument(help="Only of this target.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="Number of deliveries to list.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List deliveries and how they ended, the newest first."""
    from rich.text import Text

    from analytics.snapshots import in_snapshot
    from moodline.terminal.output import Screen, format_time, new_table, print_json, print_line
    from records.alerts.events import list_deliveries

    with open_records(read_settings()) as engine:
        found = in_snapshot(engine, list_deliveries, target=name, limit=limit)
    if as_json:
        print_json({"deliveries": found})
        return
    if not found:
        print_line("No deliveries yet.")
        return
    table = new_table("number", "target", "queued (UTC)", "what", "state", "attempts", "result")
    for one in found:
        what = f"{one.kind} {one.rule} {one.source}".strip()
        table.add_row(
            str(one.pk),
            Text(one.target),
            format_time(one.created_at),
            Text(what),
            one.state,
            str(one.attempts),
            Text(one.result),
        )
    Screen().print(table)


@targets_app.command(
    "replay",
    epilog="Examples: [cyan]moodline alert target replay hooks --last 24h[/] · "
    "[cyan]moodline alert target replay hooks --number 41[/]",
)
def target_replay(
    name: TargetArgument,
    last: Annotated[
        str, typer.Option(help="Deliver again what did not arrive in this time.")
    ] = "24h",
    number: Annotated[
        int | None, typer.Option(help="Deliver this one again, even if it arrived.")
    ] = None,
) -> None:
    """Deliver again, with the same ids. What waits is attempted at once, too."""
    from analytics.runs.number_text import count_text
    from contracts.times import utc_now
    from moodline.terminal.output import print_line
    from moodline.terminal.time_arguments import parse_duration
    from records.alerts.replays import replay_deliveries

    since = utc_now() - parse_duration(last, "--last")
    with open_records(read_settings()) as engine:
        count = replay_deliveries(engine, name, since, number, actor=current_actor())
    print_line(f"{count_text(count, 'message')} will be delivered to {name} again.")
