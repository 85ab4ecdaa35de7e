"""Completion for the shell: commands, options, and names of the records, within a quarter second.

Typer finds what is to be completed by parsing the words, for which it imports most of what a
command needs. Here the words are only looked at.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from typer._click.shell_completion import CompletionItem, get_completion_class
from typer._completion_classes import completion_init

VARIABLE: Final = "_MOODLINE_COMPLETE"
_COMPLETE: Final = "complete_"


def complete_words(group: Any, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return what the shell asks for, in its form; None if it asks for something else.

    group: the `moodline` command.
    """
    asked = environment.get(VARIABLE, "")
    if not asked.startswith(_COMPLETE):
        return None
    completion_init()
    shell = get_completion_class(asked.removeprefix(_COMPLETE))
    if shell is None:
        return None
    made: Any = shell(group, {}, "moodline", VARIABLE)
    made.get_completions = lambda args, word: list(completions(group, args, word))
    return str(made.complete())


def completions(group: Any, args: Sequence[str], word: str) -> Iterator[CompletionItem]:
    """Yield the completions of `word` after these arguments."""
    command, left = group, list(args)
    while left and left[0] in getattr(command, "commands", {}):
        command = command.commands[left.pop(0)]
    children = getattr(command, "commands", {})
    option = _option(command, left[-1]) if left else None
    if option is not None and not option.is_flag:
        yield from option.shell_complete(None, word)
    elif word.startswith("-"):
        yield from _options(command, word)
    elif children:
        # Those of the first level are not loaded for their help: that would take seconds.
        known = children if command is not group else dict.fromkeys(children)
        for name, child in known.items():
            if name.startswith(word):
                text = child.get_short_help_str() if child else None
                yield CompletionItem(name, help=text)
    elif (argument := _argument(command, left)) is not None:
        yield from argument.shell_complete(None, word)


def _option(command: Any, name: str) -> Any:
    """Return the command's option of that name; None if it has none."""
    return next((one for one in command.params if name in getattr(one, "opts", ())), None)


def _options(command: Any, word: str) -> Iterator[CompletionItem]:
    for one in command.params:
        if one.param_type_name == "option":
            for name in (*one.opts, *one.secondary_opts):
                if name.startswith(word):
                    yield CompletionItem(name, help=one.help)
    if "--help".startswith(word):
        yield CompletionItem("--help", help="Show this message and exit.")


def _argument(command: Any, args: Sequence[str]) -> Any:
    """Return the argument that comes after these; the last one if it takes several values."""
    given, skips = 0, False
    for one in args:
        if skips:
            skips = False
        elif one.startswith("-"):
            option = _option(command, one)
            skips = option is not None and not option.is_flag
        else:
            given += 1
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    if given < len(arguments):
        return arguments[given]
    return arguments[-1] if arguments and arguments[-1].nargs != 1 else None
