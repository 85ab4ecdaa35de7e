"""`moodline user`: who may sign in to the dashboard, and what they may do there."""

import getpass
import socket
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.settings import Settings
from moodline.commands.records_session import records
from moodline.commands.runs import print_json
from records.tables.users import Role
from records.users import UserError, add_user, list_users, remove_user
from records.users import set_password as save_password
from records.users import set_role as save_role
from runtime.logs import configure_logs

app = typer.Typer(no_args_is_help=True, help="Who may sign in to the dashboard.")

Name = Annotated[str, typer.Argument(help="The user's name.")]
RoleOption = Annotated[
    Role,
    typer.Option(
        help="viewer: look. operator: also sources and recordings. admin: also erase and keep."
    ),
]


@app.command("add", epilog="Example: [cyan]moodline user add mara --role operator[/]")
def user_add(name: Name, role: RoleOption = Role.VIEWER) -> None:
    """Add a user. The password is asked for, or is the first line of standard input."""
    with records(_settings()) as engine:
        add_user(engine, name, role, _password(name), actor=actor())
    _say(f"{name.lower()} may sign in to the dashboard, as {role}.")


@app.command("list", epilog="Example: [cyan]moodline user list[/]")
def user_list(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """List the users, what they may do, and how many sessions they have open."""
    with records(_settings()) as engine:
        users = list_users(engine)
    if as_json:
        lines = [asdict(one) | {"created_at": one.created_at.isoformat()} for one in users]
        print_json({"users": lines})
        return
    if not users:
        _say("No users yet: `moodline user add NAME --role admin` adds one.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("user", "role", "since (UTC)", "signed in"):
        table.add_column(name, justify="right" if name == "signed in" else "left")
    for one in users:
        since = f"{one.created_at:%Y-%m-%d}"
        table.add_row(Text(one.name), one.role, since, f"{one.sessions:,}")
    Console().print(table)


@app.command("password", epilog="Example: [cyan]moodline user password mara[/]")
def user_password(name: Name) -> None:
    """Give a user another password; their sessions end."""
    with records(_settings()) as engine:
        save_password(engine, name, _password(name), actor=actor())
    _say(f"{name.lower()} has another password, and is signed out everywhere.")


@app.command("role", epilog="Example: [cyan]moodline user role mara admin[/]")
def user_role(
    name: Name, role: Annotated[Role, typer.Argument(help="viewer, operator or admin.")]
) -> None:
    """Give a user another role; their sessions end."""
    with records(_settings()) as engine:
        save_role(engine, name, role, actor=actor())
    _say(f"{name.lower()} is {role} now, and is signed out everywhere.")


@app.command("remove", epilog="Example: [cyan]moodline user remove mara[/]")
def user_remove(name: Name) -> None:
    """Nobody may sign in under the name any more."""
    with records(_settings()) as engine:
        remove_user(engine, name, actor=actor())
    _say(f"{name.lower()} may not sign in any more.")


def actor() -> str:
    """Who does it, for the audit."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def _password(name: str) -> str:
    """Typed twice; never an argument, which others could read in the list of processes."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Password of {name}: ")
    if getpass.getpass("Again: ") != first:
        raise UserError("the two are not the same", hint="Try again")
    return first


def _say(line: str) -> None:
    Console().print(line, highlight=False, markup=False)


def _settings() -> Settings:
    settings = Settings.read()
    configure_logs(settings.log_level)
    return settings
