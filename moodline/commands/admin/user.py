"""`moodline user`: the people who may sign in to the dashboard."""

import sys
from typing import Annotated

import typer

from contracts.errors import UserError
from moodline.commands.options import DASHBOARD_PORT, JsonOption, group_app
from moodline.commands.session import current_actor, open_records, read_settings
from records.users.roles import Role

app = group_app("Manage the users of the dashboard.")

NameArgument = Annotated[str, typer.Argument(help="User name.")]


@app.command("add", epilog="Example: [cyan]moodline user add mara --role operator[/]")
def user_add(
    name: NameArgument,
    role: Annotated[
        Role,
        typer.Option(
            help="viewer: read. operator: also manage sources and recordings. "
            "admin: also erase data."
        ),
    ] = Role.VIEWER,
) -> None:
    """Add a user. The password is prompted for, or read from standard input."""
    from moodline.terminal.output import print_line
    from records.users.accounts import add_user

    with open_records(read_settings()) as engine:
        add_user(engine, name, role, _read_password(name), actor=current_actor())
    print_line(f"{name.lower()} can now sign in to the dashboard as {role}.")


@app.command("list", epilog="Example: [cyan]moodline user list[/]")
def user_list(as_json: JsonOption = False) -> None:
    """List the users, their roles, and how many sessions each has open."""
    from rich.text import Text

    from moodline.terminal.output import Screen, new_table, print_json, print_line
    from records.users.accounts import list_users

    with open_records(read_settings()) as engine:
        users = list_users(engine)
    if as_json:
        print_json({"users": users})
        return
    if not users:
        print_line("No users yet. Add one with `moodline user add NAME --role admin`.")
        return
    table = new_table("user", "role", "since (UTC)", "sessions", "code", right=["sessions"])
    for user in users:
        table.add_row(
            Text(user.name),
            user.role,
            f"{user.created_at:%Y-%m-%d}",
            f"{user.sessions:,}",
            "yes" if user.second_factor else "",
        )
    Screen().print(table)


@app.command("password", epilog="Example: [cyan]moodline user password mara[/]")
def user_password(name: NameArgument) -> None:
    """Change a user's password. This ends the user's sessions."""
    from moodline.terminal.output import print_line
    from records.users.accounts import set_password

    with open_records(read_settings()) as engine:
        set_password(engine, name, _read_password(name), actor=current_actor())
    print_line(f"Changed the password of {name.lower()}, and ended all sessions of this user.")


@app.command("role", epilog="Example: [cyan]moodline user role mara admin[/]")
def user_role(
    name: NameArgument,
    role: Annotated[Role, typer.Argument(help="viewer, operator or admin.")],
) -> None:
    """Change a user's role. This ends the user's sessions."""
    from moodline.terminal.output import print_line
    from records.users.accounts import set_role

    with open_records(read_settings()) as engine:
        set_role(engine, name, role, actor=current_actor())
    print_line(f"{name.lower()} is now {role}. All sessions of this user ended.")


@app.command("link", epilog="Example: [cyan]moodline user link --at http://127.0.0.1:8080/[/]")
def user_link(
    at: Annotated[str, typer.Option(help="Address of the dashboard.")] = (
        f"http://127.0.0.1:{DASHBOARD_PORT}/"
    ),
) -> None:
    """Print a link that signs you in as the owner of this MOODLINE_HOME. It works once."""
    from moodline.services.sign_in_links import sign_in_link
    from moodline.terminal.output import print_line

    settings = read_settings()
    print_line(sign_in_link(settings.home_path, f"{at.removesuffix('/')}/"))


@app.command(
    "remove-second-factor", epilog="Example: [cyan]moodline user remove-second-factor mara[/]"
)
def user_remove_second_factor(name: NameArgument) -> None:
    """Let a user sign in without a code, after the loss of the app and the recovery codes."""
    from moodline.terminal.output import print_line
    from records.users.second_factor import remove_second_factor

    with open_records(read_settings()) as engine:
        remove_second_factor(engine, name, actor=current_actor())
    print_line(f"Removed the second factor of {name.lower()}.")


@app.command("remove", epilog="Example: [cyan]moodline user remove mara[/]")
def user_remove(name: NameArgument) -> None:
    """Remove a user. This ends the user's sessions."""
    from moodline.terminal.output import print_line
    from records.users.accounts import remove_user

    with open_records(read_settings()) as engine:
        remove_user(engine, name, actor=current_actor())
    print_line(f"Removed {name.lower()}.")


def _read_password(name: str) -> str:
    """Prompt for the password twice, or read it from a pipe.

    It is never an argument, because other users can read those in the process list.
    """
    import getpass

    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Again: ") != first:
        raise UserError("the two passwords differ", hint="Run the command again")
    return first
