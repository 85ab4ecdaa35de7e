"""`moodline token`: the programs that may use the API."""

from typing import TYPE_CHECKING, Annotated

import typer

from moodline.commands.options import JsonOption, group_app
from moodline.commands.session import current_actor, open_records, read_settings
from moodline.commands.stored_names import complete_source
from records.users.roles import TokenScope

if TYPE_CHECKING:
    from datetime import datetime

    from records.users.api_tokens import TokenSummary

app = group_app("Manage the tokens with which programs use the API.")

NameArgument = Annotated[str, typer.Argument(help="Name of the token, such as grafana.")]


@app.command(
    "add", epilog="Example: [cyan]moodline token add grafana --scope read --expires 90d[/]"
)
def token_add(
    name: NameArgument,
    scope: Annotated[
        TokenScope,
        typer.Option(
            help="read: read. write: also change sources, recordings and alerts. "
            "admin: also erase data."
        ),
    ] = TokenScope.READ,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            autocompletion=complete_source,
            help="Show the token only this source; can be repeated. Default: all sources.",
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="How long it works, such as 90d. Default: no limit.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token, and print it: it is shown only once."""
    from moodline.terminal.output import print_json, print_line
    from moodline.terminal.time_arguments import parse_duration
    from records.users.api_tokens import add_token

    lifetime = None if expires is None else parse_duration(expires, "--expires")
    with open_records(read_settings()) as engine:
        token = add_token(
            engine, name, scope, sources=source, lifetime=lifetime, actor=current_actor()
        )
    if as_json:
        print_json({"name": name, "token": token})
        return
    print_line(token)
    print_line("Copy it now: it is not shown again. Send it as `Authorization: Bearer TOKEN`.")


@app.command("list", epilog="Example: [cyan]moodline token list[/]")
def token_list(as_json: JsonOption = False) -> None:
    """List the tokens, with what each may do and see, and when it was used last."""
    from moodline.terminal.output import Screen, new_table, print_json, print_line
    from records.users.api_tokens import list_tokens

    with open_records(read_settings()) as engine:
        tokens = list_tokens(engine)
    if as_json:
        print_json({"tokens": tokens})
        return
    if not tokens:
        print_line("No tokens yet. Make one with `moodline token add NAME`.")
        return
    table = new_table("token", "scope", "sources", "expires (UTC)", "last used (UTC)")
    for one in tokens:
        table.add_row(*_cells(one))
    Screen().print(table)


@app.command("revoke", epilog="Example: [cyan]moodline token revoke grafana[/]")
def token_revoke(name: NameArgument) -> None:
    """Revoke a token: it stops to work within a second."""
    from moodline.terminal.output import print_line
    from records.users.api_tokens import revoke_token

    with open_records(read_settings()) as engine:
        revoke_token(engine, name, actor=current_actor())
    print_line(f"Revoked the token {name}.")


def _cells(token: "TokenSummary") -> list[str]:
    from contracts.times import utc_now

    sources = "all" if token.sources is None else ", ".join(token.sources) or "none (removed)"
    expires = "never" if token.expires_at is None else f"{token.expires_at:%Y-%m-%d %H:%M}"
    if token.is_expired(utc_now()):
        expires += ", expired"
    used = "never" if token.used_at is None else f"{_minute(token.used_at)} from {token.used_from}"
    return [token.name, token.scope, sources, expires, used]


def _minute(moment: "datetime") -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
