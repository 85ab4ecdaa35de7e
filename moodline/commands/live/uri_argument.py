"""Arguments that name a source. "-" keeps a URI out of shell history and process list."""

import sys
from typing import Annotated

import typer

from moodline.commands.stored_names import complete_live_source

NameArgument = Annotated[
    str, typer.Argument(autocompletion=complete_live_source, help="Name of the source.")
]


def typed_uri(argument: str) -> str:
    """Return the URI; for "-" ask for it, or read it from standard input."""
    if argument != "-":
        return argument
    if sys.stdin.isatty():
        return str(typer.prompt("URI", hide_input=True)).strip()
    return sys.stdin.readline().strip()
