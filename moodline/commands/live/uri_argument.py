"""URIs as arguments of commands: "-" keeps them out of the shell history and the process list."""

import sys

import typer


def typed_uri(argument: str) -> str:
    """Return the URI; for "-" ask for it, or read it from standard input."""
    if argument != "-":
        return argument
    if sys.stdin.isatty():
        return str(typer.prompt("URI", hide_input=True)).strip()
    return sys.stdin.readline().strip()
