"""`moodline erase`."""

from typing import TYPE_CHECKING, Annotated

import typer

from moodline.commands.options import FromOption, JsonOption, ToOption, ZoneOption, command_app
from moodline.commands.session import current_actor, open_records, read_settings
from moodline.commands.stored_names import complete_run, complete_source

if TYPE_CHECKING:
    from analytics.removal.erasure_scope import ErasureScope
    from analytics.removal.receipts import Receipt

app = command_app()


@app.command(epilog="Example: [cyan]moodline erase --source door --dry-run[/]")
def erase(  # noqa: PLR0913, PLR0917  (one parameter per option)
    source: Annotated[
        str | None, typer.Option(autocompletion=complete_source, help="Only this source.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(autocompletion=complete_run, help="Only this run.")
    ] = None,
    since: FromOption = None,
    until: ToOption = None,
    zone: ZoneOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be erased, and erase nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase results: rows, rollups and live pictures. The audit keeps a receipt."""
    from analytics.history.local_time import zone_named
    from analytics.removal import erasure
    from analytics.removal.erasure_scope import ErasureScope
    from moodline.adapters.erased_copies import delete_erased_copies
    from moodline.terminal.output import print_line
    from moodline.terminal.time_arguments import parse_optional_time, range_line

    settings = read_settings()
    clock = zone_named(zone) if zone else settings.timezone
    begin = parse_optional_time(since, "--from", clock)
    end = parse_optional_time(until, "--to", clock)
    scope = ErasureScope(source, run, begin, end)
    if (asked := range_line(begin, end, clock)) and not as_json:
        print_line(asked)
    with open_records(settings) as engine:
        actor = current_actor()
        planned = erasure.erase(engine, scope, actor=actor, dry_run=True)
        if dry_run:
            _print_receipt(planned, scope, as_json=as_json)
            return
        if not yes:
            _print_receipt(planned, scope, as_json=as_json)
            typer.confirm("Erase this? It cannot be undone.", abort=True)
        receipt = erasure.erase(
            engine,
            scope,
            actor=actor,
            delete_copies=lambda receipt: delete_erased_copies(settings, engine, receipt),
        )
    _print_receipt(receipt, scope, as_json=as_json)


def _print_receipt(receipt: "Receipt", scope: "ErasureScope", *, as_json: bool) -> None:
    from dataclasses import asdict

    from moodline.terminal.output import print_json, print_line

    if as_json:
        print_json(asdict(receipt) | {"since": scope.since, "until": scope.until})
        return
    print_line(
        f"{'Would erase' if receipt.dry_run else 'Erased'} {receipt.frames:,} frames with "
        f"{receipt.faces:,} faces in {receipt.tracks:,} tracks, {receipt.dead_letters:,} dead "
        f"letters, and the rollups of {receipt.rollups:,} older frames, in {receipt.runs:,} runs "
        f"of {', '.join(receipt.sources) or 'no source'}."
    )
    if receipt.remains:
        print_line(f"Erased data may remain in {receipt.remains}.")
    if receipt.number is not None:
        print_line(f"`moodline audit` lists this as receipt {receipt.number}.")
