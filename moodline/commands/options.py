"""Options that several commands share, and how a command is declared."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from moodline.commands.stored_names import complete_run, complete_source

DASHBOARD_PORT: Final = 8050

RunArgument = Annotated[
    str, typer.Argument(autocompletion=complete_run, help="Run id, from `moodline runs list`.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
SourcesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source", autocompletion=complete_source, help="Only this source; can be repeated."
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Only frames captured at or after this ISO 8601 time; in --zone if it has no offset.",
    ),
]
ToOption = Annotated[
    str | None, typer.Option("--to", help="Only frames captured before this time.")
]
ZoneOption = Annotated[
    str | None,
    typer.Option(
        help="IANA time zone of times without an offset, and of days and hours. "
        "Default: MOODLINE_TIMEZONE."
    ),
]
FramesOption = Annotated[
    bool, typer.Option("--frames", help="Also export a row for each frame without a face.")
]
SamplingOption = Annotated[
    float | None, typer.Option("--fps", min=0.001, max=1000, help="Frames to analyse per second.")
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, max=64, help="Worker processes. Default: one per core.")
]
ParallelOption = Annotated[
    int, typer.Option(min=1, max=64, help="Recordings to decode at the same time.")
]
DashboardPortOption = Annotated[
    int,
    typer.Option("--port", min=0, max=65535, help="Port of the dashboard; 0 for no dashboard."),
]
DashboardHostOption = Annotated[
    str,
    typer.Option(
        "--host", help="Address to bind the dashboard to. Beyond loopback it needs a user."
    ),
]
TlsCertOption = Annotated[
    str, typer.Option("--tls-cert", help="Certificate to serve HTTPS with, a PEM file.")
]
TlsKeyOption = Annotated[str, typer.Option("--tls-key", help="Key of the certificate, a PEM file.")]
SignInOption = Annotated[
    bool | None,
    typer.Option(
        "--sign-in/--no-sign-in",
        help="--sign-in: users sign in on loopback too, under any host name, as behind a proxy. "
        "--no-sign-in: nobody signs in, so every program and every user of this host can use "
        "the dashboard. Default: the owner signs in by a link that is printed.",
    ),
]


class QuarterTurn(StrEnum):
    """Degrees clockwise by which a picture is turned."""

    NONE = "0"
    RIGHT = "90"
    HALF = "180"
    LEFT = "270"


RotateOption = Annotated[
    QuarterTurn | None,
    typer.Option(help="Degrees clockwise by which to turn the picture, as it is displayed now."),
]
MirrorOption = Annotated[
    bool | None,
    typer.Option("--mirror/--no-mirror", help="Mirror the picture left to right, once turned."),
]
OutOption = Annotated[Path, typer.Option(help="Output file: .csv, .parquet or .jsonl.")]


def command_app() -> typer.Typer:
    """Return the application of a module that has a single command."""
    return typer.Typer(add_completion=False)


def group_app(help_text: str) -> typer.Typer:
    """Return the application of a module that has a group of commands."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, help=help_text)
    # With a callback it stays a group, even with a single command in it.
    app.callback()(_no_action)
    return app


def _no_action() -> None:
    return
