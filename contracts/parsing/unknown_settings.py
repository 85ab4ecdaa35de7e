"""Settings that do not exist: a misspelt name would otherwise be ignored without a word."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from contracts.parsing.secret_files import SECRETS_VARIABLE

PREFIX: Final = "MOODLINE_"
_OTHER_NAMES: Final = frozenset(
    {
        SECRETS_VARIABLE,
        # Of docker-compose.yml.
        "MOODLINE_RECORDINGS",
        "MOODLINE_POSTGRES_PASSWORD",
        "MOODLINE_BROKER_PASSWORD",
        # Of the development tools.
        "MOODLINE_BENCHMARK_EVERY",
        "MOODLINE_SHOTS",
    }
)


def unknown_settings(
    environment: Mapping[str, str], secret_folders: Iterable[Path], known: Collection[str]
) -> list[str]:
    """Return a line for each variable, and each secret file, that looks like a setting and is none.

    known: the names of the settings, as environment variables.
    """
    names = dict.fromkeys(environment, "")
    for folder in secret_folders:
        with suppress(OSError):  # One that cannot be listed may still be read by name.
            names |= {file.name.upper(): f" ({file})" for file in sorted(folder.iterdir())}
    unknown = sorted(
        name for name in names if name.startswith(PREFIX) and name not in {*known, *_OTHER_NAMES}
    )
    return [_line(name, names[name], known) for name in unknown]


def _line(name: str, place: str, known: Collection[str]) -> str:
    # Without what all names have in common.
    known_ends = sorted(one.removeprefix(PREFIX) for one in known)
    nearest = get_close_matches(name.removeprefix(PREFIX), known_ends, n=1, cutoff=0.5)
    hint = f"did you mean {PREFIX}{nearest[0]}?" if nearest else "see docs/reference/settings.md"
    return f"{name}{place} is not a setting of moodline, and is ignored: {hint}"
