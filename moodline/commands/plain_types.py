"""Plain types: how help pages and errors name the values that an option takes.

As NUMBER or 1 to 64, and without the words of the library that checks them.
"""

from functools import partial
from pathlib import Path
from typing import Any, Final

from typer import BadParameter

from contracts.parsing.plain_messages import validator_message

_WORDS: Final = {int: "NUMBER", float: "NUMBER", Path: "PATH", str: "TEXT"}


def show_plain_types(command: Any) -> None:
    """Replace types as `<int range> [1<=x<=64]` on the help pages of a command and its own ones.

    A flag takes no value and so shows none. Typer converts and checks values by what the options
    were declared with, which this leaves alone.
    """
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            parameter.metavar = parameter.metavar or parameter.name.upper()
            parameter._usage_display_name = partial(_usage, parameter)
            parameter.display_type_rich = lambda ctx: ""  # noqa: ARG005
        elif parameter.metavar is None:
            parameter.metavar = _word(parameter)
        parameter.min = parameter.max = None
        parameter.process_value = partial(_checked, parameter.process_value)
    _show_plain_help(command)
    for child in getattr(command, "commands", {}).values():
        show_plain_types(child)


def _show_plain_help(command: Any) -> None:
    """The option --help is made when it is first asked for."""
    make = command.get_help_option

    def made(ctx: Any) -> Any:
        option = make(ctx)
        if option is not None:
            option.metavar = ""
        return option

    command.get_help_option = made


def _checked(check: Any, *given: Any) -> Any:
    try:
        return check(*given)
    except BadParameter as exc:
        exc.message = validator_message(exc.message)
        raise


def _usage(argument: Any) -> str:
    """Return RUN, [RUN] if it may be left out, and RUN... if there may be several."""
    name = argument.metavar if argument.required else f"[{argument.metavar}]"
    return name if argument.nargs == 1 else f"{name}..."


def _word(option: Any) -> str | None:
    described = option.type_descriptor
    if described.is_choice:
        return None  # The choices themselves are shown.
    annotation = described.annotation
    if annotation is bool:
        return ""
    numbers = _range(option.min, option.max)
    if numbers:
        return numbers
    inner = getattr(annotation, "__args__", (annotation,))[0]
    return _WORDS.get(inner)


def _range(least: float | None, most: float | None) -> str:
    if least is None and most is None:
        return ""
    if most is None:
        return f"{least:g} or more"
    return f"up to {most:g}" if least is None else f"{least:g} to {most:g}"
