"""The texts of pages in the viewer's language: `_("Sign out")`, `n_("{count} face", ...)`.

A text is a whole sentence or label, with names in braces for what is filled in. Never join texts
to a sentence: other languages have another order.
"""

import re
from contextvars import ContextVar
from typing import Any, Final

from babel.numbers import format_decimal

from contracts.expressions import LABELS
from dashboard.language.catalogues import catalogue
from dashboard.language.offered import ENGLISH, LANGUAGES, Viewing, language_tag, viewing

PLACE: Final = re.compile(r"\{(\w+)\}")
"""A name in braces, in a text of a catalogue."""
_viewing: ContextVar[Viewing] = ContextVar("moodline_viewing", default=viewing(ENGLISH, ""))  # noqa: B039


def set_viewing(found: Viewing) -> None:
    """Set the language of the current request. Only the guard calls this."""
    _viewing.set(found)


def current_viewing() -> Viewing:
    """Return the language of the current request, also in threads that the request waits for."""
    return _viewing.get()


def _(english: str, **values: object) -> str:
    """Return the text in the viewer's language, with the values in the place of their names."""
    text = catalogue(_viewing.get().language).text(english)
    return text.format_map(values) if values else text


def n_(one: str, many: str, number: int, **values: object) -> str:
    """Return the text for a number of things; {count} is the number in the viewer's locale."""
    now = _viewing.get()
    if "count" not in values:
        values["count"] = format_decimal(number, "#,##0", locale=now.locale)
    return catalogue(now.language).counted(one, many, number).format_map(values)


def N_(english: str) -> str:  # noqa: N802  (gettext's name)
    """Mark a text for the catalogue that is translated later, by `_`, where it is shown."""
    return english


def parts(english: str, **values: Any) -> list[Any]:
    """Return the text as the children of a component; values may be components, such as links."""
    pieces = PLACE.split(_(english))
    return [
        values[piece] if index % 2 else piece for index, piece in enumerate(pieces) if piece != ""
    ]


def languages() -> list[dict[str, Any]]:
    """Return what a button for each language needs: value, name, tag, and whether it is on."""
    now = _viewing.get().language
    return [
        {"value": one, "name": name, "tag": language_tag(one), "pressed": one == now}
        for one, name in LANGUAGES.items()
    ]


def label_name(label: str) -> str:
    """Return the name of an expression, or of uncertain, as pages show it."""
    return _(_LABEL_NAMES.get(label, label))


_LABEL_NAMES: Final = {
    "angry": N_("angry"),
    "disgust": N_("disgust"),
    "fear": N_("fear"),
    "happy": N_("happy"),
    "sad": N_("sad"),
    "surprise": N_("surprise"),
    "neutral": N_("neutral"),
    "uncertain": N_("uncertain"),
}


if set(_LABEL_NAMES) != set(LABELS):
    raise AssertionError("each label must have its name")
