"""The recognition of messages by their templates."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from babel.numbers import format_decimal

from dashboard.language.catalogues import catalogue
from dashboard.language.offered import Viewing
from dashboard.language.words import PLACE, _, current_viewing

_NUMBER: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+")
"""A number with a separator, as other packages write it."""
_NUMBERS: Final = frozenset(
    {"count", "seconds", "faces", "tracks", "frames", "rollups", "states", "least", "most"}
)
"""Names of values that can only be numbers: others, such as names of sources, stay as they are."""
_SENTENCES: Final = re.compile(r"(?<=[.!?]) (?=[A-Z\d])")

_CLAUSE: Final = "; "


@dataclass(frozen=True, slots=True)
class _Template:
    english: str
    names: tuple[str, ...]
    pattern: re.Pattern[str]


def known(text: str) -> str:
    """Return a message in the viewer's language; as it is if no template matches.

    The values of a message may be messages, too. Of several sentences each is translated.
    """
    viewing = current_viewing()
    return _translated(text, viewing) if catalogue(viewing.language).messages else text


@lru_cache(maxsize=1024)
def _translated(text: str, viewing: Viewing) -> str:
    """viewing: that of the viewer, for the cache."""
    whole = _recognised(text, viewing)
    if whole is not None:
        return whole
    return " ".join(_of_sentence(one, viewing) for one in _SENTENCES.split(text))


def _of_sentence(text: str, viewing: Viewing) -> str:
    """Return one sentence: as a whole, or its clauses one by one."""
    whole = _recognised(text, viewing)
    if whole is not None:
        return whole
    clauses = text.removesuffix(".").split(_CLAUSE)
    end = _(".") if text.endswith(".") else ""
    return _("; ").join(_recognised(one, viewing) or one for one in clauses) + end


def _recognised(text: str, viewing: Viewing) -> str | None:
    whole, templates = _templates(viewing.language)
    if text in whole:
        return _(text)
    for one in templates:
        if (found := one.pattern.fullmatch(text)) is not None:
            values = zip(one.names, found.groups(), strict=True)
            return _(one.english, **{name: _value(name, text, viewing) for name, text in values})
    return None


def _value(name: str, text: str, viewing: Viewing) -> str:
    """Return the value of a template: a number as the viewer writes it, or another message."""
    if name not in _NUMBERS or not _NUMBER.fullmatch(text):
        return _translated(text, viewing)
    digits = len(text.partition(".")[2])
    pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
    return format_decimal(float(text.replace(",", "")), pattern, locale=viewing.locale)


@cache
def _templates(language: str) -> tuple[frozenset[str], tuple[_Template, ...]]:
    """Return the messages without names, and the templates, those with most literal text first."""
    messages = catalogue(language).messages
    templates = [_template(one) for one in messages if PLACE.search(one)]
    templates.sort(key=lambda one: len(PLACE.sub("", one.english)), reverse=True)
    return frozenset(messages), tuple(templates)


def _template(english: str) -> _Template:
    pieces = PLACE.split(english)
    source = "".join("(.+)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces))
    return _Template(english, tuple(pieces[1::2]), re.compile(source, re.DOTALL))
